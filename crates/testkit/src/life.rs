//! A life: one workspace under random commands, with every promise checked after each of them.
//!
//! Works like the real caller: commands with claims are decided on a copy and again when a claim is taken, and
//! what is durable is only what `records` say.

use std::collections::BTreeMap;

use reeve_types::{Credits, JobId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{
    Chain, Claim, Command, Defaults, Executed, JobState, Kind, Meta, Records, Refusal, Reply, State, World,
    execute, genesis, hash_row, invariants, may_claim,
};

use crate::naive::NaiveStore;
use crate::script::{Kinds, Look, Step, create, jump_ms};
use crate::setting::{Setting, T0};

/// A command, and how it ended.
pub type Told = (Command, Result<Reply, Refusal>);

const NOTICES: [&str; 2] = ["credits.low", "credits.exhausted"];

/// One workspace from its creation on.
#[derive(Debug)]
pub struct Life<'a> {
    pub setting: &'a Setting,
    pub id: WorkspaceId,
    pub slot: Option<State>,
    pub clock: Millis,
    pub store: NaiveStore,
    /// Commands as run, each with the clock it saw.
    pub log: Vec<(Millis, Command)>,
    /// Off for bare replays.
    pub strict: bool,
    /// Notices of an empty or low balance so far.
    pub told: u32,
    jobs: Vec<JobId>,
    purchases: Vec<PurchaseId>,
    ended: BTreeMap<JobId, ()>,
    explained: (i64, i64),
    made: u32,
}

impl<'a> Life<'a> {
    /// A place for a workspace that does not exist yet.
    pub fn empty(setting: &'a Setting) -> Self {
        Self {
            setting,
            id: WorkspaceId::new("acme").unwrap_or_else(|error| unreachable!("{error}")),
            slot: None,
            clock: T0,
            store: NaiveStore::default(),
            log: Vec::new(),
            strict: true,
            told: 0,
            jobs: Vec::new(),
            purchases: Vec::new(),
            ended: BTreeMap::new(),
            explained: (0, 0),
            made: 0,
        }
    }

    /// A workspace as the seed opens it.
    ///
    /// # Errors
    /// A broken promise.
    pub fn open(setting: &'a Setting, seed: u64) -> Result<Self, String> {
        let mut life = Self::empty(setting);
        let opened = life.run(&Command::Create(Box::new(create(setting, seed))))?;
        opened.map_err(|refusal| format!("not opened: {refusal:?}"))?;
        Ok(life)
    }

    /// The workspace.
    ///
    /// # Panics
    /// Before it is created.
    pub fn state(&self) -> &State {
        self.slot.as_ref().unwrap_or_else(|| unreachable!("no workspace yet"))
    }

    /// `max(clock, last event)`.
    pub fn now(&self) -> Millis {
        self.slot.as_ref().map_or(self.clock, |state| state.now(self.clock))
    }

    /// Does one step; what it meant and how it ended, or nothing when it meant nothing.
    ///
    /// # Errors
    /// A broken promise.
    pub fn step(&mut self, step: &Step) -> Result<Option<Told>, String> {
        self.clock = self.clock.plus_ms(jump_ms(step.time));
        if step.kind == Kinds::Limit {
            // The caller reads the ledger as of now.
            self.run(&Command::Wake)?.map_err(|refusal| format!("a wake is refused: {refusal:?}"))?;
        }
        let Some(command) = self.command(step) else { return Ok(None) };
        let reply = self.run(&command)?;
        Ok(Some((command, reply)))
    }

    /// What a step means now.
    pub fn command(&mut self, step: &Step) -> Option<Command> {
        self.made += 1;
        let look = Look {
            setting: self.setting,
            state: self.state(),
            store: &self.store,
            now: self.now(),
            made: self.made,
            jobs: &self.jobs,
            purchases: &self.purchases,
        };
        let command = step.command(&look)?;
        match &command {
            Command::Submit(submit) => self.jobs.push(submit.job),
            Command::Purchase(purchase) => self.purchases.push(purchase.id),
            _ => {}
        }
        Some(command)
    }

