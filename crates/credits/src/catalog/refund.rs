//! Rule kind `refund`: when a purchase can be reversed, and what a chargeback does (KF-08 to KF-10, X13).

use serde::Deserialize;

/// Reversal of purchases and payments. Generations that landed are never refunded by rule (KV-16).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refund {
    /// How long after its credits are available a purchase can be given back, in seconds; never when left out.
    pub window_seconds: Option<u32>,
    /// Whose credits must be unused.
    pub unused_scope: UnusedScope,
    /// What holds when the conditions do not.
    pub otherwise: Otherwise,
    /// A first subscription payment has the same window (KF-08).
    pub first_payment: bool,
    /// Unused months of a yearly payment (KF-10).
    pub annual_partial: Option<AdminRefund>,
    /// An admin may still adjust, with a reason (KV-16).
    pub admin: AdminRefund,
    /// What a chargeback beyond the rest of its lots does (X13).
    pub chargeback: Chargeback,
}

/// Whose credits must be unused for a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnusedScope {
    /// Those of this purchase's lots.
    #[default]
    Purchase,
    /// All of the workspace's.
    Account,
}

/// What holds outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is refused.
    #[default]
    NonRefundable,
    /// Only an admin may give it back.
    Admin,
}

/// What only an admin may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminRefund {
    /// Give it back, with a reason.
    #[default]
    Reason,
}

/// What becomes of a reversal that the lots no longer cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chargeback {
    /// The workspace owes it; the next grants pay it first.
    #[default]
    Debt,
    /// Nobody does: what was spent is lost.
    Clamp,
}
