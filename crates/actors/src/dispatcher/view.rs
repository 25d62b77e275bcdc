//! What operators may see of queues and workers.

use std::sync::Arc;

use reeve_types::{Millis, PoolName, TierName, WorkerName};

use super::fairness::Jain;

/// All pools.
#[derive(Clone, Debug, Default)]
pub struct QueueView {
    pub pools: Vec<PoolView>,
    pub finished: FinishedJobs,
    /// Length of the windows of [`TierView::jain`], in milliseconds.
    pub jain_window_ms: u64,
}

/// Jobs that ended since the process started, each counted once, under one of these. Counted when the rest of the
/// process is told of a durable end: one that was written in a commit whose outcome nobody heard is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinishedJobs {
    /// When the engine started.
    pub since: Millis,
    pub succeeded: u64,
    /// Those with the code `content_filtered` apart.
    pub failed: u64,
    /// Every output was refused by a content filter.
    pub content_filtered: u64,
    pub cancelled: u64,
    pub expired: u64,
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolView {
    pub name: PoolName,
    pub paused: bool,
    /// Worker sessions that serve it.
    pub workers: usize,
    /// Slots that wait for a job.
    pub slots_open: u32,
    pub running: u64,
    pub tiers: Vec<TierView>,
    pub eta_errors: EtaErrors,
    /// Milliseconds in which a slot was open and a job could have had it; must stay 0.
    pub idle_eligible_ms: u64,
}

/// One tier of a pool.
#[derive(Clone, Debug)]
pub struct TierView {
    pub name: TierName,
    pub depth: u64,
    pub running: u64,
    pub oldest_wait_ms: Option<u64>,
    pub floor_lag_ms: u64,
    pub served_ms: u64,
    /// How evenly its workspaces were served in the last whole window, or in the present one when nothing was served in
    /// that; `None` when nothing was served in either.
    pub jain: Option<Jain>,
    /// Of the latest jobs that started; `None` before the first.
    pub waits: Option<Waits>,
    /// Waiting jobs by the word for what they wait for.
    pub waiting: [(&'static str, u64); 6],
}

/// How long jobs waited for their first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    pub p50_ms: u64,
    pub p99_ms: u64,
    /// Since start.
    pub count: u64,
    pub sum_ms: u64,
}

/// How starts that were foretold at admission compare with the real ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EtaErrors {
    /// Starts compared, since start.
    pub count: u64,
    /// p50 and p90 of the distance, in milliseconds.
    pub off_ms: Option<[u64; 2]>,
    /// p10, p50 and p90 of real over foretold, in parts per thousand; only waits foretold to be a second or longer.
    pub late_permille: Option<[u64; 3]>,
}

/// One worker's process.
#[derive(Clone, Debug)]
pub struct WorkerSession {
    pub name: WorkerName,
    pub session: Arc<str>,
    pub pools: Vec<PoolName>,
    pub leases: usize,
    /// Leases that it waits for now.
    pub wanted: u32,
    pub last_seen_at: Millis,
    /// Not heard of for longer than a lease lasts, and not waiting for work.
    pub lost: bool,
}
