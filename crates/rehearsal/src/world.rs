//! A small world in memory: workspaces, claims, catalogs, and a clock that only moves forward.
//!
//! Commands run through the pure core as an actor runs them: decided on a copy, decided again when a claim turns out
//! to be taken, and kept whole or not at all. After every command the named promises are checked, so that an example
//! that comes out by accident on broken books does not come out.

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_jobs::RetrySettings;
use reeve_types::{Credits, JobId, Millis, PurchaseId, TierName, WorkspaceId};
use reeve_workspace::{
    Book, Claim, Command, Defaults, Executed, JobIntro, JobState, Kind, Meta, OutboxRow, Promotion, Records,
    Refusal, Reply, Row, Shelf, State, TierRules, Version, execute, invariants,
};

use crate::draft::Draft;

/// How often a command is decided again because a claim was taken; each time at least one more is known.
const DECISIONS_MAX: u32 = 64;

/// Settings of jobs, which catalogs do not have: those that `config/default.toml` ships.
const DEFAULTS: Defaults = Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 900_000 };

/// Why a command did not happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    Refused(Refusal),
    /// A bug of ours: the world is not to be trusted any more.
    Bug(String),
}

/// A workspace with all that it ever wrote.
#[derive(Debug, Clone)]
pub struct Life {
    pub state: State,
    pub rows: Vec<Row>,
    pub outbox: Vec<OutboxRow>,
    pub jobs: BTreeMap<JobId, (Arc<JobIntro>, JobState)>,
}

/// The world.
#[derive(Debug)]
pub struct World {
    clock: Millis,
    newest: Draft,
    versions: Vec<Version>,
    promotions: Vec<Promotion>,
    shelf: Shelf,
    tiers: Vec<TierRules>,
    retry: RetrySettings,
    lives: BTreeMap<WorkspaceId, Life>,
    claims: BTreeMap<Claim, WorkspaceId>,
    ids_made: u64,
}

impl World {
    /// An empty world with one catalog, in force since ever.
    pub fn new(draft: Draft, clock: Millis) -> Self {
        let first = Version { catalog: draft.catalog().clone(), published_at: Millis::from_millis(i64::MIN) };
        let mut world = Self {
            clock,
            newest: draft,
            versions: vec![first],
            promotions: Vec::new(),
            shelf: Shelf::default(),
            tiers: Vec::new(),
            retry: RetrySettings::default(),
            lives: BTreeMap::new(),
            claims: BTreeMap::new(),
            ids_made: 0,
        };
        world.reshelve();
        world
    }

    /// The present instant.
    pub const fn clock(&self) -> Millis {
        self.clock
    }

    /// The newest version of the catalog.
    pub const fn newest(&self) -> &Draft {
        &self.newest
    }

    /// A workspace.
    pub fn life(&self, id: &WorkspaceId) -> Option<&Life> {
        self.lives.get(id)
    }

    /// All workspaces, in order of id.
    pub fn lives(&self) -> impl Iterator<Item = (&WorkspaceId, &Life)> {
        self.lives.iter()
    }

    /// All claims with who has them, in order.
    pub fn claims(&self) -> impl Iterator<Item = (&Claim, &WorkspaceId)> {
        self.claims.iter()
    }

    /// Marks a fact as used by somebody outside this world.
    pub fn claim(&mut self, claim: Claim, by: WorkspaceId) {
        self.claims.insert(claim, by);
    }

    /// Who has used a fact.
    pub fn claimed_by(&self, claim: &Claim) -> Option<&WorkspaceId> {
        self.claims.get(claim)
    }

    /// Publishes the next version now.
    pub fn publish(&mut self, draft: Draft) {
        self.versions.push(Version { catalog: draft.catalog().clone(), published_at: self.clock });
        self.newest = draft;
        self.reshelve();
    }

    /// Adds a promotion, or replaces the one of its id.
    pub fn promote(&mut self, promotion: Promotion) {
        self.promotions.retain(|other| other.id != promotion.id);
        self.promotions.push(promotion);
        self.reshelve();
    }

    /// Moves the clock, and folds what is due in every workspace.
    ///
    /// # Errors
    /// A step backward, or a bug of ours.
    pub fn advance(&mut self, to: Millis) -> Result<(), String> {
        if to < self.clock {
            return Err(format!("the clock stands at {} and does not go back to {to}", self.clock));
        }
        self.clock = to;
        let ids: Vec<WorkspaceId> = self.lives.keys().cloned().collect();
        for id in ids {
            match self.execute(&id, &Command::Wake) {
                Ok(_) => {}
                Err(Stop::Refused(refusal)) => return Err(format!("time itself was refused: {refusal}")),
                Err(Stop::Bug(bug)) => return Err(format!("this is a bug of ours: {bug}")),
            }
        }
        Ok(())
    }

    /// Moves the clock forward and folds nothing: each workspace folds what is due when it is next asked.
    pub fn pass(&mut self, to: Millis) {
        self.clock = self.clock.max(to);
    }

