//! What the dispatcher measures: waits, paces, how well starts were foretold, slots that idled.
//!
//! Only figures: nothing here decides what is dispatched, and all of it starts anew with the process.

use reeve_queue::{Entry, PoolIndex, Position, Settings, TierIndex, WaitingFor, WorkspaceKey};
use reeve_types::{JobId, LeaseId, Millis};
use rustc_hash::FxHashMap;

use super::actor::DispatcherActor;
use super::eta::{Look, Outlook, Pace};
use super::fairness::{Fairness, Jain};
use super::quantiles::Recent;
use super::view::{EtaErrors, Waits};

/// Jobs whose foretold start is remembered at a time; beyond it none is, so that a million waiting jobs cost nothing.
const FORETOLD_MAX: usize = 4_096;
/// Below this a foretold wait says nothing about being late.
const FORETOLD_MS_MIN: u64 = 1_000;
/// How often the spread of late starts is worked out anew, in starts.
const SPREAD_STARTS: u64 = 32;

/// All pools, by index.
#[derive(Default)]
pub(crate) struct Gauges {
    pools: Vec<PoolGauges>,
    foretold_ms: FxHashMap<JobId, u64>,
    /// Jobs whose start was asked for later: they wait from then on.
    put_off: FxHashMap<JobId, Millis>,
    measured_at_ms: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct PoolGauges {
    tiers: Vec<TierGauges>,
    /// Time in which a slot was open and a job could have had it. Must stay 0 (P1).
    idle_eligible_ms: u64,
    /// |foretold - real| in milliseconds.
    off_ms: Recent,
    /// Real over foretold, in parts per thousand.
    late_permille: Recent,
    spread_permille: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct TierGauges {
    waits_ms: Recent,
    pace: Pace,
    fairness: Fairness,
}

impl Gauges {
    /// The job is not to start before this.
    pub(super) fn put_off(&mut self, job: JobId, until: Millis) {
        self.put_off.insert(job, until);
    }

    /// The job will not start.
    pub(super) fn forget(&mut self, job: JobId) {
        self.put_off.remove(&job);
        self.foretold_ms.remove(&job);
    }

    /// Pools and tiers may have changed places: figures follow their names.
    pub(super) fn rekey(&mut self, old: &Settings, new: &Settings) {
        let mut pools = std::mem::take(&mut self.pools);
        let place_of = |pool: &reeve_types::PoolName| old.pool(pool).map(PoolIndex::at);
        for pool in &new.pools {
            let taken = place_of(&pool.name).and_then(|at| pools.get_mut(at)).map(std::mem::take);
            let mut gauges = taken.unwrap_or_default();
            let mut tiers = std::mem::take(&mut gauges.tiers);
            for tier in &new.tiers {
                let at = old.tier(&tier.name).map(TierIndex::at);
                let taken = at.and_then(|at| tiers.get_mut(at)).map(std::mem::take);
                gauges.tiers.push(taken.unwrap_or_default());
            }
            self.pools.push(gauges);
        }
    }

    fn pool(&mut self, pool: PoolIndex) -> &mut PoolGauges {
        if self.pools.len() <= pool.at() {
            self.pools.resize_with(pool.at() + 1, PoolGauges::default);
        }
        &mut self.pools[pool.at()]
    }

    /// Waits of a tier's latest first attempts.
    pub(crate) fn waits(&self, pool: PoolIndex, tier: TierIndex) -> Option<Waits> {
        let recent = &self.pools.get(pool.at())?.tiers.get(tier.at())?.waits_ms;
        let [p50_ms, p99_ms] = recent.at([500, 990])?;
        Some(Waits { p50_ms, p99_ms, count: recent.count, sum_ms: recent.sum })
    }

    /// How evenly a tier's workspaces were served lately.
    pub(crate) fn jain(&self, pool: PoolIndex, tier: TierIndex) -> Option<Jain> {
        self.pools.get(pool.at())?.tiers.get(tier.at())?.fairness.jain()
    }

    /// A workspace was charged for a start that is durable.
    pub(super) fn served(
        &mut self,
        (pool, tier): (PoolIndex, TierIndex),
        workspace: WorkspaceKey,
        charge_ms: u32,
        now_ms: u64,
    ) {
        self.pool(pool).tier(tier).fairness.serve(workspace, charge_ms, now_ms);
    }

    /// How well starts of a pool were foretold.
    pub(crate) fn eta_errors(&self, pool: PoolIndex) -> EtaErrors {
        let Some(gauges) = self.pools.get(pool.at()) else { return EtaErrors::default() };
        EtaErrors {
            count: gauges.off_ms.count,
            off_ms: gauges.off_ms.at([500, 900]),
            late_permille: gauges.late_permille.at([100, 500, 900]),
        }
    }

    /// Milliseconds in which a slot of the pool was open and a job could have had it.
    pub(crate) fn idle_eligible_ms(&self, pool: PoolIndex) -> u64 {
        self.pools.get(pool.at()).map_or(0, |gauges| gauges.idle_eligible_ms)
    }
}

impl PoolGauges {
    fn tier(&mut self, tier: TierIndex) -> &mut TierGauges {
        if self.tiers.len() <= tier.at() {
            self.tiers.resize_with(tier.at() + 1, TierGauges::default);
        }
        &mut self.tiers[tier.at()]
    }

    fn started(&mut self, foretold_ms: u64, real_ms: u64) {
        self.off_ms.add(foretold_ms.abs_diff(real_ms));
        if foretold_ms >= FORETOLD_MS_MIN {
            self.late_permille.add(real_ms.saturating_mul(1_000) / foretold_ms);
            if self.late_permille.count.is_multiple_of(SPREAD_STARTS) {
                self.spread_permille = self.late_permille.at([900]).map(|[late]| late);
            }
        }
    }

    /// Mean length of a tier's attempts lately, else of all of the pool's.
    fn mean_ms(&self, tier: TierIndex) -> Option<u64> {
        let mine = self.tiers.get(tier.at()).map(|tier| tier.pace.worked()).filter(|(ended, _)| *ended > 0);
        let all = || {
            let worked = self.tiers.iter().map(|tier| tier.pace.worked());
            worked.fold((0, 0), |(ended, ms), (more, more_ms)| (ended + more, ms + more_ms))
        };
        let (ended, worked_ms) = mine.unwrap_or_else(all);
        worked_ms.checked_div(ended)
    }
}

impl DispatcherActor {
    /// Looks at every pool's counters: O(pools x tiers).
    pub(super) fn measure(&mut self) {
        let now_ms = self.shared.leases_now_ms();
        let over_ms = now_ms.saturating_sub(self.gauges.measured_at_ms.replace(now_ms).unwrap_or(now_ms));
        let pools = self.queue.settings().pools.len();
        for at in 0..pools {
            let Ok(pool) = u16::try_from(at).map(PoolIndex) else { return };
            let Some(stats) = self.queue.stats(pool) else { continue };
            let slots_open = self.slots_open(pool);
            let has_slots = stats.running > 0 || slots_open > 0;
            let gauges = self.gauges.pool(pool);
            if slots_open > 0 && stats.is_eligible && !self.shared.is_stopping() {
                gauges.idle_eligible_ms += over_ms;
            }
            for (at, tier) in stats.tiers.iter().enumerate() {
                let Ok(at) = u8::try_from(at).map(TierIndex) else { break };
                let is_backlogged = tier.ready > 0 && has_slots && !stats.is_paused;
                let (served, running, worked_ms) = (tier.served_jobs, tier.running, tier.worked_ms);
                let gauges = gauges.tier(at);
                gauges.pace.measure(Look { served, running, worked_ms, is_backlogged }, over_ms);
                gauges.fairness.turn(now_ms);
            }
        }
        let queue = &self.queue;
        self.gauges.foretold_ms.retain(|job, _| queue.is_queued(*job) || queue.is_running(*job));
    }

    /// Remembers when a job that was just admitted is expected to start, to be held against it later.
    pub(super) fn predict(&mut self, entry: &Entry) {
        // A clock that stands still cannot say how long anything took.
        let is_full = self.gauges.foretold_ms.len() >= FORETOLD_MAX;
        if is_full || self.shared.clock.is_manual() || entry.gate.is_some() {
            return;
        }
        let Some(position) = self.queue.position(entry.job) else { return };
        // Without any slot nobody knows; whether a worker lives need not be asked for each job.
        let has_slots = self.queue.running(entry.pool) > 0 || self.slots_open(entry.pool) > 0;
        let waits = self.queue.waiting_for(entry.job, has_slots);
        if !matches!(waits, Some(WaitingFor::Turn | WaitingFor::WorkspaceLimit)) {
            return;
        }
        if let Some((p50_ms, _)) = self.eta_ms(Some(entry.workspace), entry.pool, position) {
            self.gauges.foretold_ms.insert(entry.job, p50_ms);
        }
    }

    /// (p50, p90) of the time until a job at this position starts, in milliseconds. O(log jobs).
    pub(crate) fn eta_ms(
        &self,
        workspace: Option<WorkspaceKey>,
        pool: PoolIndex,
        position: Position,
    ) -> Option<(u64, u64)> {
        let stats = self.queue.stats(pool)?;
        let gauges = self.gauges.pools.get(pool.at());
        let tier = position.tier;
        let facts = workspace.and_then(|key| self.queue.workspace_facts(key));
        let rules = self.shared.rules();
        let tier_cap = rules.tiers.get(tier.at()).map_or(1, |rules| rules.running_max);
        let slots_open = u64::from(self.slots_open(pool));
        let weights = stats.tiers.iter().zip(&self.queue.settings().tiers).enumerate();
        let waiting = weights.filter(|(at, (stats, _))| *at == tier.at() || stats.ready > 0);
        let all: u64 = waiting.map(|(_, (_, settings))| u64::from(settings.weight)).sum();
        let mine = self.queue.settings().tiers.get(tier.at()).map_or(0, |settings| settings.weight.into());
        Outlook {
            ahead: position.ahead,
            in_workspace: position.in_workspace,
            workspace_running: workspace.map_or(0, |key| self.queue.workspace_running(key).into()),
            workspace_cap: facts.map_or(tier_cap, |facts| facts.cap_running).into(),
            slots_open,
            slots: stats.running + slots_open,
            share_permille: u64::saturating_mul(mine, 1_000) / all.max(1),
            interval_us: gauges
                .and_then(|gauges| gauges.tiers.get(tier.at()))
                .and_then(|tier| tier.pace.interval_us()),
            mean_ms: gauges.and_then(|gauges| gauges.mean_ms(tier)),
            late_permille: gauges.and_then(|gauges| gauges.spread_permille),
        }
        .eta_ms()
    }

    /// A lease is durable: how long the job waited, and how well that was foretold. Later attempts are not waits.
    pub(super) fn note_start(
        &mut self,
        at: (PoolIndex, TierIndex),
        lease: LeaseId,
        (admitted_at, granted_at): (Millis, Millis),
    ) {
        let put_off = self.gauges.put_off.remove(&lease.job);
        let foretold_ms = self.gauges.foretold_ms.remove(&lease.job);
        if lease.attempt != 1 {
            return;
        }
        let from = put_off.map_or(admitted_at, |until| until.max(admitted_at));
        let wait_ms = u64::try_from(granted_at.since(from)).unwrap_or(0);
        let (pool, tier) = at;
        let gauges = self.gauges.pool(pool);
        gauges.tier(tier).waits_ms.add(wait_ms);
        if let Some(foretold_ms) = foretold_ms {
            gauges.started(foretold_ms, wait_ms);
        }
    }
}
