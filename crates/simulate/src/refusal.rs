//! What is wrong with a load: the operator's mistake, said with the value and the way out.

use reeve_queue::SettingsError;
use reeve_types::NameError;

/// Why a load cannot be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("the file cannot be read as a load: {why}")]
    Text { why: String },
    #[error("`{text}` is no name: {why}")]
    Name { text: String, why: NameError },
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("`{key}` is `{value}`, use {allowed}")]
    Range { key: String, value: String, allowed: &'static str },
    #[error("tier `{tier}` is not in the settings, so the load must give its `{key}`")]
    TierKey { tier: String, key: &'static str },
    #[error("`{by}` names the {what} `{name}`, which is not described; add it or correct the name")]
    Unknown { by: String, what: &'static str, name: String },
    #[error("no worker serves the pool `{pool}`, add one under `[[workers]]`")]
    PoolUnserved { pool: String },
    #[error("there is nothing to run: describe `[[workspaces]]` or name a recorded load under `[recorded]`")]
    Nothing,
    #[error("the {what} `{name}` are described twice, give one of them another name")]
    Twice { what: &'static str, name: String },
    #[error("the load has more than `{max}` {what}, make it smaller")]
    TooMany { what: &'static str, max: u64 },
    #[error("line {line} of the arrivals: {why}")]
    Line { line: usize, why: String },
    #[error("workspace `{workspace}` is in tier `{first}` and, in row {line}, in `{second}`; keep one")]
    TwoTiers { workspace: String, first: String, second: String, line: usize },
}

/// The simulator contradicted itself: ours to mend, never the operator's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulator contradicted itself at {at_ms} ms: {what}; please report it with the load")]
pub struct Bug {
    pub at_ms: u64,
    pub what: String,
}
