//! Random histories of calls, and the two machines that can live through them.

use std::collections::BTreeMap;

use reeve_types::{JobId, Millis};

use super::dice::Dice;
use super::settings::{COST_MS_MAX, random, workspace};
use crate::{
    Entry, FairQueue, Gate, GateReason, GiveBack, PoolIndex, PoolStats, Position, Sequence, Settings, Step,
    Ticket, TierIndex, WaitingFor, WorkspaceFacts, WorkspaceKey,
};

/// One call, complete: a history can be stored and replayed.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Set(u64, WorkspaceFacts),
    PausePool(PoolIndex, bool),
    Enqueue(Entry, Millis),
    Remove(JobId),
    Take(PoolIndex, u32, Millis),
    Confirm(JobId),
    GiveBack(JobId, GiveBack, Millis),
    Finish(JobId, u64),
    Requeue(JobId, u64, Option<Gate>, Millis),
    Wake(Millis),
    Sync(WorkspaceKey, Vec<Entry>, Vec<Entry>, Millis),
    Reconfigure(Settings),
}

/// What a dispatch said, without the ticket.
pub(super) type Took = (JobId, WorkspaceKey, TierIndex, Step, u32, u32);

/// What a call said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Was(bool),
    Woke(usize),
    Took(Option<Took>),
}

/// What can be asked without changing anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) jobs: Vec<(JobId, Option<Position>, Option<WaitingFor>)>,
    pub(super) next_wake_at: Option<Millis>,
    pub(super) pools: Vec<PoolStats>,
}

/// Anything that can be called a queue.
pub(super) trait Machine {
    fn apply(&mut self, op: &Op) -> Outcome;
    fn view(&self, jobs: &[JobId]) -> View;
}

/// The queue under test.
pub(super) struct Real {
    pub(super) queue: FairQueue,
    tickets: BTreeMap<JobId, Ticket>,
}

impl Real {
    pub(super) fn new(settings: Settings) -> Self {
        Self { queue: FairQueue::new(settings).unwrap(), tickets: BTreeMap::new() }
    }
}

impl Machine for Real {
    fn apply(&mut self, op: &Op) -> Outcome {
        let queue = &mut self.queue;
        match op {
            Op::Set(id, facts) => {
                queue.set_workspace(&workspace(*id), *facts).map(|_| Outcome::Done).unwrap()
            }
            Op::PausePool(pool, is_paused) => {
                queue.set_pool_paused(*pool, *is_paused).map(|()| Outcome::Done).unwrap()
            }
            Op::Enqueue(entry, now) => queue.enqueue(*entry, *now).map(|()| Outcome::Done).unwrap(),
            Op::Remove(job) => Outcome::Was(queue.remove(*job)),
            Op::Take(pool, slots_open, now) => {
                Outcome::Took(queue.take(*pool, *slots_open, *now).map(|taken| {
                    self.tickets.insert(taken.job, taken.ticket);
                    (taken.job, taken.workspace, taken.tier, taken.step, taken.cost_ms, taken.charge_ms)
                }))
            }
            Op::Confirm(job) => Outcome::Was(queue.confirm(self.tickets[job])),
            Op::GiveBack(job, back, now) => Outcome::Was(queue.give_back(self.tickets[job], *back, *now)),
            Op::Finish(job, actual_ms) => Outcome::Was(queue.finish(*job, *actual_ms)),
            Op::Requeue(job, actual_ms, gate, now) => {
                Outcome::Was(queue.requeue(*job, *actual_ms, *gate, *now))
            }
            Op::Wake(now) => Outcome::Woke(queue.wake(*now)),
            Op::Sync(key, queued, running, now) => {
                queue.sync(*key, queued, running, *now).map(|()| Outcome::Done).unwrap()
            }
            Op::Reconfigure(settings) => queue.reconfigure(settings.clone()).map(|_| Outcome::Done).unwrap(),
        }
    }

    fn view(&self, jobs: &[JobId]) -> View {
        let queue = &self.queue;
        let jobs = jobs.iter().map(|job| (*job, queue.position(*job), queue.waiting_for(*job, true)));
        let pools = (0..queue.settings().pools.len()).map(|at| queue.stats(PoolIndex(at as u16)).unwrap());
        View { jobs: jobs.collect(), next_wake_at: queue.next_wake_at(), pools: pools.collect() }
    }
}

