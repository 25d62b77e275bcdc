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
    /// What is counted.
    pub what: LimitWhat,
    /// Whose sum it is.
    #[serde(default)]
    pub who: LimitWho,
    /// The source it is about, for purchases.
    pub source: Option<SourceName>,
    /// The actions it is about; all when left out.
    pub actions: Option<Vec<ActionName>>,
    /// The ceiling itself.
    pub amount: LimitAmount,
    /// Over which time it is counted.
    pub window: Window,
    /// Payments that count, for purchases: pending ones too, or two at once would both pass (KV-09).
    #[serde(default)]
    pub count: Vec<PaymentState>,
    /// What happens there.
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
    /// The whole workspace's.
    #[default]
    Workspace,
    /// Each member's own.
    Member,
    /// A group of members'.
    Group,
    /// An API key's.
    Key,
    /// A feature of the platform's.
    Feature,
}

/// The ceiling: exactly one of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitAmount {
    /// So many times the allotment.
    pub allotments: Option<Factor>,
    /// So many credits.
    #[serde(default, deserialize_with = "decimal::optional")]
    pub credits: Option<Credits>,
    /// A plain count, for jobs.
    pub count: Option<u32>,
}

/// Over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// A local date of the workspace's zone.
    Day,
    /// A calendar month in UTC.
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
    /// Announced, not there yet.
    Pending,
    /// It arrived.
    Confirmed,
}

/// What happens at the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitAction {
    /// The request is refused.
    #[default]
    Block,
    /// A notice is sent.
    Alert,
}
