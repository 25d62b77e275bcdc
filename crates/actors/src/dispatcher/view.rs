//! What operators may see of queues and workers.

use std::sync::Arc;

use reeve_types::{Millis, PoolName, TierName, WorkerName};

/// All pools.
#[derive(Clone, Debug, Default)]
pub struct QueueView {
    pub pools: Vec<PoolView>,
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
}

/// One worker's process.
#[derive(Clone, Debug)]
pub struct WorkerSession {
    pub name: WorkerName,
    pub session: Arc<str>,
    pub pools: Vec<PoolName>,
    pub leases: usize,
    pub last_seen_at: Millis,
}