/// A job as the world remembers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) entry: Entry,
    pub(super) stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Queued,
    Reserved,
    Running,
}

/// Makes sensible calls: it knows what was said before and nothing of how anything is decided.
pub(super) struct World {
    dice: Dice,
    pub(super) settings: Settings,
    pub(super) facts: Vec<WorkspaceFacts>,
    pub(super) pools_paused: Vec<bool>,
    pub(super) jobs: BTreeMap<JobId, Known>,
    pub(super) now: Millis,
    made: u32,
    /// Whether settings, tiers and syncs change on the way.
    is_turbulent: bool,
    opening: Vec<Op>,
}

const WORKSPACES: u64 = 7;
const POOLS: usize = 2;

impl World {
    pub(super) fn new(seed: u64, is_turbulent: bool) -> Self {
        let mut dice = Dice::new(seed);
        let settings = random(&mut dice, POOLS);
        let mut world = Self {
            dice,
            settings,
            facts: Vec::new(),
            pools_paused: vec![false; POOLS],
            jobs: BTreeMap::new(),
            now: Millis::from_millis(1_000_000),
            made: 0,
            is_turbulent,
            opening: Vec::new(),
        };
        for n in 0..WORKSPACES {
            let facts = world.random_facts();
            world.facts.push(facts);
            world.opening.push(Op::Set(n, facts));
        }
        world
    }

    /// The key that the queue gave to the n-th workspace.
    pub(super) const fn key(n: u64) -> WorkspaceKey {
        WorkspaceKey(n as u32)
    }

    /// The next call.
    pub(super) fn next(&mut self) -> Op {
        if !self.opening.is_empty() {
            return self.opening.remove(0);
        }
        loop {
            if let Some(op) = self.propose() {
                return op;
            }
        }
    }

    /// Remembers what a call did.
    pub(super) fn learn(&mut self, op: &Op, outcome: &Outcome) {
        match (op, outcome) {
            (Op::Set(n, facts), _) => self.facts[*n as usize] = *facts,
            (Op::PausePool(pool, is_paused), _) => self.pools_paused[pool.at()] = *is_paused,
            (Op::Enqueue(entry, _), _) => {
                self.jobs.insert(entry.job, Known { entry: *entry, stage: Stage::Queued });
            }
            (
                Op::Remove(job) | Op::Finish(job, _) | Op::GiveBack(job, GiveBack::Gone, _),
                Outcome::Was(true),
            ) => {
                self.jobs.remove(job);
            }
            (Op::Take(..), Outcome::Took(Some((job, ..)))) => self.stage(*job, Stage::Reserved, None),
            (Op::Confirm(job), Outcome::Was(true)) => self.stage(*job, Stage::Running, None),
            (Op::GiveBack(job, GiveBack::RequeueGated(gate), _), Outcome::Was(true)) => {
                self.stage(*job, Stage::Queued, Some(*gate));
            }
            (Op::GiveBack(job, GiveBack::Requeue, _), Outcome::Was(true)) => {
                self.stage(*job, Stage::Queued, None)
            }
            (Op::Requeue(job, _, gate, _), Outcome::Was(true)) => self.stage(*job, Stage::Queued, *gate),
            (Op::Sync(key, queued, running, _), _) => {
                self.jobs.retain(|_, known| known.entry.workspace != *key);
                self.jobs.extend(queued.iter().map(|e| (e.job, Known { entry: *e, stage: Stage::Queued })));
                self.jobs.extend(running.iter().map(|e| (e.job, Known { entry: *e, stage: Stage::Running })));
            }
            (Op::Reconfigure(settings), _) => self.settings = settings.clone(),
            _ => {}
        }
    }

    fn stage(&mut self, job: JobId, stage: Stage, gate: Option<Gate>) {
        let known = self.jobs.get_mut(&job).unwrap();
        known.stage = stage;
        known.entry.gate = gate;
    }

