//! A load as a person writes it, in TOML. What a key means stands in `docs/scheduling.md`.
//!
//! Unknown keys are refused, so a slip of the pen never passes for a setting. [`Load`](crate::Load) is the
//! same thing checked and resolved.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Refusal;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the reports and pictures are headed with.
    #[serde(default)]
    pub title: String,
    pub run: RunEntry,
    #[serde(default)]
    pub tiers: BTreeMap<String, TierEntry>,
    #[serde(default)]
    pub queue: QueueEntry,
    #[serde(default)]
    pub retry: RetryEntry,
    pub cancel: Option<CancelEntry>,
    #[serde(default)]
    pub actions: BTreeMap<String, ActionEntry>,
    #[serde(default)]
    pub workspaces: Vec<GroupEntry>,
    pub workers: Vec<WorkersEntry>,
    pub recorded: Option<RecordedEntry>,
    /// Other settings of tiers, by a name of their own, that a comparison runs as well.
    #[serde(default)]
    pub variants: BTreeMap<String, BTreeMap<String, VariantEntry>>,
}

/// What a variant changes of a tier.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantEntry {
    pub weight: Option<u32>,
    pub floor_permille: Option<u32>,
    pub express_permille: Option<u32>,
}

/// How long, and with which dice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    pub seconds: u64,
    #[serde(default = "one")]
    pub seed: u64,
    /// True: what the tiers' `queued_max` would refuse never arrives. False, as shipped: all is accepted,
    /// so that policies are compared on the same work.
    #[serde(default)]
    pub backlog_limits: bool,
    /// All arrival rates are multiplied by it.
    #[serde(default = "one_f")]
    pub rate_factor: f64,
    /// Points on the time axis of the picture.
    #[serde(default = "points")]
    pub points: u32,
}

/// Overrides of a tier, or a whole new one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierEntry {
    pub rank: Option<u32>,
    pub weight: Option<u32>,
    pub floor_permille: Option<u32>,
    pub express_permille: Option<u32>,
    pub running_max: Option<u32>,
    pub queued_max: Option<u64>,
}

/// Overrides of costs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueEntry {
    pub cost_ms_max: Option<u32>,
    pub cost_ms_default: Option<u32>,
}

/// Overrides of retries.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryEntry {
    pub attempts_max: Option<u16>,
    pub backoff_ms: Option<u64>,
    pub backoff_ms_max: Option<u64>,
    pub lease_ms: Option<u64>,
}

/// Callers that lose patience.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelEntry {
    /// Jobs that are cancelled unless they end before, in parts per thousand.
    pub permille: u32,
    /// How long after the arrival.
    pub after: Lengths,
    /// A running job's worker learns of it this much later.
    #[serde(default = "notice_ms")]
    pub notice_ms: u64,
}

/// One action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionEntry {
    pub pool: String,
    pub run: Lengths,
    /// What a catalog declares as its work; without it the queue learns the mean, as it does in earnest.
    pub declared_ms: Option<u32>,
    /// Attempts that fail part of the way, in parts per thousand.
    #[serde(default)]
    pub fail_permille: u32,
    /// Failures that are worth another attempt, in parts per thousand of them.
    #[serde(default = "thousand")]
    pub retryable_permille: u32,
}

/// How a length in milliseconds is drawn.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Lengths {
    Fixed {
        ms: u32,
    },
    Exponential {
        mean_ms: u32,
    },
    Lognormal {
        median_ms: u32,
        sigma: f64,
        max_ms: u32,
    },
    /// One of these lengths, in proportion to `weights`, or all alike.
    Empirical {
        ms: Vec<u32>,
        #[serde(default)]
        weights: Vec<u32>,
    },
}

/// Workspaces that behave alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    pub name: String,
    pub tier: String,
    #[serde(default = "one_u32")]
    pub count: u32,
    /// Jobs that each of them sends in a minute, on average.
    pub per_minute: f64,
    #[serde(default)]
    pub process: Process,
    /// Actions by weight.
    pub actions: BTreeMap<String, u32>,
    /// Left out of the waits that are reported of "quiet" workspaces.
    #[serde(default)]
    pub noisy: bool,
    /// Its own cap instead of its tier's.
    pub running_max: Option<u32>,
    #[serde(default)]
    pub from_second: u64,
    pub to_second: Option<u64>,
}

/// How arrivals are spread.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Process {
    #[default]
    Poisson,
    /// So many at once, `gap_ms` apart.
    Bursts {
        size: u32,
        #[serde(default)]
        gap_ms: u32,
    },
    /// Up and down around the mean: `swing` 1 is from nothing to twice as many.
    Diurnal {
        swing: f64,
        #[serde(default = "day")]
        period_seconds: u64,
        #[serde(default)]
        peak_second: u64,
    },
}

/// Workers that are alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersEntry {
    pub name: String,
    /// In the order in which a free slot asks them.
    pub pools: Vec<String>,
    pub count: u32,
    #[serde(default = "one_u32")]
    pub slots: u32,
    #[serde(default)]
    pub changes: Vec<ChangeEntry>,
    /// Each worker is lost after this long on average, without a word.
    pub lost_every_seconds: Option<u64>,
    /// A lost one is replaced this much later.
    #[serde(default = "back_seconds")]
    pub back_seconds: u64,
}

/// Workers that come or go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeEntry {
    pub at_second: u64,
    pub what: Change,
    pub count: u32,
}

/// How they come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Join,
    /// They end what they run and take nothing new.
    Drain,
    /// They vanish; what they ran is noticed when its lease lapses.
    Lost,
}

/// Arrivals that were recorded, instead of drawn ones. Workspaces and actions that are described as well keep
/// what is said of them there; others take their tier's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedEntry {
    /// Beside this file.
    pub file: String,
    /// Workspaces to be left out of the "quiet" waits.
    #[serde(default)]
    pub noisy: Vec<String>,
    #[serde(default)]
    pub fail_permille: u32,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// [`Refusal::Text`].
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        toml::from_str(text).map_err(|error| Refusal::Text { why: error.to_string() })
    }
}

const fn one() -> u64 {
    1
}
const fn one_u32() -> u32 {
    1
}
const fn one_f() -> f64 {
    1.0
}
const fn points() -> u32 {
    120
}
const fn thousand() -> u32 {
    1_000
}
const fn notice_ms() -> u64 {
    1_000
}
const fn day() -> u64 {
    86_400
}
const fn back_seconds() -> u64 {
    60
}
