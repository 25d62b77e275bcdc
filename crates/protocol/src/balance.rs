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
    /// Credits pinned for jobs under way.
    pub held: Amount,
    /// `available` plus `held`.
    pub balance: Amount,
}

/// `GET /v1/workspaces/{ws}/balance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BalanceView {
    /// Credits that can be held now; negative while there is debt (X13).
    pub available: Amount,
    /// Credits pinned for jobs under way.
    pub held: Amount,
    /// `available` plus `held`.
    pub balance: Amount,
    /// What a clawback could not recover; later grants pay it first (X13).
    pub debt: Amount,
    /// Settled since the period's start, plus held where the catalog shows a hold as spent.
    pub spent_shown: Amount,
    /// The instant this is true of; a forecast when it lies in the future.
    pub as_of: At,
    /// Lots with anything left, in order of their ids.
    pub lots: Vec<LotView>,
    /// The next change that comes by itself.
    pub next: Option<NextChange>,
}

/// What kind of credits a lot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotClass {
    /// Came with a purchase during a promotion (KV-27).
    Promo,
    /// Lent by a trial (KV-24).
    Trial,
    /// For one local date (KR-03).
    Daily,
    /// Once, for signing up.
    Signup,
    /// For a friend who signed up (KA-04).
    Referral,
    /// Given by an operator.
    Adjustment,
    /// The subscription's own.
    Plan,
    /// From units of an add-on (AS-07).
    Addon,
    /// Bought.
    Pack,
}

/// A lot: `granted` is the sum of the six figures after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotView {
    /// The lot.
    #[schema(value_type = schema::LotId)]
    pub id: LotId,
    /// The catalog's source that granted it.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// What kind of credits it holds.
    pub class: LotClass,
    /// Credits that it was made with.
    pub granted: Amount,
    /// Can be held.
    pub available: Amount,
    /// Pinned for jobs under way.
    pub held: Amount,
    /// Spent.
    pub consumed: Amount,
    /// Lost when its time was over (X1).
    pub expired: Amount,
    /// Lost at a boundary or a change of plan.
    pub forfeited: Amount,
    /// Taken back with their payment.
    pub clawed_back: Amount,
    /// First instant at which it is usable.
    pub effective_at: At,
    /// `null` never expires.
    pub expires_at: Option<At>,
    /// Which actions it may pay for; `null` pays for all.
    pub scope: Option<String>,
}

/// A change that comes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextChange {
    /// When it comes.
    pub at: At,
    /// What the ledger will call it, such as `grant`, `expire` or `forfeit`; new words may come.
    pub what: String,
    /// How many credits; the word says the direction.
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
