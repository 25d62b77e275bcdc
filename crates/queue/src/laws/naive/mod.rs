//! The same rules once more, written for clearness: plain lists, every question answered by a scan.
//!
//! It shares the numbers of the settings with the real queue and no code. A lane is re-examined as a
//! whole after each call, instead of being kept up to date by each change.

mod dispatch;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use reeve_types::{JobId, Millis};

use crate::laws::world::{Machine, Op, Outcome, View};
use crate::{Entry, Gate, GiveBack, Settings, Step, WorkspaceFacts};

const SCALE: u128 = 1 << 24;

#[derive(Debug, Clone)]
struct Job {
    entry: Entry,
    state: State,
    cost: i64,
    undo: Option<Undo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Gated(Gate),
    Reserved,
    Running,
}

#[derive(Debug, Clone)]
struct Undo {
    ticket: u64,
    number: u64,
    prior: u64,
    epoch: u64,
    step: Step,
    tier: usize,
    cost: i64,
    charge: i64,
    tag: u128,
    time: u128,
    entitlements: Vec<i64>,
}

#[derive(Debug, Clone, Default)]
struct Lane {
    tier_tag: u128,
    shared_tag: u128,
    debt: i64,
    was_eligible: bool,
    left_at: Option<u64>,
    head: Option<JobId>,
    head_cost: i64,
}

#[derive(Debug, Clone, Default)]
struct Tier {
    time: u128,
    entitlement: i64,
    served_jobs: u64,
    served: u64,
    worked: u64,
}

#[derive(Debug, Clone, Default)]
struct Pool {
    time: u128,
    latest: u64,
    count: u64,
    is_paused: bool,
    tiers: Vec<Tier>,
    means: BTreeMap<u32, u64>,
}

/// The second queue.
#[derive(Debug)]
pub(in crate::laws) struct Naive {
    settings: Settings,
    pools: Vec<Pool>,
    facts: Vec<WorkspaceFacts>,
    /// By (workspace, pool).
    lanes: BTreeMap<(usize, usize), Lane>,
    jobs: BTreeMap<JobId, Job>,
    tickets: u64,
    epoch: u64,
}

impl Naive {
    pub(in crate::laws) fn new(settings: Settings) -> Self {
        let tiers = vec![Tier::default(); settings.tiers.len()];
        let pools = vec![Pool { tiers, ..Pool::default() }; settings.pools.len()];
        let (lanes, jobs) = (BTreeMap::new(), BTreeMap::new());
        Self { settings, pools, facts: Vec::new(), lanes, jobs, tickets: 0, epoch: 0 }
    }

    fn top(&self, pool: usize) -> i64 {
        i64::from(self.settings.pools[pool].cost_ms_max)
    }

    fn cost(&self, entry: &Entry) -> i64 {
        let pool = entry.pool.at();
        let mean = self.pools[pool].means.get(&entry.action).map(|sum| sum / 16);
        let usual = mean.unwrap_or(u64::from(self.settings.pools[pool].cost_ms_default));
        let cost = entry.cost_ms.map_or(usual as i64, i64::from);
        cost.clamp(1, self.top(pool))
    }

    fn charge(&self, at: (usize, usize)) -> i64 {
        (self.lanes[&at].head_cost + self.lanes[&at].debt).clamp(1, self.top(at.1))
    }

    fn running(&self, keep: impl Fn(&Entry) -> bool) -> u64 {
        let runs = |job: &&Job| matches!(job.state, State::Reserved | State::Running) && keep(&job.entry);
        self.jobs.values().filter(runs).count() as u64
    }

    fn place(entry: &Entry) -> (Reverse<i32>, Millis, u32) {
        (Reverse(entry.priority), entry.sequence.admitted_at, entry.sequence.n)
    }

    fn lane_of(entry: &Entry) -> (usize, usize) {
        (entry.workspace.0 as usize, entry.pool.at())
    }

