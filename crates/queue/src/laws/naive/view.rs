//! The naive queue answers questions.

use reeve_types::{JobId, Millis};

use super::{Job, Naive, State};
use crate::laws::world::View;
use crate::{Entry, Gate, GateReason, PoolStats, Position, TierStats, WaitingFor};

impl Naive {
    pub(super) fn position(&self, id: JobId) -> Option<Position> {
        let job = self.jobs.get(&id).filter(|job| matches!(job.state, State::Ready | State::Gated(_)))?;
        let at = Self::lane_of(&job.entry);
        let tier = self.facts[at.0].tier;
        let ready = self.ready(at);
        let before =
            ready.iter().filter(|other| Self::place(&other.entry) < Self::place(&job.entry)).count() as u64;
        let others = self.lanes.keys().filter(|(workspace, pool)| {
            *pool == at.1
                && *workspace != at.0
                && self.facts[*workspace].tier == tier
                && !self.facts[*workspace].paused
        });
        let ahead: u64 = others.map(|other| (self.ready(*other).len() as u64).min(before + 1)).sum();
        Some(Position { tier, in_workspace: before + 1, ahead: ahead + before })
    }

    pub(super) fn waiting_for(&self, id: JobId) -> Option<WaitingFor> {
        let job = self.jobs.get(&id)?;
        let at = Self::lane_of(&job.entry);
        match job.state {
            State::Reserved | State::Running => None,
            _ if self.facts[at.0].paused || self.pools[at.1].is_paused => Some(WaitingFor::Paused),
            State::Gated(Gate { why: GateReason::NotBefore, .. }) => Some(WaitingFor::NotBefore),
            State::Gated(Gate { why: GateReason::RetryBackoff, .. }) => Some(WaitingFor::RetryBackoff),
            State::Ready if self.is_full(at.0) => Some(WaitingFor::WorkspaceLimit),
            State::Ready => Some(WaitingFor::Turn),
        }
    }

    pub(super) fn tier_stats(&self, pool: usize, tier: usize) -> TierStats {
        let here = |entry: &Entry| {
            entry.pool.at() == pool && self.facts[entry.workspace.0 as usize].tier.at() == tier
        };
        let jobs: Vec<&Job> = self.jobs.values().filter(|job| here(&job.entry)).collect();
        let ready: Vec<&&Job> = jobs.iter().filter(|job| job.state == State::Ready).collect();
        let count = |is_paused: bool, is_full: Option<bool>| {
            let fits = |job: &&&&Job| {
                let workspace = job.entry.workspace.0 as usize;
                let full = is_full.is_none_or(|full| self.is_full(workspace) == full);
                self.facts[workspace].paused == is_paused && full
            };
            ready.iter().filter(fits).count() as u64
        };
        let gated = |why: GateReason| {
            jobs.iter().filter(|job| matches!(job.state, State::Gated(gate) if gate.why == why)).count()
                as u64
        };
        let seconds = ready.iter().map(|job| job.entry.sequence.admitted_at.value() / 1_000);
        let lanes = self.lanes.iter().filter(|((workspace, at), lane)| {
            *at == pool && lane.was_eligible && self.facts[*workspace].tier.at() == tier
        });
        let state = &self.pools[pool].tiers[tier];
        TierStats {
            ready: count(false, Some(false)),
            ready_limited: count(false, Some(true)),
            ready_paused: count(true, None),
            gated_not_before: gated(GateReason::NotBefore),
            gated_backoff: gated(GateReason::RetryBackoff),
            running: self.running(here),
            workspaces_eligible: lanes.count() as u64,
            oldest_admitted_at: seconds.min().map(|second| Millis::from_millis(second * 1_000)),
            floor_lag_ms: state.entitlement as u64 / 1_000,
            served_jobs: state.served_jobs,
            served_ms: state.served,
            worked_ms: state.worked,
        }
    }

    pub(super) fn look(&self, jobs: &[JobId]) -> View {
        let jobs = jobs.iter().map(|job| (*job, self.position(*job), self.waiting_for(*job)));
        let untils = self.jobs.values().filter_map(|job| match job.state {
            State::Gated(gate) => Some(gate.until),
            _ => None,
        });
        let pools = (0..self.pools.len()).map(|at| {
            let tiers: Vec<_> =
                (0..self.settings.tiers.len()).map(|tier| self.tier_stats(at, tier)).collect();
            let is_paused = self.pools[at].is_paused;
            PoolStats {
                is_paused,
                is_eligible: !is_paused && tiers.iter().any(|tier| tier.workspaces_eligible > 0),
                running: self.running(|entry| entry.pool.at() == at),
                tiers,
            }
        });
        View { jobs: jobs.collect(), next_wake_at: untils.min(), pools: pools.collect() }
    }
}
