//! What the scheduler saw and did at each dispatch of one busy pool.

use std::collections::BTreeMap;

use reeve_types::{JobId, Millis};

use super::dice::Dice;
use super::settings::{COST_MS_MAX, random, workspace};
use crate::arena::NIL;
use crate::broken::Broken;
use crate::{
    Entry, FairQueue, PoolIndex, Sequence, Settings, Taken, TierIndex, WorkspaceFacts, WorkspaceKey,
};

const POOL: PoolIndex = PoolIndex(0);

/// An eligible lane just before a dispatch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneSeen {
    pub(super) workspace: WorkspaceKey,
    pub(super) tier: usize,
    pub(super) head: JobId,
    pub(super) charge_ms: i64,
    /// Its finish tag in the tier's own order.
    pub(super) finish: u128,
}

/// A tier just before a dispatch.
#[derive(Debug, Clone, Copy)]
pub(super) struct TierSeen {
    pub(super) time: u128,
    /// In thousandths of a slot-millisecond.
    pub(super) entitlement: i64,
    pub(super) running: u64,
}

/// One dispatch.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) lanes: Vec<LaneSeen>,
    pub(super) tiers: Vec<TierSeen>,
    /// Running jobs and the slots asked for.
    pub(super) slots: u64,
    pub(super) took: Option<Taken>,
    /// Running jobs of the chosen workspace before, and its cap.
    pub(super) load: Option<(u32, u32)>,
}

/// All dispatches of a history.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    pub(super) settings: Settings,
    pub(super) seen: Vec<Seen>,
}

impl Trace {
    /// Number of tiers.
    pub(super) fn tiers(&self) -> usize {
        self.settings.tiers.len()
    }

    /// A tier's floor in parts per thousand.
    pub(super) fn floor(&self, tier: usize) -> i64 {
        i64::from(self.settings.tiers[tier].floor_permille)
    }
}

/// A pool with a fixed number of slots, driven step by step, which writes the trace.
pub(super) struct Plant {
    pub(super) queue: FairQueue,
    pub(super) trace: Trace,
    pub(super) running: BTreeMap<JobId, u32>,
    /// Off for runs that only count, since looking is a scan.
    pub(super) is_recording: bool,
    slots: usize,
    made: u32,
}

impl Plant {
    pub(super) fn new(settings: Settings, slots: usize, broken: Option<Broken>) -> Self {
        let mut queue = FairQueue::new(settings.clone()).unwrap();
        queue.broken = broken;
        Self {
            queue,
            trace: Trace { settings, seen: Vec::new() },
            running: BTreeMap::new(),
            is_recording: true,
            slots,
            made: 0,
        }
    }

    pub(super) fn workspace(&mut self, n: u64, tier: u8, cap_running: u32) -> WorkspaceKey {
        let facts = WorkspaceFacts { tier: TierIndex(tier), cap_running, paused: false };
        self.queue.set_workspace(&workspace(n), facts).unwrap()
    }

    pub(super) fn arrive(&mut self, workspace: WorkspaceKey, cost_ms: u32, priority: i32) -> JobId {
        self.made += 1;
        let now = Millis::from_millis(i64::from(self.made));
        let job = JobId::from_parts(now, u128::from(self.made));
        let sequence = Sequence { admitted_at: now, n: self.made };
        let cost_ms = Some(cost_ms);
        let entry = Entry { job, workspace, pool: POOL, cost_ms, action: 0, priority, sequence, gate: None };
        self.queue.enqueue(entry, now).unwrap();
        job
    }

    /// Fills one free slot, if there is one and a job for it.
    pub(super) fn slot(&mut self) -> Option<Taken> {
        if self.running.len() >= self.slots {
            return None;
        }
        let slots_open = (self.slots - self.running.len()) as u32;
        let seen = self.is_recording.then(|| self.look(slots_open));
        let took = self.queue.take(POOL, slots_open, Millis::from_millis(i64::from(self.made)));
        if let Some(taken) = took {
            self.queue.confirm(taken.ticket);
            self.running.insert(taken.job, taken.cost_ms);
        }
        if let Some(seen) = seen {
            let load = took.map(|taken| {
                let cap = self.queue.workspace_facts(taken.workspace).unwrap().cap_running;
                (self.queue.workspace_running(taken.workspace) - 1, cap)
            });
            self.trace.seen.push(Seen { took, load, ..seen });
        }
        took
    }

