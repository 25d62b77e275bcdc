//! A load, checked and resolved: names are places in lists, and all arrivals are known.
//!
//! The arrivals are drawn or read once and then fixed, so every policy and every fleet is given the very
//! same work.

use reeve_queue::Settings;
use reeve_types::WorkspaceId;

use crate::base::BaseRetry;
use crate::description::{Change, Lengths};

/// Most workspaces of a load.
pub const WORKSPACES_MAX: u64 = 1_000_000;
/// Most jobs of a load.
pub const JOBS_MAX: u64 = 20_000_000;
/// Most workers that a load names; replacements of lost ones come on top.
pub const WORKERS_MAX: u64 = 100_000;
/// Most slots of all workers.
pub const SLOTS_MAX: u64 = 1_000_000;
/// Longest run, in seconds: a year.
pub const SECONDS_MAX: u64 = 366 * 86_400;

/// Everything a run needs.
#[derive(Debug, Clone)]
pub struct Load {
    pub title: String,
    /// Tiers (lowest rank first) and pools, as the queue takes them.
    pub settings: Settings,
    pub workspaces: Vec<Workspace>,
    pub actions: Vec<Action>,
    pub workers: Vec<Workers>,
    pub retry: BaseRetry,
    /// A lost worker's jobs come back this long after it vanished.
    pub lease_ms: u64,
    pub cancel: Option<Cancel>,
    pub seed: u64,
    /// The run ends then, whatever still waits.
    pub end_ms: u64,
    /// True: workspaces with `queued_max` jobs waiting are refused more.
    pub has_backlog_limits: bool,
    /// Points on the time axis.
    pub points: u32,
    /// In the order of time.
    pub arrivals: Vec<Arrival>,
    /// Other settings that a comparison runs as well, by name.
    pub variants: Vec<(String, Settings)>,
}

/// One workspace.
#[derive(Debug, Clone)]
pub struct Workspace {
    pub id: WorkspaceId,
    /// Place in the settings' tiers.
    pub tier: u8,
    /// Most jobs running at once.
    pub running_max: u32,
    /// Most jobs waiting.
    pub queued_max: u64,
    /// Left out of the quiet waits.
    pub is_noisy: bool,
}

/// One action.
#[derive(Debug, Clone)]
pub struct Action {
    pub name: String,
    /// Place in the settings' pools.
    pub pool: u16,
    pub declared_ms: Option<u32>,
    pub fail_permille: u32,
    pub retryable_permille: u32,
}

/// Workers that are alike.
#[derive(Debug, Clone)]
pub struct Workers {
    pub name: String,
    /// Places in the settings' pools, in the order in which a free slot asks them.
    pub pools: Vec<u16>,
    pub count: u32,
    pub slots: u32,
    /// In the order of time.
    pub changes: Vec<WorkersChange>,
    pub lost_every_ms: Option<u64>,
    pub back_ms: u64,
}

/// Workers that come or go.
#[derive(Debug, Clone, Copy)]
pub struct WorkersChange {
    pub at_ms: u64,
    pub what: Change,
    pub count: u32,
}

/// Callers that lose patience.
#[derive(Debug, Clone)]
pub struct Cancel {
    pub permille: u32,
    pub after: Lengths,
    pub notice_ms: u64,
}

/// A job as it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    pub at_ms: u64,
    /// Place in [`Load::workspaces`].
    pub workspace: u32,
    /// What an attempt takes that neither fails nor is cut short.
    pub run_ms: u32,
    /// Place in [`Load::actions`].
    pub action: u16,
}

impl Load {
    /// The pool of an arrival.
    pub(crate) fn pool_of(&self, arrival: &Arrival) -> u16 {
        self.actions[usize::from(arrival.action)].pool
    }

    /// Work asked for over work that the first fleet can do: 1 is exactly enough.
    pub fn offered(&self) -> f64 {
        let asked: u64 = self.arrivals.iter().map(|arrival| u64::from(arrival.run_ms)).sum();
        let slots: u64 = self.workers.iter().map(|w| u64::from(w.count) * u64::from(w.slots)).sum();
        asked as f64 / (slots * self.end_ms).max(1) as f64
    }

    /// True when some workspaces are called noisy, so that the quiet ones are reported apart.
    pub fn has_noisy(&self) -> bool {
        self.workspaces.iter().any(|workspace| workspace.is_noisy)
    }

    /// Work asked for by each tier, as [`offered`](Self::offered).
    pub fn offered_by_tier(&self) -> Vec<f64> {
        let mut asked = vec![0_u64; self.settings.tiers.len()];
        for arrival in &self.arrivals {
            let tier = self.workspaces[arrival.workspace as usize].tier;
            asked[usize::from(tier)] += u64::from(arrival.run_ms);
        }
        let slots: u64 = self.workers.iter().map(|w| u64::from(w.count) * u64::from(w.slots)).sum();
        asked.into_iter().map(|asked| asked as f64 / (slots * self.end_ms).max(1) as f64).collect()
    }
}
