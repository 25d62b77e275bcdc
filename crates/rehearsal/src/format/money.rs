//! What steps about money and plans are given: purchases and what undoes them, subscriptions, add-ons, corrections.

use reeve_credits::Interval;
use reeve_credits::catalog::{AddonName, ScopeName, decimal, decimal_optional};
use reeve_types::{Credits, PlanName};
use serde::Deserialize;

use super::Instant;

/// Credits bought.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purchase {
    pub payment: String,
    pub pack: Option<String>,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub credits: Option<Credits>,
    /// `paid` when left out.
    #[serde(default)]
    pub status: PurchaseStatus,
}

/// Whether the payment has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    #[default]
    Paid,
    Pending,
}

/// A purchase, by its payment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentRef {
    pub payment: String,
}

/// A purchase undone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    pub payment: String,
    /// `requested` when left out.
    #[serde(default)]
    pub kind: RefundWord,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub credits: Option<Credits>,
    pub reason: Option<String>,
}

/// Who wants it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundWord {
    #[default]
    Requested,
    Chargeback,
    Admin,
}

/// Another subscription; what is left out stays, as the API says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    pub plan: PlanName,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub interval: Option<Interval>,
    pub seats: Option<u32>,
}

/// A subscription's money back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPlan {
    pub payment: String,
    #[serde(default)]
    pub reason: String,
}

/// What became of a term's payment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    pub payment: String,
    #[serde(default)]
    pub status: RenewStatus,
}

/// Whether the term is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewStatus {
    #[default]
    Paid,
    Failed,
}

/// So many units of an add-on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAddon {
    pub name: AddonName,
    pub units: u32,
}

/// An add-on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddonRef {
    pub name: AddonName,
}

/// A friend signed up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refer {
    pub friend: String,
}

/// A correction by an operator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    #[serde(deserialize_with = "decimal")]
    pub amount: Credits,
    #[serde(default)]
    pub reason: String,
    /// The job that it makes good for.
    pub job: Option<String>,
    pub until: Option<Instant>,
    pub scope: Option<ScopeName>,
}
