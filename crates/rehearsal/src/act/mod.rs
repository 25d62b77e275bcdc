//! A step becomes commands: one module for each part of the API that the steps speak of.

mod job;
mod money;
mod subscription;
mod workspace;

use std::collections::BTreeMap;

use reeve_types::{Credits, JobId, Millis, WorkspaceId};
use reeve_workspace::{Command, OutboxRow, PurchaseRow, Reply, Row};

use crate::draft::Draft;
use crate::format::{Action, Advance, Given, Moment, Step};
use crate::refused::Refused;
use crate::world::{Stop, World};

/// How far the clock goes beyond the start: some catalogs grant every day, and a step to the end of time would fold
/// each of them.
const YEARS_MAX: i64 = 10;

/// A catalog with the workspaces that steps are about.
#[derive(Debug)]
pub struct Rehearsal {
    world: World,
    given: Given,
    main: WorkspaceId,
    /// Jobs by the names that steps gave them, each with whose it is; the latest under the empty name too.
    jobs: BTreeMap<String, (WorkspaceId, JobId)>,
}

/// What a step led to.
#[derive(Debug, Clone)]
pub struct Answer {
    pub workspace: WorkspaceId,
    pub outcome: Outcome,
    /// Ledger rows of the step's workspace, those that the passing of time before it wrote included.
    pub rows: Vec<Row>,
    pub outbox: Vec<OutboxRow>,
}

/// What a step answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done,
    Quoted(Quoted),
    Job(JobId),
    Purchase(Box<PurchaseRow>),
    Refused(Box<Refused>),
}

/// A price, and what of it is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Quoted {
    pub credits: Credits,
    pub outputs: u32,
    pub lines: Vec<Credits>,
    pub missing: Credits,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Admitted(intro) => Self::Job(intro.id),
            Reply::Job { id, .. } => Self::Job(id),
            Reply::Purchase(row) => Self::Purchase(row),
            Reply::Workspace(_) | Reply::Lots(_) | Reply::CancelledMany(_) | Reply::Done => Self::Done,
        }
    }
}

impl Rehearsal {
    /// The world of an example or script at its start.
    ///
    /// The given workspace is opened unless one of the steps creates it.
    ///
    /// # Errors
    /// What is given cannot be: the text says what, in the catalog's words.
    pub fn open(draft: &Draft, given: &Given, steps: &[Step]) -> Result<Self, String> {
        let draft = match &given.catalog {
            Some(overlay) => draft.with(overlay).map_err(|error| format!("given: catalog: {error}"))?,
            None => draft.clone(),
        };
        let main = match &given.workspace {
            Some(id) => id.clone(),
            None => WorkspaceId::new("example").map_err(|e| e.to_string())?,
        };
        let mut rehearsal =
            Self { world: World::new(draft, given.at.0), given: given.clone(), main, jobs: BTreeMap::new() };
        rehearsal.claim_given()?;
        let creates =
            |step: &Step| matches!(step.action, Some(Action::Create(_))) && step.workspace.is_none();
        if !steps.iter().any(creates) {
            let main = rehearsal.main.clone();
            match rehearsal.create(&main, &Default::default())? {
                Outcome::Refused(refused) => return Err(format!("given: {}", refused.detail)),
                _ => return Ok(rehearsal),
            }
        }
        Ok(rehearsal)
    }

    /// The world as it is.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The given workspace.
    pub const fn main(&self) -> &WorkspaceId {
        &self.main
    }

    /// Does one step. A refusal is an answer.
    ///
    /// # Errors
    /// A step that cannot be done as written, or a bug of ours.
    pub fn perform(&mut self, step: &Step) -> Result<Answer, String> {
        let workspace = step.workspace.clone().unwrap_or_else(|| self.main.clone());
        let before = self.written(&workspace);
        if let Some(at) = step.at {
            self.pass_to(at.0)?;
        }
        let outcome = match &step.action {
            Some(action) => self.act(&workspace, action)?,
            None => Outcome::Done,
        };
        let life = self.world.life(&workspace);
        let rows = life.map(|life| life.rows.iter().skip(before.0).cloned().collect()).unwrap_or_default();
        let outbox =
            life.map(|life| life.outbox.iter().skip(before.1).cloned().collect()).unwrap_or_default();
        Ok(Answer { workspace, outcome, rows, outbox })
    }

