//! What a workspace has, lot by lot.

use reeve_types::{LotId, SourceName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At, schema};

/// The three figures of a balance; `balance` is `available` plus `held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceSummary {
    /// Negative while there is debt (X13).
    pub available: Amount,
    pub held: Amount,
    pub balance: Amount,
}

/// `GET /v1/workspaces/{ws}/balance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    pub available: Amount,
    pub held: Amount,
    pub balance: Amount,
    /// What a clawback could not recover; later grants pay it first (X13).
    pub debt: Amount,
    /// Settled since the period's start, plus held where the catalog shows a hold as spent.
    pub spent_shown: Amount,
    /// The instant this is true of; a forecast when it lies in the future.
    pub as_of: At,
    pub lots: Vec<LotView>,
    /// The next change that comes by itself.
    pub next: Option<NextChange>,
}

/// What kind of credits a lot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotClass {
    Promo,
    Trial,
    Daily,
    Signup,
    Referral,
    Adjustment,
    Plan,
    Addon,
    Pack,
}

/// A lot: `granted` is the sum of the six figures after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    #[schema(value_type = schema::LotId)]
    pub id: LotId,
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    pub class: LotClass,
    pub granted: Amount,
    pub available: Amount,
    pub held: Amount,
    pub consumed: Amount,
    pub expired: Amount,
    pub forfeited: Amount,
    pub clawed_back: Amount,
    pub effective_at: At,
    /// `null` never expires.
    pub expires_at: Option<At>,
    /// Which actions it may pay for; `null` pays for all.
    pub scope: Option<String>,
}

/// A change that comes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextChange {
    pub at: At,
    /// What the ledger will call it, such as `grant`, `expire` or `forfeit`; new words may come.
    pub what: String,
    pub amount: Amount,
}

/// Query of `GET /v1/workspaces/{ws}/balance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BalanceQuery {
    /// May lie in the future: a forecast if nothing is spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}