    /// Runs a command on a workspace, as its actor would.
    ///
    /// # Errors
    /// A refusal, which changes nothing but what time has done; or a bug of ours.
    pub fn execute(&mut self, id: &WorkspaceId, command: &Command) -> Result<Reply, Stop> {
        let mut taken: Vec<(Claim, WorkspaceId)> = Vec::new();
        for _ in 0..DECISIONS_MAX {
            let mut slot = self.lives.get(id).map(|life| life.state.clone());
            let now = slot.as_ref().map_or(self.clock, |state| state.now(self.clock));
            let world = reeve_workspace::World { now, taken: &taken, ..self.view() };
            let executed = execute(id, &mut slot, (command, &Meta::default()), &world).map_err(Stop::Bug)?;
            let clashes = self.clashes(id, &executed, &taken);
            if clashes.is_empty() {
                return self.keep(id, slot, executed);
            }
            taken.extend(clashes);
        }
        Err(Stop::Bug("a command was decided again and again".to_owned()))
    }

    /// What a decision may look at, now.
    pub fn view(&self) -> reeve_workspace::World<'_> {
        reeve_workspace::World {
            now: self.clock,
            shelf: &self.shelf,
            tiers: &self.tiers,
            retry: &self.retry,
            defaults: DEFAULTS,
            jitter: 0,
            taken: &[],
            dry: false,
        }
    }

    /// A new job id.
    pub fn job_id(&mut self) -> JobId {
        JobId::from_parts(self.clock, self.low_bits())
    }

    /// A new purchase id.
    pub fn purchase_id(&mut self) -> PurchaseId {
        PurchaseId::from_parts(self.clock, self.low_bits())
    }

    fn low_bits(&mut self) -> u128 {
        self.ids_made += 1;
        u128::from(self.ids_made)
    }

    /// Claims of a change that somebody has already; what the change itself gives up does not count.
    fn clashes(
        &self,
        id: &WorkspaceId,
        executed: &Executed,
        taken: &[(Claim, WorkspaceId)],
    ) -> Vec<(Claim, WorkspaceId)> {
        let freed = executed.records.as_ref().map(|records| records.unclaims.as_slice()).unwrap_or_default();
        let clash = |claim: &Claim| {
            let by = self.claims.get(claim)?;
            let gives_up = by == id && freed.contains(claim);
            let known = taken.iter().any(|(other, _)| other == claim);
            (!gives_up && !known).then(|| (claim.clone(), by.clone()))
        };
        executed.claims.iter().filter_map(clash).collect()
    }

    fn keep(&mut self, id: &WorkspaceId, slot: Option<State>, executed: Executed) -> Result<Reply, Stop> {
        let Executed { reply, records, .. } = executed;
        if let (Some(state), Some(records)) = (slot, records) {
            invariants::check(&state).map_err(|broken| Stop::Bug(broken.to_string()))?;
            self.write(id, state, *records);
        }
        reply.map_err(Stop::Refused)
    }

    fn write(&mut self, id: &WorkspaceId, state: State, records: Records) {
        for claim in &records.unclaims {
            if self.claims.get(claim) == Some(id) {
                self.claims.remove(claim);
            }
        }
        self.claims.extend(records.claims.into_iter().map(|claim| (claim, id.clone())));
        let life = self.lives.entry(id.clone()).or_insert_with(|| Life {
            state: state.clone(),
            rows: Vec::new(),
            outbox: Vec::new(),
            jobs: BTreeMap::new(),
        });
        life.state = state;
        life.rows.extend(records.ledger);
        life.outbox.extend(records.outbox);
        let mut intros: BTreeMap<JobId, Arc<JobIntro>> =
            records.admitted.into_iter().map(|intro| (intro.id, intro)).collect();
        for (job, state) in records.jobs {
            if let Some(known) = life.jobs.get_mut(&job) {
                known.1 = state;
            } else if let Some(intro) = intros.remove(&job) {
                life.jobs.insert(job, (intro, state));
            }
        }
    }

    /// The shelf and the tiers follow from the versions: a tier for each that a plan names.
    fn reshelve(&mut self) {
        let book = Book::new(self.versions.clone(), self.promotions.clone());
        self.shelf = Shelf::new(book);
        let plans = self.versions.iter().flat_map(|version| &version.catalog.plans);
        let mut names: Vec<TierName> = Vec::new();
        for plan in plans {
            if !names.contains(&plan.tier) {
                names.push(plan.tier.clone());
            }
        }
        // Catalogs are tried here, not the scheduler: only a plan's own cap binds.
        let rules = |name| TierRules { name, running_max: u32::MAX, queued_max: u64::MAX };
        self.tiers = names.into_iter().map(rules).collect();
    }
}

impl Life {
    /// What the member settled since `from`.
    pub fn settled_by(&self, member: &reeve_types::MemberId, from: Millis) -> Credits {
        let rows = self
            .rows
            .iter()
            .filter(|row| row.kind == Kind::Settle && row.at >= from && row.member.as_ref() == Some(member));
        Credits::checked_sum(rows.map(|row| row.amount)).unwrap_or(Credits::ZERO)
    }

    /// What operators gave for a job.
    pub fn adjusted_for(&self, job: JobId) -> Credits {
        let rows = self.rows.iter().filter(|row| row.kind == Kind::Grant && row.job == Some(job));
        Credits::checked_sum(rows.map(|row| row.amount)).unwrap_or(Credits::ZERO)
    }
}
