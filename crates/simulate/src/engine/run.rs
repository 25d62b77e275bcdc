//! One run from its first instant to its last.

use super::events::{Event, Events};
use super::fate;
use super::fleet::Fleet;
use crate::load::Load;
use crate::policy::{Policy, PolicyKind, Waiting};
use crate::refusal::Bug;

/// An instant that has not come.
pub(crate) const NEVER: u64 = u64::MAX;
/// Samples of the floor lag in a run.
const SAMPLES: u64 = 5_000;

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has not come yet.
    Ahead,
    Waiting,
    Running,
    /// Its worker vanished and nobody has noticed.
    Orphaned,
    Finished,
    Failed,
    Cancelled,
    /// The workspace's backlog was full.
    Refused,
}

/// What became of a job.
#[derive(Debug, Clone, Copy)]
pub struct JobRecord {
    pub stage: Stage,
    /// When its first attempt started.
    pub first_started_at: Option<u64>,
    /// When its latest attempt started.
    pub(crate) started_at: u64,
    /// Not before then after a lost attempt.
    pub(crate) ready_at: u64,
    pub(crate) worker: u32,
    pub(crate) attempt: u16,
    pub(super) lost: u16,
    pub(super) is_cancelled: bool,
}

/// All that a run leaves behind.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub kind: PolicyKind,
    /// In the order of the arrivals.
    pub jobs: Vec<JobRecord>,
    /// Slot time that each workspace had, in milliseconds.
    pub worked_ms: Vec<u64>,
    /// Slot time that there was.
    pub capacity_ms: u64,
    /// Time during which a slot was free and a job could have had it: must be 0.
    pub idle_while_eligible_ms: u64,
    /// Highest floor lag seen for each tier, in slot-milliseconds.
    pub floor_lag_ms_max: Vec<Option<u64>>,
    /// Attempts that failed or were lost.
    pub attempts_lost: u64,
}

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) load: &'a Load,
    pub(super) policy: Box<dyn Policy>,
    pub(super) fleet: Fleet,
    pub(super) events: Events,
    pub(super) now: u64,
    arrived: usize,
    pub(super) running: Vec<u32>,
    pub(super) queued: Vec<u32>,
    sampled_at: u64,
    is_idle: bool,
    pub(super) outcome: Outcome,
    #[cfg(test)]
    pub(super) is_audited: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(load: &'a Load, kind: PolicyKind) -> Result<Self, Bug> {
        let job = JobRecord {
            stage: Stage::Ahead,
            first_started_at: None,
            started_at: NEVER,
            ready_at: 0,
            worker: 0,
            attempt: 0,
            lost: 0,
            is_cancelled: false,
        };
        let outcome = Outcome {
            kind,
            jobs: vec![job; load.arrivals.len()],
            worked_ms: vec![0; load.workspaces.len()],
            capacity_ms: 0,
            idle_while_eligible_ms: 0,
            floor_lag_ms_max: vec![None; load.settings.tiers.len()],
            attempts_lost: 0,
        };
        let mut run = Self {
            load,
            policy: kind.build(load)?,
            fleet: Fleet::new(load),
            events: Events::default(),
            now: 0,
            arrived: 0,
            running: vec![0; load.workspaces.len()],
            queued: vec![0; load.workspaces.len()],
            sampled_at: 0,
            is_idle: false,
            outcome,
            #[cfg(test)]
            is_audited: false,
        };
        run.plan_fleet();
        Ok(run)
    }

    fn plan_fleet(&mut self) {
        for (at, workers) in self.load.workers.iter().enumerate() {
            (0..workers.count).for_each(|_| self.join(at));
            for (n, change) in workers.changes.iter().enumerate() {
                self.events.plan(change.at_ms, Event::Change { workers: at as u32, change: n as u32 });
            }
        }
    }

    pub(super) fn finish(mut self) -> Result<Outcome, Bug> {
        while let Some(at) = self.next_at().filter(|at| *at < self.load.end_ms) {
            self.pass_to(at);
            while let Some(event) = self.events.due(self.now) {
                self.happen(event)?;
            }
            self.arrive()?;
            self.policy.wake(self.now);
            self.dispatch()?;
            self.sample();
            #[cfg(test)]
            self.audit();
        }
        self.pass_to(self.load.end_ms);
        for job in 0..self.arrived as u32 {
            if self.outcome.jobs[job as usize].stage == Stage::Running {
                self.book(job);
            }
        }
        Ok(self.outcome)
    }

    fn next_at(&self) -> Option<u64> {
        let arrival = self.load.arrivals.get(self.arrived).map(|arrival| arrival.at_ms);
        let next = [arrival, self.events.next_at(), self.policy.next_wake_at()].into_iter().flatten().min();
        next.map(|at| at.max(self.now))
    }

    fn pass_to(&mut self, at: u64) {
        let passed = at - self.now;
        self.outcome.capacity_ms += self.fleet.capacity * passed;
        if self.is_idle {
            self.outcome.idle_while_eligible_ms += passed;
        }
        self.now = at;
    }

    fn arrive(&mut self) -> Result<(), Bug> {
        while let Some(arrival) = self.load.arrivals.get(self.arrived).filter(|a| a.at_ms <= self.now) {
            let job = self.arrived as u32;
            self.arrived += 1;
            let workspace = &self.load.workspaces[arrival.workspace as usize];
            let queued = &mut self.queued[arrival.workspace as usize];
            if self.load.has_backlog_limits && u64::from(*queued) >= workspace.queued_max {
                self.outcome.jobs[job as usize].stage = Stage::Refused;
                continue;
            }
            *queued += 1;
            self.outcome.jobs[job as usize].stage = Stage::Waiting;
            let waiting = Waiting {
                job,
                workspace: arrival.workspace,
                pool: self.load.pool_of(arrival),
                action: arrival.action,
                declared_ms: self.load.actions[usize::from(arrival.action)].declared_ms,
                admitted_at: self.now,
            };
            let is_new = self.policy.enqueue(waiting, self.now);
            self.must(is_new, "a new job was known")?;
            if let Some(after) = fate::cancelled_after_ms(self.load, job) {
                self.events.plan_after(self.now, after, Event::Cancel { job });
            }
        }
        Ok(())
    }

    fn dispatch(&mut self) -> Result<(), Bug> {
        let load = self.load;
        for (kind, workers) in load.workers.iter().enumerate() {
            for pool in workers.pools.iter().copied() {
                while self.fleet.has_free(kind) {
                    let slots_open = self.fleet.slots_open(pool);
                    let Some(job) = self.policy.take(pool, slots_open, self.now) else { break };
                    self.start(job, kind)?;
                }
            }
        }
        let idle = |(kind, workers): (usize, &crate::load::Workers)| {
            self.fleet.has_free(kind) && workers.pools.iter().any(|pool| self.policy.is_eligible(*pool))
        };
        self.is_idle = load.workers.iter().enumerate().any(idle);
        Ok(())
    }

    fn start(&mut self, job: u32, kind: usize) -> Result<(), Bug> {
        let workspace = self.load.arrivals[job as usize].workspace as usize;
        let is_waiting = self.outcome.jobs[job as usize].stage == Stage::Waiting;
        self.must(is_waiting, "a job started that did not wait")?;
        let worker = self.fleet.occupy(kind, job);
        self.must(worker.is_some(), "a job started without a slot")?;
        self.queued[workspace] -= 1;
        self.running[workspace] += 1;
        let is_within = self.running[workspace] <= self.load.workspaces[workspace].running_max;
        self.must(is_within, "a workspace ran more than its cap")?;
        let (now, record) = (self.now, &mut self.outcome.jobs[job as usize]);
        record.stage = Stage::Running;
        record.attempt += 1;
        record.started_at = now;
        record.first_started_at = record.first_started_at.or(Some(now));
        record.worker = worker.unwrap_or_default();
        let (_, ms) = fate::attempt(self.load, job, record.attempt);
        self.events.plan_after(now, ms, Event::End { job, attempt: record.attempt });
        Ok(())
    }

    fn sample(&mut self) {
        if self.now < self.sampled_at {
            return;
        }
        self.sampled_at = self.now + (self.load.end_ms / SAMPLES).max(1);
        for (tier, highest) in self.outcome.floor_lag_ms_max.iter_mut().enumerate() {
            *highest = (*highest).max(self.policy.floor_lag_ms(tier as u8));
        }
    }

    pub(super) fn must(&self, holds: bool, what: &str) -> Result<(), Bug> {
        if holds { Ok(()) } else { Err(Bug { at_ms: self.now, what: what.to_owned() }) }
    }
}