    /// Runs a command at the present clock.
    ///
    /// # Errors
    /// A broken promise, by name.
    pub fn run(&mut self, command: &Command) -> Result<Result<Reply, Refusal>, String> {
        self.log.push((self.clock, command.clone()));
        let before = self.slot.clone();
        let (executed, taken) = self.decide(command)?;
        if let Some(records) = &executed.records {
            self.check_rows(records)?;
            self.store.write(records)?;
            let notices = records.outbox.iter().filter(|row| NOTICES.contains(&row.kind));
            self.told += notices.count() as u32;
        }
        if self.strict {
            self.check(before.as_ref(), command, &executed, &taken)?;
        }
        Ok(executed.reply)
    }

    /// Forgets all that is not in the store: a crash and a restart.
    ///
    /// # Errors
    /// When the store does not hold a workspace.
    pub fn restart(&mut self) -> Result<(), String> {
        self.slot = Some(self.store.rebuild(&self.id).ok_or("S1: the store holds no workspace")?);
        Ok(())
    }

    /// As the workspace's actor does: again and again, until no claim turns out to be taken.
    fn decide(&mut self, command: &Command) -> Result<(Executed, Vec<(Claim, WorkspaceId)>), String> {
        let mut taken = Vec::new();
        let may = may_claim(self.slot.as_ref(), command, &self.world(&[]));
        for _ in 0..8 {
            let mut trial = self.slot.clone();
            let done = execute(&self.id, &mut trial, (command, &Meta::default()), &self.world(&taken))?;
            if !may && !done.claims.is_empty() {
                return Err(format!("a command that `may_claim` denies claims {:?}", done.claims));
            }
            let unclaims = done.records.as_ref().map(|records| records.unclaims.clone()).unwrap_or_default();
            let lost = |claim: &&Claim| self.store.claims.contains(claim) && !unclaims.contains(claim);
            let lost: Vec<Claim> = done.claims.iter().filter(lost).cloned().collect();
            if lost.is_empty() {
                self.slot = trial;
                return Ok((done, taken));
            }
            taken.extend(lost.into_iter().map(|claim| (claim, self.id.clone())));
        }
        Err("claims do not settle".into())
    }

    fn world<'w>(&'w self, taken: &'w [(Claim, WorkspaceId)]) -> World<'w> {
        World {
            now: self.now(),
            shelf: &self.setting.shelf,
            tiers: &self.setting.tiers,
            retry: &self.setting.retry,
            defaults: Defaults { queue_timeout_ms: 20_000_000, run_timeout_ms: 900_000 },
            jitter: 7,
            taken,
            dry: false,
        }
    }

    /// L5: rows follow each other without gaps, chained, each with the sums after it.
    fn check_rows(&mut self, records: &Records) -> Result<(), String> {
        let mut chain = self
            .store
            .ledger
            .last()
            .map_or_else(|| genesis(&self.id), |row| Chain { seq: row.seq, hash: row.hash });
        for row in &records.ledger {
            let (available, held) = row.kind.effect();
            self.explained.0 += available * row.amount.micros();
            self.explained.1 += held * row.amount.micros();
            if (row.seq, row.hash) != (chain.seq + 1, hash_row(chain.hash, row)) {
                return Err(format!("L5: row {} does not continue the chain", row.seq));
            }
            if !row.amount.is_positive() {
                return Err(format!("L5: row {} moves {}", row.seq, row.amount));
            }
            if (row.available_after.micros(), row.held_after.micros()) != self.explained {
                return Err(format!(
                    "L5: row {} says {} available and {} held after it, the rows so far {:?} millionths",
                    row.seq, row.available_after, row.held_after, self.explained
                ));
            }
            chain = Chain { seq: row.seq, hash: row.hash };
        }
        if chain != records.workspace.chain {
            return Err("L5: the workspace's chain is not that of its last row".into());
        }
        Ok(())
    }

    fn check(
        &mut self,
        before: Option<&State>,
        command: &Command,
        executed: &Executed,
        taken: &[(Claim, WorkspaceId)],
    ) -> Result<(), String> {
        let state = self.state();
        invariants::check(state).map_err(|violation| violation.to_string())?;
        let figures = (state.available(self.now()).micros(), state.held().micros());
        if figures != self.explained {
            return Err(format!("L5: available and held are {figures:?}, the rows say {:?}", self.explained));
        }
        if self.store.rebuild(&self.id).as_ref() != self.slot.as_ref() {
            return Err(format!(
                "S1: rebuilt from its rows it is another:\n{:#?}\n{:#?}",
                self.store.rebuild(&self.id),
                self.slot
            ));
        }
        self.check_refused(before, command, executed, taken)?;
        if let Some(records) = &executed.records {
            for (job, state) in &records.jobs {
                self.check_job(*job, state)?;
            }
        }
        Ok(())
    }