    pub(super) fn finish(&mut self, job: JobId, actual_ms: u64) {
        self.running.remove(&job);
        self.queue.finish(job, actual_ms);
    }

    /// Ends the job that was admitted first among the running ones, on its estimate.
    pub(super) fn finish_one(&mut self) {
        if let Some((job, cost_ms)) = self.running.first_key_value().map(|(job, cost_ms)| (*job, *cost_ms)) {
            self.finish(job, u64::from(cost_ms));
        }
    }

    fn look(&self, slots_open: u32) -> Seen {
        let queue = &self.queue;
        let pool = &queue.pools[POOL.at()];
        let listed = queue.lanes.iter().filter(|lane| lane.seat != NIL);
        let lanes = listed.map(|lane| LaneSeen {
            workspace: WorkspaceKey(lane.workspace),
            tier: queue.workspaces[lane.workspace as usize].tier.at(),
            head: queue.jobs.get(lane.head).job,
            charge_ms: i64::from(lane.charge_ms(pool)),
            finish: lane.tier_tag + u128::from(lane.charge_ms(pool)),
        });
        let tiers = pool.tiers.iter().map(|tier| TierSeen {
            time: tier.virtual_time,
            entitlement: tier.entitlement,
            running: tier.running,
        });
        Seen {
            lanes: lanes.collect(),
            tiers: tiers.collect(),
            slots: pool.running + u64::from(slots_open),
            took: None,
            load: None,
        }
    }
}

/// A random history of a busy pool: standing backlogs, bursts, newcomers, pauses, wrong estimates.
pub(super) fn history(seed: u64, len: usize, broken: Option<Broken>) -> Trace {
    let mut dice = Dice::new(seed);
    let settings = random(&mut dice, 1);
    let slots = dice.between(1, 8) as usize;
    let tiers = settings.tiers.len() as u64;
    let (is_honest, hurry) = (dice.is(50), dice.between(15, 45));
    let mut plant = Plant::new(settings, slots, broken);
    let mut keys = Vec::new();
    for step in 0..len {
        if keys.is_empty() || (keys.len() < 12 && dice.is(3)) {
            let cap_running = if dice.is(70) { 100 } else { dice.between(1, 3) as u32 };
            keys.push(plant.workspace(keys.len() as u64, dice.below(tiers) as u8, cap_running));
        }
        let key = keys[dice.below(keys.len() as u64) as usize];
        let roll = dice.below(100);
        if roll < hurry || step < 3 {
            for _ in 0..dice.between(1, 6) {
                // Few sizes at a time: long jobs next to short ones are the hard case.
                let cost_ms = if dice.is(30) { COST_MS_MAX } else { dice.between(1, 300) as u32 };
                plant.arrive(key, cost_ms, if dice.is(5) { 1 } else { 0 });
            }
        } else if roll < 98 {
            if plant.slot().is_none() || plant.running.len() >= slots {
                let jobs: Vec<_> = plant.running.iter().map(|(job, cost)| (*job, *cost)).collect();
                if let Some((job, cost_ms)) = dice.pick(&jobs) {
                    let actual_ms = if is_honest { u64::from(cost_ms) } else { dice.below(1_500) };
                    plant.finish(job, actual_ms);
                }
            }
        } else {
            let facts = plant.queue.workspace_facts(key).unwrap();
            let id = plant.queue.workspace_id(key).unwrap().clone();
            plant.queue.set_workspace(&id, WorkspaceFacts { paused: !facts.paused, ..facts }).unwrap();
        }
    }
    plant.trace
}
