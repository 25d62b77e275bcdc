//! What is sold beside plans, and how boundaries of paid terms are counted.

use reeve_types::{Credits, PlanName, SourceName};
use serde::Deserialize;

use super::decimal;

/// Whether a boundary of a paid term counts as paid by itself (KV-26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// Unless a failed payment for that period was reported before it.
    #[default]
    Automatic,
    /// Only after its payment.
    OnPayment,
}

/// What a workspace's own key may see of its ledger (KV-29).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// All of it.
    #[default]
    Full,
    /// The ledger is there, and shown to the platform alone.
    BalanceOnly,
}

/// How terms and periods relate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Billing {
    /// How long lots of a workspace that is past due stay spendable, in days (KV-26).
    pub grace_days: u32,
    /// What `period_end` means while the workspace pays by the year.
    pub period_in_year: PeriodInYear,
}

impl Default for Billing {
    fn default() -> Self {
        Self { grace_days: 7, period_in_year: PeriodInYear::Month }
    }
}

/// What a billing period is inside a yearly term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodInYear {
    /// The monthly anniversary (KV-25).
    Month,
    /// The term itself (AS-04).
    Year,
}

/// Credits that are sold as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// For people; its name when left out.
    pub title: Option<String>,
    /// What it gives.
    #[serde(deserialize_with = "decimal::credits")]
    pub credits: Credits,
    /// The source that grants it.
    pub source: SourceName,
}

/// A recurring add-on, bought in units; its source says how much a unit gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addon {
    /// For people; its name when left out.
    pub title: Option<String>,
    /// The source that grants its units.
    pub source: SourceName,
    /// Plans that may buy it.
    pub plans: Vec<PlanName>,
    /// Most units of one workspace.
    #[serde(default = "units_shipped")]
    pub units_max: u32,
}

/// Far above any real order, far below what could overflow.
const fn units_shipped() -> u32 {
    10_000
}
