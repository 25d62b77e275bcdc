//! Models of the policies that other queues use, as plain as they can be.
//!
//! All of them respect caps and skip workspaces at their cap, which is kinder than most of the originals
//! are: what differs in a comparison is the order alone.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{Policy, PolicyKind, Waiting};
use crate::load::Load;

/// With [`PolicyKind::Aging`], a job rises by one tier each time it has waited this long.
const AGING_MS: u64 = 60_000;
/// Units of a tag in one slot-millisecond of weight 1.
const SCALE: i128 = 1 << 20;
/// Weight of the past in a running mean, as in the real queue.
const MEAN_SPAN: u64 = 16;

/// Where an eligible lane stands: tag, admission and number of its first job, lane.
type Key = (i128, u64, u32, u32);

/// One workspace.
struct Owner {
    tier: u8,
    cap: u32,
    running: u32,
}

/// One workspace's jobs of one pool.
#[derive(Default)]
struct Lane {
    /// Ready jobs by admission.
    ready: BTreeSet<(u64, u32)>,
    /// Round robin: its turn. Flat: the finish tag of what was served last.
    tag: i128,
    /// Its key while it is eligible.
    listed: Option<Key>,
}

/// One pool.
struct Pool {
    /// Eligible lanes of each tier.
    tiers: Vec<BTreeSet<Key>>,
    /// Flat: the virtual time. Round robin: turns given out.
    clock: i128,
    /// Sum of [`MEAN_SPAN`] lengths for each action.
    means: FxHashMap<u16, u64>,
}

/// A policy other than ours.
pub(crate) struct Model {
    kind: PolicyKind,
    weights: Vec<i128>,
    owners: Vec<Owner>,
    lanes: Vec<Lane>,
    pools: Vec<Pool>,
    /// Each job, and its estimate while it runs.
    jobs: FxHashMap<u32, (Waiting, u64)>,
    gates: BTreeSet<(u64, u32)>,
    cost_ms_default: u64,
}

impl Model {
    pub(crate) fn new(kind: PolicyKind, load: &Load) -> Self {
        let (tiers, pools) = (&load.settings.tiers, &load.settings.pools);
        let owner = |w: &crate::load::Workspace| Owner { tier: w.tier, cap: w.running_max, running: 0 };
        let pool =
            || Pool { tiers: vec![BTreeSet::new(); tiers.len()], clock: 0, means: FxHashMap::default() };
        Self {
            kind,
            weights: tiers.iter().map(|tier| i128::from(tier.weight)).collect(),
            owners: load.workspaces.iter().map(owner).collect(),
            lanes: (0..load.workspaces.len() * pools.len()).map(|_| Lane::default()).collect(),
            pools: pools.iter().map(|_| pool()).collect(),
            jobs: FxHashMap::default(),
            gates: BTreeSet::new(),
            cost_ms_default: pools.first().map_or(1, |pool| u64::from(pool.cost_ms_default)),
        }
    }

    fn lane_of(&self, job: &Waiting) -> u32 {
        job.workspace * self.pools.len() as u32 + u32::from(job.pool)
    }

    fn place(&self, lane: u32) -> (usize, usize) {
        let pools = self.pools.len();
        (lane as usize / pools, lane as usize % pools)
    }

    /// Lists a lane that is eligible and not listed. `is_new` gives it a place behind those that are.
    fn list(&mut self, at: u32, is_new: bool) {
        let (owner, pool) = self.place(at);
        let (owner, pool) = (&self.owners[owner], &mut self.pools[pool]);
        let lane = &mut self.lanes[at as usize];
        let Some((admitted_at, job)) = lane.ready.first().copied() else { return };
        if lane.listed.is_some() || owner.running >= owner.cap {
            return;
        }
        match self.kind {
            PolicyKind::RoundRobin if is_new => {
                pool.clock += 1;
                lane.tag = pool.clock;
            }
            PolicyKind::Flat if is_new => lane.tag = lane.tag.max(pool.clock),
            _ => {}
        }
        let key = (lane.tag, admitted_at, job, at);
        lane.listed = Some(key);
        pool.tiers[usize::from(owner.tier)].insert(key);
    }

    fn unlist(&mut self, at: u32) -> bool {
        let (owner, pool) = self.place(at);
        let Some(key) = self.lanes[at as usize].listed.take() else { return false };
        self.pools[pool].tiers[usize::from(self.owners[owner].tier)].remove(&key)
    }

    /// Changes a lane's ready jobs, and its place accordingly.
    fn change(&mut self, at: u32, change: impl FnOnce(&mut BTreeSet<(u64, u32)>)) {
        let was_listed = self.unlist(at);
        change(&mut self.lanes[at as usize].ready);
        self.list(at, !was_listed);
    }

    fn open_gates(&mut self, now: u64) {
        while let Some((_, job)) = self.gates.first().copied().filter(|(until, _)| *until <= now) {
            self.gates.pop_first();
            if let Some((waiting, _)) = self.jobs.get(&job).copied() {
                self.change(self.lane_of(&waiting), |ready| {
                    ready.insert((waiting.admitted_at, job));
                });
            }
        }
    }

