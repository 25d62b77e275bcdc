//! What the upkeep of the store tells monitoring. Given by the composition root, as webhooks are.

/// One part of the upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpkeepPart {
    /// Its word: `workspaces`, `jobs`, `answers`, `files`.
    pub name: &'static str,
    /// Rounds that ended well.
    pub done: u64,
    /// Rounds that could not be done then.
    pub failed: u64,
    /// Since the last one that ended well, or since the start, in milliseconds.
    pub age_ms: u64,
}

/// Figures of the upkeep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpkeepFigures {
    /// All parts.
    pub parts: Vec<UpkeepPart>,
    /// What it took away since the start, each kind with its count.
    pub removed: Vec<(&'static str, u64)>,
}

/// Where the figures come from.
pub trait UpkeepPort: Send + Sync {
    /// The figures of this moment.
    fn figures(&self) -> UpkeepFigures;
}