    fn propose(&mut self) -> Option<Op> {
        self.now = self.now.plus_ms(self.dice.below(40) as i64);
        let (pool, now) = (PoolIndex(self.dice.below(POOLS as u64) as u16), self.now);
        let roll = self.dice.below(if self.is_turbulent { 108 } else { 100 });
        Some(match roll {
            0..30 => Op::Enqueue(self.random_entry(), now),
            30..58 => Op::Take(pool, self.dice.between(1, 5) as u32, now),
            58..68 => Op::Confirm(self.one_of(Stage::Reserved)?),
            68..76 => {
                let back = match self.dice.below(3) {
                    0 => GiveBack::Gone,
                    1 => GiveBack::RequeueGated(self.random_gate()),
                    _ => GiveBack::Requeue,
                };
                Op::GiveBack(self.one_of(Stage::Reserved)?, back, now)
            }
            76..87 => {
                let stage = if self.dice.is(90) { Stage::Running } else { Stage::Reserved };
                Op::Finish(self.one_of(stage)?, self.dice.below(2 * u64::from(COST_MS_MAX)))
            }
            87..90 => {
                let gate = self.dice.is(60).then(|| self.random_gate());
                Op::Requeue(self.one_of(Stage::Running)?, self.dice.below(900), gate, now)
            }
            90..94 => Op::Remove(self.one_of(Stage::Queued)?),
            94..96 => Op::Wake(now),
            96..98 => {
                let n = self.dice.below(WORKSPACES);
                let tier = self.facts[n as usize].tier;
                Op::Set(n, WorkspaceFacts { tier, ..self.random_facts() })
            }
            98..100 => Op::PausePool(pool, self.dice.is(30)),
            100..104 => Op::Set(self.dice.below(WORKSPACES), self.random_facts()),
            104..107 => self.random_sync(),
            _ => {
                // The same names, other numbers.
                let mut settings = random(&mut self.dice, POOLS);
                while settings.tiers.len() != self.settings.tiers.len() {
                    settings = random(&mut self.dice, POOLS);
                }
                Op::Reconfigure(settings)
            }
        })
    }

    fn one_of(&mut self, stage: Stage) -> Option<JobId> {
        let jobs: Vec<_> =
            self.jobs.iter().filter(|(_, known)| known.stage == stage).map(|(job, _)| *job).collect();
        self.dice.pick(&jobs)
    }

    fn random_facts(&mut self) -> WorkspaceFacts {
        let tier = TierIndex(self.dice.below(self.settings.tiers.len() as u64) as u8);
        WorkspaceFacts { tier, cap_running: self.dice.below(5) as u32, paused: self.dice.is(10) }
    }

    fn random_gate(&mut self) -> Gate {
        let why = if self.dice.is(50) { GateReason::NotBefore } else { GateReason::RetryBackoff };
        Gate { until: self.now.plus_ms(self.dice.below(400) as i64), why }
    }

    fn random_entry(&mut self) -> Entry {
        self.made += 1;
        Entry {
            job: JobId::from_parts(self.now, u128::from(self.made)),
            workspace: Self::key(self.dice.below(WORKSPACES)),
            pool: PoolIndex(self.dice.below(POOLS as u64) as u16),
            cost_ms: if self.dice.is(80) { Some(self.dice.below(1_300) as u32) } else { None },
            action: self.dice.below(3) as u32,
            priority: if self.dice.is(20) { self.dice.below(4) as i32 - 2 } else { 0 },
            sequence: Sequence { admitted_at: self.now.plus_ms(-(self.dice.below(30) as i64)), n: self.made },
            gate: if self.dice.is(15) { Some(self.random_gate()) } else { None },
        }
    }

    /// What the owner of a workspace might say: mostly what is true, with some jobs elsewhere.
    fn random_sync(&mut self) -> Op {
        let n = self.dice.below(WORKSPACES);
        let (mut queued, mut running) = (Vec::new(), Vec::new());
        let known: Vec<Known> =
            self.jobs.values().filter(|known| known.entry.workspace == Self::key(n)).copied().collect();
        for known in known {
            let says_running = (known.stage != Stage::Queued) != self.dice.is(20);
            match (self.dice.is(8), says_running) {
                (true, _) => {}
                (false, true) => running.push(Entry { gate: None, ..known.entry }),
                (false, false) => queued.push(known.entry),
            }
        }
        if self.dice.is(30) {
            queued.push(Entry { workspace: Self::key(n), ..self.random_entry() });
        }
        Op::Sync(Self::key(n), queued, running, self.now)
    }
}