    /// The lane whose turn it is.
    fn choose(&self, pool: u16, now: u64) -> Option<Key> {
        let heads = self.pools[usize::from(pool)].tiers.iter().map(|tier| tier.first().copied());
        match self.kind {
            PolicyKind::Strict => heads.rev().flatten().next(),
            PolicyKind::Aging => {
                let level = |tier: usize, key: &Key| tier as u64 + now.saturating_sub(key.1) / AGING_MS;
                let heads =
                    heads.enumerate().filter_map(|(tier, key)| key.map(|key| (level(tier, &key), key)));
                heads.min_by_key(|(level, key)| (std::cmp::Reverse(*level), *key)).map(|(_, key)| key)
            }
            _ => heads.flatten().min(),
        }
    }

    fn estimate(&self, job: &Waiting) -> u64 {
        let mean = self.pools[usize::from(job.pool)].means.get(&job.action).map(|sum| sum / MEAN_SPAN);
        job.declared_ms.map(u64::from).or(mean).unwrap_or(self.cost_ms_default).max(1)
    }

    /// A job leaves its slot: its workspace runs one less, and flat weights settle what it took.
    fn stop(&mut self, job: u32, actual_ms: u64) -> Option<Waiting> {
        let (waiting, estimate) = self.jobs.get(&job).copied()?;
        let owner = &mut self.owners[waiting.workspace as usize];
        owner.running = owner.running.checked_sub(1)?;
        if self.kind == PolicyKind::Flat {
            let weight = self.weights[usize::from(owner.tier)];
            let at = self.lane_of(&waiting);
            let was_listed = self.unlist(at);
            self.lanes[at as usize].tag += (i128::from(actual_ms) - i128::from(estimate)) * SCALE / weight;
            self.list(at, !was_listed);
        }
        let first = waiting.workspace * self.pools.len() as u32;
        (first..first + self.pools.len() as u32).for_each(|at| self.list(at, true));
        Some(waiting)
    }
}

impl Policy for Model {
    fn enqueue(&mut self, job: Waiting, _now: u64) -> bool {
        let is_new = self.jobs.insert(job.job, (job, 0)).is_none();
        self.change(self.lane_of(&job), |ready| {
            ready.insert((job.admitted_at, job.job));
        });
        is_new
    }

    fn remove(&mut self, job: u32) -> bool {
        let Some((waiting, _)) = self.jobs.remove(&job) else { return false };
        self.gates.retain(|(_, gated)| *gated != job);
        self.change(self.lane_of(&waiting), |ready| {
            ready.remove(&(waiting.admitted_at, job));
        });
        true
    }

    fn take(&mut self, pool: u16, _slots_open: u32, now: u64) -> Option<u32> {
        self.open_gates(now);
        let (start, _, job, at) = self.choose(pool, now)?;
        let waiting = self.jobs.get(&job)?.0;
        let estimate = self.estimate(&waiting);
        self.jobs.insert(job, (waiting, estimate));
        let (owner_at, pool_at) = self.place(at);
        self.unlist(at);
        if self.kind == PolicyKind::Flat {
            let weight = self.weights[usize::from(self.owners[owner_at].tier)];
            let pool = &mut self.pools[pool_at];
            pool.clock = pool.clock.max(start);
            self.lanes[at as usize].tag = start + i128::from(estimate) * SCALE / weight;
        }
        self.lanes[at as usize].ready.pop_first();
        let owner = &mut self.owners[owner_at];
        owner.running += 1;
        if owner.running >= owner.cap {
            let first = waiting.workspace * self.pools.len() as u32;
            for at in first..first + self.pools.len() as u32 {
                self.unlist(at);
            }
        } else {
            // Behind the others for round robin; flat weights have moved its tag already.
            self.list(at, true);
        }
        Some(job)
    }

    fn finish(&mut self, job: u32, actual_ms: u64) -> bool {
        let Some(waiting) = self.stop(job, actual_ms) else { return false };
        self.jobs.remove(&job);
        let sum = self.pools[usize::from(waiting.pool)].means.entry(waiting.action);
        let sum = sum.or_insert(actual_ms * MEAN_SPAN);
        *sum = *sum - *sum / MEAN_SPAN + actual_ms;
        true
    }

    fn requeue(&mut self, job: u32, actual_ms: u64, until: u64, now: u64) -> bool {
        let is_known = self.stop(job, actual_ms).is_some();
        self.gates.insert((until, job));
        self.open_gates(now);
        is_known
    }

    fn wake(&mut self, now: u64) {
        self.open_gates(now);
    }

    fn next_wake_at(&self) -> Option<u64> {
        self.gates.first().map(|(until, _)| *until)
    }

    fn is_eligible(&self, pool: u16) -> bool {
        self.pools[usize::from(pool)].tiers.iter().any(|tier| !tier.is_empty())
    }

    fn floor_lag_ms(&self, _tier: u8) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests;
