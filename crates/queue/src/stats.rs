//! What an operator may see of a pool: one number each, kept as things change, never counted on request.

use reeve_types::Millis;

use crate::{FairQueue, PoolIndex};

/// One tier in one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierStats {
    /// Ready jobs of eligible workspaces: they wait for their turn.
    pub ready: u64,
    /// Ready jobs of workspaces at their cap.
    pub ready_limited: u64,
    /// Ready jobs of paused workspaces.
    pub ready_paused: u64,
    /// Jobs whose start was asked for later.
    pub gated_not_before: u64,
    /// Jobs whose next attempt is not due.
    pub gated_backoff: u64,
    /// Jobs reserved or running.
    pub running: u64,
    /// Workspaces that the next dispatch may choose.
    pub workspaces_eligible: u64,
    /// Admission of the oldest ready job, rounded down to a second.
    pub oldest_admitted_at: Option<Millis>,
    /// Service owed to the tier by its floor (the floor lag), in slot-milliseconds.
    pub floor_lag_ms: u64,
    /// Dispatches since start, those given back excepted.
    pub served_jobs: u64,
    /// Charges of those dispatches, in slot-milliseconds: the share of service.
    pub served_ms: u64,
    /// What its ended attempts really took, in slot-milliseconds.
    pub worked_ms: u64,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStats {
    /// While true, the pool dispatches nothing.
    pub is_paused: bool,
    /// True when a slot would get a job now. Idle slots while this holds break P1.
    pub is_eligible: bool,
    /// Jobs reserved or running.
    pub running: u64,
    /// In the order of the settings.
    pub tiers: Vec<TierStats>,
}

impl TierStats {
    /// Jobs of the tier that wait, for whatever reason.
    pub const fn depth(&self) -> u64 {
        self.ready + self.ready_limited + self.ready_paused + self.gated_not_before + self.gated_backoff
    }
}

impl FairQueue {
    /// True when [`take`](Self::take) would find a job, gates due since the last call to
    /// [`wake`](Self::wake) excepted.
    pub fn is_eligible(&self, pool: PoolIndex) -> bool {
        let Some(pool) = self.pools.get(pool.at()) else { return false };
        !pool.paused && pool.tiers.iter().any(|tier| !tier.eligible.is_empty())
    }

    /// Jobs that a pool has reserved or running.
    pub fn running(&self, pool: PoolIndex) -> u64 {
        self.pools.get(pool.at()).map_or(0, |pool| pool.running)
    }

    /// The pool's numbers; O(tiers). `None` for a pool that is not in the settings.
    pub fn stats(&self, at: PoolIndex) -> Option<PoolStats> {
        let pool = self.pools.get(at.at())?;
        let tiers = pool.tiers.iter().map(|tier| TierStats {
            ready: tier.ready_open,
            ready_limited: tier.ready_limited,
            ready_paused: tier.ready_paused,
            gated_not_before: tier.gated_not_before,
            gated_backoff: tier.gated_backoff,
            running: tier.running,
            workspaces_eligible: tier.eligible.len() as u64,
            oldest_admitted_at: tier.oldest(),
            floor_lag_ms: tier.entitlement.unsigned_abs() / 1_000,
            served_jobs: tier.served_jobs,
            served_ms: tier.served_ms,
            worked_ms: tier.worked_ms,
        });
        Some(PoolStats {
            is_paused: pool.paused,
            is_eligible: self.is_eligible(at),
            running: pool.running,
            tiers: tiers.collect(),
        })
    }
}