    fn ready(&self, at: (usize, usize)) -> Vec<&Job> {
        let is_there = |job: &&Job| job.state == State::Ready && Self::lane_of(&job.entry) == at;
        let mut ready: Vec<_> = self.jobs.values().filter(is_there).collect();
        ready.sort_by_key(|job| Self::place(&job.entry));
        ready
    }

    fn is_full(&self, workspace: usize) -> bool {
        self.running(|entry| entry.workspace.0 as usize == workspace)
            >= u64::from(self.facts[workspace].cap_running)
    }

    /// Looks at every lane again: its head, and whether it came into or went out of the eligible ones.
    fn refresh(&mut self) {
        for entry in self.jobs.values().map(|job| job.entry).collect::<Vec<_>>() {
            self.lanes.entry(Self::lane_of(&entry)).or_default();
        }
        for at in self.lanes.keys().copied().collect::<Vec<_>>() {
            let head = self.ready(at).first().map(|job| job.entry);
            let is_eligible = head.is_some() && !self.facts[at.0].paused && !self.is_full(at.0);
            let cost = head.map_or(0, |entry| self.cost(&entry));
            let (pool, tier) = (&self.pools[at.1], self.facts[at.0].tier.at());
            let lane = self.lanes.get_mut(&at).unwrap();
            if lane.head != head.map(|entry| entry.job) {
                lane.head = head.map(|entry| entry.job);
                lane.head_cost = cost;
            }
            if is_eligible && !lane.was_eligible && lane.left_at != Some(pool.latest) {
                lane.tier_tag = lane.tier_tag.max(pool.tiers[tier].time);
                lane.shared_tag = lane.shared_tag.max(pool.time);
            }
            if !is_eligible && lane.was_eligible {
                lane.left_at = Some(pool.latest);
            }
            lane.was_eligible = is_eligible;
        }
    }

    fn wake(&mut self, now: Millis) -> usize {
        let mut woken = 0;
        for job in self.jobs.values_mut() {
            if matches!(job.state, State::Gated(gate) if gate.until <= now) {
                job.state = State::Ready;
                woken += 1;
            }
        }
        self.refresh();
        woken
    }

    fn put(&mut self, entry: Entry, gate: Option<Gate>, now: Millis) {
        let state = gate.filter(|gate| gate.until > now).map_or(State::Ready, State::Gated);
        self.jobs.insert(entry.job, Job { entry, state, cost: 0, undo: None });
    }

    fn close(&mut self, id: JobId, actual: u64, is_end: bool) -> Option<Entry> {
        let is_live = |job: &&Job| matches!(job.state, State::Reserved | State::Running);
        let job = self.jobs.get(&id).filter(is_live)?.clone();
        self.jobs.remove(&id);
        let at = Self::lane_of(&job.entry);
        let top = self.top(at.1);
        let lane = self.lanes.get_mut(&at).unwrap();
        lane.debt = (lane.debt + actual as i64 - job.cost).clamp(-top, top);
        let pool = &mut self.pools[at.1];
        pool.tiers[self.facts[at.0].tier.at()].worked += actual;
        if is_end {
            let actual = actual.clamp(1, top as u64);
            let sum = pool.means.entry(job.entry.action).or_insert(16 * actual);
            *sum = *sum - *sum / 16 + actual;
        }
        Some(job.entry)
    }

    fn set(&mut self, n: usize, facts: WorkspaceFacts) {
        if n == self.facts.len() {
            self.facts.push(facts);
        }
        let old = self.facts[n].tier.at();
        if old != facts.tier.at() {
            for ((_, pool), lane) in self.lanes.iter_mut().filter(|((workspace, _), _)| *workspace == n) {
                let tiers = &self.pools[*pool].tiers;
                let ahead = lane.tier_tag.saturating_sub(tiers[old].time);
                lane.tier_tag = tiers[facts.tier.at()].time + ahead;
            }
        }
        self.facts[n] = facts;
    }