    fn written(&self, workspace: &WorkspaceId) -> (usize, usize) {
        self.world.life(workspace).map_or((0, 0), |life| (life.rows.len(), life.outbox.len()))
    }

    fn act(&mut self, id: &WorkspaceId, action: &Action) -> Result<Outcome, String> {
        match action {
            Action::Create(create) => self.create(id, create),
            Action::Advance(advance) => self.advance(id, *advance),
            Action::Quote(request) => self.quote(id, request),
            Action::Settle(settle) => self.settle(id, settle),
            Action::Submit(submit) => self.submit(id, submit),
            Action::Lease(job) => self.lease(job),
            Action::Complete(complete) => self.complete(complete),
            Action::Fail(fail) => self.fail(fail),
            Action::Cancel(job) => self.cancel(job),
            Action::Lapse(lapse) => self.lapse(lapse),
            Action::Purchase(purchase) => self.purchase(id, purchase),
            Action::Confirm(payment) => {
                self.about_purchase(id, payment, |purchase| Command::ConfirmPurchase { purchase })
            }
            Action::FailPurchase(payment) => {
                self.about_purchase(id, payment, |purchase| Command::FailPurchase { purchase })
            }
            Action::DisputeWon(payment) => {
                self.about_purchase(id, payment, |purchase| Command::WinDispute { purchase })
            }
            Action::Refund(refund) => self.refund(id, refund),
            Action::Subscribe(subscribe) => self.subscribe(id, subscribe),
            Action::CancelPlan(_) => self.run(id, &Command::CancelSubscription),
            Action::Resume(_) => self.run(id, &Command::ResumeSubscription),
            Action::RefundPlan(refund) => self.refund_plan(id, refund),
            Action::Renew(renew) => self.renew(id, renew),
            Action::Trial(_) => self.run(id, &Command::StartTrial),
            Action::Addon(set) => self.set_addon(id, set),
            Action::CancelAddon(addon) => self.run(id, &Command::CancelAddon { addon: addon.name.clone() }),
            Action::Refer(refer) => self.refer(id, refer),
            Action::Adjust(adjust) => self.adjust(id, adjust),
            Action::LimitMember(limit) => self.limit_member(id, limit),
            Action::Patch(patch) => self.patch(id, patch),
            Action::Promotion(promotion) => self.promotion(promotion),
            Action::Publish(overlay) => self.publish(overlay),
            Action::MoveCatalog(to) => self.move_catalog(id, to),
        }
    }

    fn run(&mut self, id: &WorkspaceId, command: &Command) -> Result<Outcome, String> {
        match self.world.execute(id, command) {
            Ok(reply) => Ok(reply.into()),
            Err(Stop::Refused(refusal)) => Ok(Outcome::Refused(Box::new(refusal.into()))),
            Err(Stop::Bug(bug)) => Err(format!("this is a bug of ours: {bug}")),
        }
    }

    fn advance(&mut self, id: &WorkspaceId, advance: Advance) -> Result<Outcome, String> {
        let to = match advance {
            Advance::By(span) => self.world.clock().plus_ms(span.ms),
            Advance::To(Moment::At(at)) => at,
            Advance::To(moment) => self.known(id, moment)?,
        };
        self.pass_to(to)?;
        Ok(Outcome::Done)
    }

    fn pass_to(&mut self, to: Millis) -> Result<(), String> {
        const YEAR_MS: i64 = 366 * 86_400_000;
        if to.since(self.given.at.0) > YEARS_MAX * YEAR_MS {
            return Err(format!("that is more than {YEARS_MAX} years after the start; examples end sooner"));
        }
        self.world.advance(to)
    }

    fn known(&self, id: &WorkspaceId, moment: Moment) -> Result<Millis, String> {
        let profile = &self.life(id)?.state.profile;
        Ok(match moment {
            Moment::At(at) => at,
            Moment::PeriodEnd => profile.period_end,
            Moment::TermEnd => profile.cycle.term_end,
        })
    }

    fn life(&self, id: &WorkspaceId) -> Result<&crate::world::Life, String> {
        self.world.life(id).ok_or_else(|| format!("there is no workspace `{id}`; `create` it first"))
    }
}
