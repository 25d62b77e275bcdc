//! What a step must answer, and how the workspace must stand after it.

use std::collections::BTreeMap;

use reeve_credits::catalog::{Interval, ScopeName, decimal_list_optional, decimal_optional};
use reeve_credits::lot::LotClass;
use reeve_types::{Credits, PlanName, SourceName, TierName};
use serde::Deserialize;

use super::{End, Instant};

/// Expectations: all that is said must hold, and something must be said.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The code of the refusal, as the API names it.
    pub refused: Option<String>,
    /// A part of the refusal's text.
    pub detail: Option<String>,
    /// Pointers of the inputs at fault, in any order.
    pub pointers: Option<Vec<String>>,
    /// Plans that a refusal names as the way out.
    pub plans: Option<Vec<PlanName>>,
    #[serde(deserialize_with = "decimal_optional")]
    pub required: Option<Credits>,
    /// Of a refusal or a quote.
    #[serde(deserialize_with = "decimal_optional")]
    pub missing: Option<Credits>,
    pub remedies: Option<Vec<String>>,
    /// Such as `fewer_outputs 3`, `wait`, `purchase 50`, `upgrade pro`.
    pub cheapest: Option<String>,
    pub next_credit_at: Option<Instant>,
    #[serde(deserialize_with = "decimal_optional")]
    pub next_credit_amount: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub limit: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub used: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub pending: Option<Credits>,
    pub resets_at: Option<Instant>,

    /// The whole price, of a quote or a job.
    #[serde(deserialize_with = "decimal_optional")]
    pub credits: Option<Credits>,
    pub outputs: Option<u32>,
    /// Credits of each line of the quote.
    #[serde(deserialize_with = "decimal_list_optional")]
    pub lines: Option<Vec<Credits>>,
    #[serde(deserialize_with = "decimal_optional")]
    pub settled: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub released: Option<Credits>,
    /// The job's status.
    pub job: Option<String>,
    pub attempt: Option<u32>,
    /// The purchase's status.
    pub purchase: Option<String>,
    #[serde(deserialize_with = "decimal_optional")]
    pub clawed_back: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub unrecovered: Option<Credits>,

    /// The workspace is looked at as it would be then if nothing were spent.
    pub as_of: Option<Instant>,
    #[serde(deserialize_with = "decimal_optional")]
    pub available: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub held: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub balance: Option<Credits>,
    #[serde(deserialize_with = "decimal_optional")]
    pub debt: Option<Credits>,
    /// All lots with anything left, by their sources' names and then by age.
    pub lots: Option<Vec<LotSaid>>,
    pub plan: Option<PlanName>,
    #[serde(deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub interval: Option<Interval>,
    pub seats: Option<u32>,
    pub status: Option<String>,
    pub tier: Option<TierName>,
    /// Of the catalog.
    pub version: Option<u32>,
    pub anchor_at: Option<Instant>,
    pub period_start: Option<Instant>,
    pub period_end: Option<Instant>,
    pub term_end: Option<Instant>,
    /// `none`, `cancel`, or the plan that waits.
    pub scheduled: Option<String>,
    /// Units of the workspace's add-ons, of all of them together.
    pub units: Option<u32>,

    /// The next thing that time does to the balance.
    pub next_at: Option<Instant>,
    #[serde(deserialize_with = "decimal_optional")]
    pub next_amount: Option<Credits>,
    pub next_what: Option<String>,
    /// What a refund of the subscription would be.
    pub unused_months: Option<u32>,
    pub of_months: Option<u32>,
    #[serde(deserialize_with = "decimal_optional")]
    pub credits_to_retire: Option<Credits>,

    /// Notices that this step brought, the time before it included: `low`, `exhausted`, `expiring`, `trim_ahead`,
    /// `renewing`.
    pub notices: Option<Vec<String>>,
    /// Ledger rows that this step wrote, each as kind and amount.
    pub ledger: Option<Vec<String>>,
    /// How often each source named has granted so far.
    pub grants: BTreeMap<SourceName, u32>,
    /// Keys of the once-only grants that the world has given so far, in order of text.
    pub keys: Option<Vec<String>>,
}

/// A lot, as far as an example says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotSaid {
    pub source: SourceName,
    /// What it came with.
    #[serde(default, deserialize_with = "decimal_optional")]
    pub amount: Option<Credits>,
    /// What it still has, apart from holds.
    #[serde(default, deserialize_with = "decimal_optional")]
    pub available: Option<Credits>,
    #[serde(default, deserialize_with = "decimal_optional")]
    pub held: Option<Credits>,
    pub class: Option<LotClass>,
    pub until: Option<End>,
    pub scope: Option<ScopeName>,
    /// The version of the catalog that granted it.
    pub version: Option<u32>,
}