    fn sync(&mut self, n: usize, queued: &[Entry], running: &[Entry], now: Millis) {
        let mut open: Vec<(u64, JobId)> =
            self.jobs.iter().filter_map(|(id, job)| Some((job.undo.as_ref()?.ticket, *id))).collect();
        open.retain(|(_, id)| self.jobs[id].entry.workspace.0 as usize == n);
        open.sort();
        for (_, id) in open.into_iter().rev() {
            if !running.iter().any(|entry| entry.job == id) {
                self.give_back(id, GiveBack::Requeue, now);
            }
        }
        let old = self.jobs.clone();
        self.jobs.retain(|_, job| job.entry.workspace.0 as usize != n);
        for entry in running {
            let before =
                old.get(&entry.job).filter(|job| matches!(job.state, State::Reserved | State::Running));
            let cost = before.map_or(self.cost(entry), |job| job.cost);
            self.jobs.insert(entry.job, Job { entry: *entry, state: State::Running, cost, undo: None });
        }
        for entry in queued {
            self.put(*entry, entry.gate, now);
        }
        self.lanes
            .iter_mut()
            .filter(|((workspace, _), _)| *workspace == n)
            .for_each(|(_, lane)| lane.head = None);
    }

    fn reconfigure(&mut self, settings: &Settings) {
        for ((workspace, pool), lane) in &mut self.lanes {
            let tier = self.facts[*workspace].tier.at();
            let (old, new) = (self.settings.tiers[tier].weight, settings.tiers[tier].weight);
            let time = self.pools[*pool].time;
            if lane.shared_tag >= time {
                lane.shared_tag = time + (lane.shared_tag - time) * u128::from(old) / u128::from(new);
            }
            lane.head = None;
        }
        self.settings = settings.clone();
        self.epoch += 1;
    }
}

impl Machine for Naive {
    fn apply(&mut self, op: &Op) -> Outcome {
        let outcome = match op {
            Op::Take(pool, slots_open, now) => return Outcome::Took(self.take(pool.at(), *slots_open, *now)),
            Op::GiveBack(job, back, now) => return Outcome::Was(self.give_back(*job, *back, *now)),
            Op::Wake(now) => return Outcome::Woke(self.wake(*now)),
            Op::Set(n, facts) => {
                self.set(*n as usize, *facts);
                Outcome::Done
            }
            Op::PausePool(pool, is_paused) => {
                self.pools[pool.at()].is_paused = *is_paused;
                Outcome::Done
            }
            Op::Enqueue(entry, now) => {
                self.put(*entry, entry.gate, *now);
                Outcome::Done
            }
            Op::Remove(job) => {
                let is_queued = self.position(*job).is_some();
                if is_queued {
                    self.jobs.remove(job);
                }
                Outcome::Was(is_queued)
            }
            Op::Confirm(id) => {
                let job = self.jobs.get_mut(id).filter(|job| job.undo.is_some());
                let was = job.is_some();
                job.into_iter().for_each(|job| (job.state, job.undo) = (State::Running, None));
                Outcome::Was(was)
            }
            Op::Finish(job, actual) => Outcome::Was(self.close(*job, *actual, true).is_some()),
            Op::Requeue(job, actual, gate, now) => {
                let entry = self.close(*job, *actual, false);
                entry.into_iter().for_each(|entry| self.put(entry, *gate, *now));
                Outcome::Was(entry.is_some())
            }
            Op::Sync(key, queued, running, now) => {
                self.sync(key.0 as usize, queued, running, *now);
                Outcome::Done
            }
            Op::Reconfigure(settings) => {
                self.reconfigure(settings);
                Outcome::Done
            }
        };
        self.refresh();
        outcome
    }

    fn view(&self, jobs: &[JobId]) -> View {
        self.look(jobs)
    }
}
