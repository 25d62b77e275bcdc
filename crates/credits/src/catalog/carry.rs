//! Rule kind `carry`: what survives a boundary (KV-18, KV-22, AS-05, KA-02).

use reeve_types::{Credits, SourceName};
use serde::Deserialize;

use super::decimal::{self, Factor};

/// What becomes of the unheld rest of some sources' lots at a boundary. Held credits are used until released (X5).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carry {
    /// The boundary.
    pub at: CarryAt,
    /// Never empty. A source that no rule names at a boundary passes it untouched.
    pub sources: Vec<SourceName>,
    /// How much survives it.
    pub keep: Keep,
    /// The cap, with `keep = "max"` and only then.
    pub max: Option<KeepMax>,
    /// What `max` is a cap of.
    #[serde(default)]
    pub cap_on: CapOn,
    /// Which source loses first: a permutation of `sources`; the order of lots when left out.
    pub trim: Option<Vec<SourceName>>,
}

/// The boundary that a carry rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarryAt {
    /// A billing period ends and the next one begins.
    Renewal,
    /// A downgrade takes effect; the cap is counted with the new plan's allotment.
    Downgrade,
    /// A cancel takes effect.
    Cancel,
}

/// How much survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Nothing.
    None,
    /// Everything.
    All,
    /// At most the cap.
    Max,
}

/// The cap of `keep = "max"`: exactly one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepMax {
    /// So many times the allotment.
    pub allotments: Option<Factor>,
    /// So many credits.
    #[serde(default, deserialize_with = "decimal::optional")]
    pub credits: Option<Credits>,
}

/// What the cap qualifies (KV-18: R1 or R2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapOn {
    /// What is carried; the grant is added after.
    #[default]
    Carried,
    /// The balance after the grant.
    Balance,
}
