//! Rule kind `charge`: when credits are taken, and what each outcome of an output means for them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// When and what is taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// How a hold is shown. One mechanism, two presentations (KF-01, KR-09).
    pub show: Show,
    /// What is counted when a job closes.
    pub settle_on: SettleOn,
    /// What each outcome does. Every outcome has a row.
    pub outcome: BTreeMap<Outcome, Disposition>,
    /// When some stages of an output landed and others not: charge what landed, or nothing (KA-11).
    #[serde(default = "yes")]
    pub deliver_partial: bool,
    /// An output longer than quoted (X7).
    #[serde(default)]
    pub overrun: Overrun,
    /// A result that comes after the close (X9).
    #[serde(default)]
    pub late: Late,
    /// A further attempt of the same job (KR-11).
    #[serde(default)]
    pub retry: OnRetry,
    /// How long a job whose fate is unknown keeps its hold, in seconds (X11).
    #[serde(default = "hour_seconds")]
    pub unknown_deadline_seconds: u32,
}

const fn yes() -> bool {
    true
}

const fn hour_seconds() -> u32 {
    3_600
}

impl Charge {
    /// What the outcome does. `validate` made sure that there is a row; without one nothing is taken.
    pub fn disposition(&self, outcome: Outcome) -> Disposition {
        self.outcome.get(&outcome).copied().unwrap_or(Disposition::Release)
    }
}

/// How a hold is shown to the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// As reserved: still the workspace's, not to be used.
    Reserved,
    /// As spent at once; a release is then a reversal.
    Spent,
}

/// What is counted when a job closes. Both settle in the commit that closes it (X21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleOn {
    /// Each output by itself.
    EachOutput,
    /// The stages of an output add up when its last one is there (KA-10).
    FinalStage,
}

/// How one output, or the whole job, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It landed.
    Success,
    /// It was not made.
    Failed,
    /// Withheld for its content (KV-15).
    Filtered,
    /// Nobody wanted it any more.
    Cancelled,
    /// It ran, or waited, longer than it may.
    Timeout,
    /// The provider's answer never came (X11).
    Unknown,
}

impl Outcome {
    /// All there are: a charge table has a row for each.
    pub const ALL: [Self; 6] =
        [Self::Success, Self::Failed, Self::Filtered, Self::Cancelled, Self::Timeout, Self::Unknown];
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Filtered => "filtered",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        })
    }
}

/// What becomes of the held credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// They are spent.
    Charge,
    /// They go back to the lots that they came from.
    Release,
}

/// What happens when more is delivered than quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overrun {
    /// The platform pays: a settle never exceeds its hold (X7).
    #[default]
    Absorb,
}

/// What happens to a result that comes too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// It is refused and costs nothing.
    #[default]
    Drop,
}

/// Which hold pays for a further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRetry {
    /// The first one: a job is held for once.
    #[default]
    ReuseHold,
}
