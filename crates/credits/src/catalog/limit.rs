//! Rule kind `limit`: ceilings on purchases, spending and work (KV-09, X25).

use reeve_types::{ActionName, Credits, SourceName};
use serde::Deserialize;

use super::decimal::{self, Factor};

/// One ceiling.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How a refusal calls it.
    pub name: String,
    pub what: LimitWhat,
    #[serde(default)]
    pub who: LimitWho,
    /// The source it is about, for purchases.
    pub source: Option<SourceName>,
    /// The actions it is about; all when left out.
    pub actions: Option<Vec<ActionName>>,
    pub amount: LimitAmount,
    pub window: Window,
    /// Payments that count, for purchases: pending ones too, or two at once would both pass (KV-09).
    #[serde(default)]
    pub count: Vec<PaymentState>,
    #[serde(default)]
    pub then: LimitAction,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitWhat {
    /// Credits settled and held.
    Spend,
    /// Credits bought.
    Purchase,
    /// Credits owned.
    Balance,
    /// Jobs that run at once.
    Concurrency,
    /// Jobs with price zero (X25).
    FreeJobs,
}

/// Whose sum it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitWho {
    #[default]
    Workspace,
    Member,
    Group,
    Key,
    Feature,
}

/// The ceiling: exactly one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitAmount {
    /// So many times the allotment.
    pub allotments: Option<Factor>,
    #[serde(default, deserialize_with = "decimal::optional")]
    pub credits: Option<Credits>,
    /// A plain count, for jobs.
    pub count: Option<u32>,
}

/// Over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    Day,
    Month,
    /// From one monthly anniversary of the anchor to the next (KV-10).
    BillingMonth,
    /// At this moment: for balances and concurrency.
    Now,
}

/// How far a payment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    Pending,
    Confirmed,
}

/// What happens at the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitAction {
    #[default]
    Block,
    Alert,
}