    /// S2: a refused command does what the time does, and nothing else.
    fn check_refused(
        &self,
        before: Option<&State>,
        command: &Command,
        executed: &Executed,
        taken: &[(Claim, WorkspaceId)],
    ) -> Result<(), String> {
        let (Some(before), Err(_)) = (before, &executed.reply) else { return Ok(()) };
        let mut idle = Some(before.clone());
        let world = World { now: before.now(self.clock), ..self.world(taken) };
        execute(&self.id, &mut idle, (&Command::Wake, &Meta::default()), &world)?;
        match idle == self.slot {
            true => Ok(()),
            false => Err(format!("S2: a refused command changed something: {command:?}")),
        }
    }

    /// J2 and L3: an end is an end, and what was held is settled or released.
    fn check_job(&mut self, job: JobId, state: &JobState) -> Result<(), String> {
        if self.ended.contains_key(&job) {
            return Err(format!("J2: job {job} changed after its end"));
        }
        if !state.status.is_final() {
            return Ok(());
        }
        self.ended.insert(job, ());
        let sum = |kind| {
            let rows = self.store.ledger.iter().rev().filter(|row| row.job == Some(job) && row.kind == kind);
            Credits::checked_sum(rows.map(|row| row.amount)).unwrap_or_default()
        };
        let (settled, released) = (sum(Kind::Settle), sum(Kind::Release));
        if settled.checked_add(released) != Some(sum(Kind::Hold)) {
            return Err(format!(
                "L3: job {job} settled {settled} and released {released} of {}",
                sum(Kind::Hold)
            ));
        }
        if (state.settled, state.released) != (settled, released) {
            return Err(format!(
                "L3: job {job} says {} and {}, its rows {settled} and {released}",
                state.settled, state.released
            ));
        }
        let landed = state.outputs.iter().any(|output| output.output.has_landed());
        match landed || settled.is_zero() {
            true => Ok(()),
            false => Err(format!("J3: job {job} landed nothing and is charged {settled}")),
        }
    }

    /// The end of the world: every deadline passes, every lease lapses, and nothing stays held.
    ///
    /// # Errors
    /// A broken promise.
    pub fn end(&mut self) -> Result<(), String> {
        self.clock = self.now().plus_ms(30_000_000_000);
        self.run(&Command::Wake)?.map_err(|refusal| format!("a wake is refused: {refusal:?}"))?;
        let leases: Vec<_> =
            self.state().jobs.values().map(|live| (live.job.spec.id, live.job.attempt)).collect();
        for (job, attempt) in leases {
            let lease = reeve_types::LeaseId { job, attempt };
            let cause = reeve_jobs::LapseCause::RunTimeout;
            let _ = self.run(&Command::Lapse(reeve_workspace::Lapse { lease, cause }))?;
        }
        if !self.state().jobs.is_empty() || !self.state().held().is_zero() {
            return Err("a job or a hold is left over at the end".into());
        }
        self.store.explain_lots()
    }
}

/// A whole life: opened, lived, ended; the number of commands.
///
/// # Errors
/// The first broken promise.
pub fn live(setting: &Setting, seed: u64, steps: &[Step]) -> Result<usize, String> {
    let mut life = Life::open(setting, seed)?;
    for step in steps {
        life.step(step)?;
    }
    life.end()?;
    Ok(life.log.len())
}

/// The shortest script found that still fails, by leaving steps out.
pub fn shrink(steps: &[Step], fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut best = steps.to_vec();
    let mut chunk = best.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < best.len() {
            let mut shorter = best.clone();
            shorter.drain(at..(at + chunk).min(best.len()));
            if fails(&shorter) {
                best = shorter;
            } else {
                at += chunk;
            }
        }
        if chunk == 1 {
            return best;
        }
        chunk = chunk.div_ceil(2);
    }
}
