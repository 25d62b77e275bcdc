//! What-if: what was bought and asked for in the past, folded under another catalog.
//!
//! A [`Past`] is what a store knows of one workspace. It is opened again as it stands now (its plan, allotment,
//! term and seats, since plan changes are not in the ledger), at the instant it was created, and its deeds happen
//! again at their own instants: purchases, corrections, referrals, and jobs with their parameters and endings. What
//! the old catalog granted by itself is not repeated: the new one grants what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_jobs::{Digest, OutputState, Reported, ReportedOutcome, Status};
use reeve_types::{Credits, JobId, LeaseId, MemberId, Millis, PurchaseId, WorkerName, WorkspaceId};
use reeve_workspace::{
    Adjust, Cancel, Command, Complete, Create, Import, ImportedLot, JobIntro, JobState, Kind, LeaseJob,
    Purchase, Refer, Refusal, Row, Submit,
};

use crate::draft::Draft;
use crate::refused::Refused;
use crate::world::{Life, Stop, World};

/// What a store knows of one workspace.
#[derive(Debug, Clone)]
pub struct Past {
    pub workspace: WorkspaceId,
    /// The workspace as it stands, as if it had been created so.
    pub opening: Create,
    /// Lots that an import brought, which take the place of the opening grants.
    pub imported: Option<Vec<ImportedLot>>,
    pub opened_at: Millis,
    /// In any order; those of one instant happen in the order given.
    pub deeds: Vec<Deed>,
    /// The last instant that is recorded: both sides are compared as of then.
    pub until: Millis,
    pub before: Sums,
}

/// Something that was done, and when.
#[derive(Debug, Clone)]
pub struct Deed {
    pub at: Millis,
    pub what: What,
}

/// What was done.
#[derive(Debug, Clone)]
pub enum What {
    Bought {
        id: PurchaseId,
        payment: Arc<str>,
        pack: Option<Arc<str>>,
        credits: Credits,
    },
    /// Negative where an operator took credits.
    Adjusted {
        amount: Credits,
        reason: Arc<str>,
        expires_at: Option<Millis>,
    },
    /// The ledger does not name the friend.
    Referred,
    Submitted(Arc<JobIntro>),
    Started(JobId),
    Ended {
        job: JobId,
        state: Box<JobState>,
    },
}

/// What a ledger adds up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub granted: Credits,
    pub charged: Credits,
    pub expired: Credits,
    pub forfeited: Credits,
    /// Jobs, purchases and corrections that were refused. Of the past only what was admitted is known: 0.
    pub denied: u64,
    pub available: Credits,
}

/// One workspace under the other catalog.
#[derive(Debug, Clone)]
pub struct Replayed {
    pub workspace: WorkspaceId,
    pub before: Sums,
    /// `None` when it cannot be opened under the other catalog; `refused` says why.
    pub after: Option<Sums>,
    /// Codes of what was refused, each with how often and the first reason.
    pub refused: BTreeMap<&'static str, (u64, String)>,
}

impl Sums {
    /// The sums of ledger rows; what is available at their end is the caller's to say.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, available: Credits) -> Self {
        let mut sums = Self { available, ..Self::default() };
        for row in rows {
            let place = match row.kind {
                Kind::Grant => &mut sums.granted,
                Kind::Settle => &mut sums.charged,
                Kind::Expire => &mut sums.expired,
                Kind::Forfeit => &mut sums.forfeited,
                _ => continue,
            };
            *place = place.checked_add(row.amount).unwrap_or(*place);
        }
        sums
    }

    /// Both together, for totals.
    pub fn plus(self, other: Self) -> Self {
        let add = |a: Credits, b: Credits| a.checked_add(b).unwrap_or(a);
        Self {
            granted: add(self.granted, other.granted),
            charged: add(self.charged, other.charged),
            expired: add(self.expired, other.expired),
            forfeited: add(self.forfeited, other.forfeited),
            denied: self.denied.saturating_add(other.denied),
            available: add(self.available, other.available),
        }
    }
}

/// Folds all pasts in one world, in order of time, so that what is once per user stays so.
///
/// # Errors
/// A bug of ours.
pub fn replay(draft: &Draft, pasts: &[Past]) -> Result<Vec<Replayed>, String> {
    let from = pasts.iter().map(|past| past.opened_at).min().unwrap_or_default();
    let mut run = Run {
        world: World::new(draft.clone(), from),
        refused: pasts.iter().map(|_| BTreeMap::new()).collect(),
        after: pasts.iter().map(|_| None).collect(),
        friends: 0,
    };
    for (at, n, event) in timeline(pasts) {
        run.world.pass(at);
        let Some(past) = pasts.get(n) else { continue };
        run.happen(n, past, event)?;
    }
    let parts = pasts.iter().zip(run.after).zip(run.refused);
    let replayed = parts.map(|((past, after), refused)| Replayed {
        workspace: past.workspace.clone(),
        before: past.before,
        after,
        refused,
    });
    Ok(replayed.collect())
}

/// What comes next in a past.
enum Next<'a> {
    Open,
    Deed(&'a What),
    /// The last recorded instant.
    Look,
}

fn timeline(pasts: &[Past]) -> Vec<(Millis, usize, Next<'_>)> {
    let mut events = Vec::new();
    for (n, past) in pasts.iter().enumerate() {
        events.push((past.opened_at, n, Next::Open));
        // What is recorded before the workspace was there, such as an imported lot, happens with it.
        let at = |at: Millis| at.max(past.opened_at);
        events.extend(past.deeds.iter().map(|deed| (at(deed.at), n, Next::Deed(&deed.what))));
        events.push((at(past.until), n, Next::Look));
    }
    // Stable: what happened at one instant keeps the order in which it was given.
    events.sort_by_key(|(at, _, _)| *at);
    events
}

struct Run {
    world: World,
    refused: Vec<BTreeMap<&'static str, (u64, String)>>,
    after: Vec<Option<Sums>>,
    friends: u64,
}

impl Run {
    fn happen(&mut self, n: usize, past: &Past, event: Next<'_>) -> Result<(), String> {
        let id = &past.workspace;
        match event {
            Next::Open => {
                let command = self.opening(past);
                self.run(n, id, &command).map(|_| ())
            }
            Next::Look => self.look(n, id),
            Next::Deed(what) => match self.world.life(id) {
                None => Ok(()),
                Some(_) => self.deed(n, id, what),
            },
        }
    }

    /// An allotment that the plan does not come with there is its smallest, as for a workspace that is moved.
    fn opening(&self, past: &Past) -> Command {
        let mut create = past.opening.clone();
        let plan = create.plan.as_ref().and_then(|plan| self.world.newest().catalog().plan(plan));
        if plan.is_some_and(|plan| plan.allotment(create.allotment).is_err()) {
            create.allotment = None;
        }
        create.catalog = self.world.newest().catalog().name.clone();
        match &past.imported {
            Some(lots) => Command::Import(Box::new(Import { create, anchor_at: None, lots: lots.clone() })),
            None => Command::Create(Box::new(create)),
        }
    }

    fn deed(&mut self, n: usize, id: &WorkspaceId, what: &What) -> Result<(), String> {
        let command = match what {
            What::Bought { id, payment, pack, credits } => {
                let known = |pack: &Arc<str>| self.world.newest().catalog().packs.contains_key(&**pack);
                let pack = pack.clone().filter(known);
                let credits = pack.is_none().then_some(*credits);
                let payment = payment.clone();
                Command::Purchase(Box::new(Purchase { id: *id, pack, credits, payment, pending: false }))
            }
            What::Adjusted { amount, reason, expires_at } => Command::Adjust(Adjust {
                amount: *amount,
                reason: reason.clone(),
                expires_at: *expires_at,
                job: None,
                scope: None,
            }),
            What::Referred => {
                self.friends += 1;
                Command::Refer(Refer { friend: format!("friend-{}", self.friends).into() })
            }
            What::Submitted(intro) => Command::Submit(Box::new(submit(intro)?)),
            What::Started(job) => match self.lease(id, *job)? {
                Some(command) => command,
                None => return Ok(()),
            },
            What::Ended { job, state } => match self.end(n, id, (*job, state))? {
                Some(command) => command,
                None => return Ok(()),
            },
        };
        self.run(n, id, &command).map(|_| ())
    }

    /// A worker takes a job that was admitted here too.
    fn lease(&self, id: &WorkspaceId, job: JobId) -> Result<Option<Command>, String> {
        let waits = self
            .world
            .life(id)
            .is_some_and(|life| life.state.jobs.get(&job).is_some_and(|live| !live.job.is_running()));
        let worker = WorkerName::new("replay").map_err(|e| e.to_string())?;
        Ok(waits.then(|| Command::Lease(LeaseJob { job, worker, session: "replay".into() })))
    }

    /// The end that the job had: what landed is charged at the new price, anything else is given back.
    fn end(
        &mut self,
        n: usize,
        id: &WorkspaceId,
        (job, state): (JobId, &JobState),
    ) -> Result<Option<Command>, String> {
        if state.status == Status::Succeeded
            && let Some(lease) = self.lease(id, job)?
        {
            self.run(n, id, &lease)?;
        }
        let live = self.world.life(id).and_then(|life| life.state.jobs.get(&job));
        let Some(live) = live else { return Ok(None) };
        if state.status != Status::Succeeded {
            if live.job.is_running() {
                let lease = LeaseId { job, attempt: live.job.attempt };
                let report = reeve_jobs::FailReport {
                    reason: "as recorded".into(),
                    retryable: false,
                    fate_unknown: false,
                };
                return Ok(Some(Command::Fail(reeve_workspace::Fail { lease, report })));
            }
            return Ok(Some(Command::Cancel(Cancel { job })));
        }
        let outputs = (0..live.quote.outputs).map(|index| reported(index, state)).collect();
        let lease = LeaseId { job, attempt: live.job.attempt };
        Ok(Some(Command::Complete(Complete { lease, outputs })))
    }

    fn look(&mut self, n: usize, id: &WorkspaceId) -> Result<(), String> {
        if self.world.life(id).is_none() {
            return Ok(());
        }
        self.run(n, id, &Command::Wake)?;
        let now = self.world.clock();
        let sums = |life: &Life| Sums::of(&life.rows, life.state.available(now));
        let denied = self.refused.get(n).map_or(0, |refused| refused.values().map(|(count, _)| count).sum());
        let after = self.world.life(id).map(|life| Sums { denied, ..sums(life) });
        if let Some(place) = self.after.get_mut(n) {
            *place = after;
        }
        Ok(())
    }

    fn run(&mut self, n: usize, id: &WorkspaceId, command: &Command) -> Result<(), String> {
        match self.world.execute(id, command) {
            Ok(_) => Ok(()),
            Err(Stop::Bug(bug)) => Err(format!("workspace `{id}`: this is a bug of ours: {bug}")),
            Err(Stop::Refused(refusal)) => {
                self.note(n, refusal);
                Ok(())
            }
        }
    }

    fn note(&mut self, n: usize, refusal: Refusal) {
        let refused = Refused::from(refusal);
        let Some(noted) = self.refused.get_mut(n) else { return };
        let (count, _) = noted.entry(refused.code).or_insert((0, refused.detail));
        *count += 1;
    }
}

fn submit(intro: &JobIntro) -> Result<Submit, String> {
    let member: Option<MemberId> = intro.member.clone();
    let unread = |error| format!("job `{}`: its parameters cannot be read: {error}", intro.id);
    let params = intro.params.read().map_err(unread)?;
    Ok(Submit {
        job: intro.id,
        action: intro.action.clone(),
        params: Arc::new(params),
        member,
        priority: intro.priority,
        not_before: None,
        queue_timeout_ms: None,
        run_timeout_ms: None,
        credits_max: None,
        metadata: None,
        webhook: None,
        retry_of: None,
    })
}

/// What became of an output; one that the old price did not have landed like the rest.
fn reported(index: u32, state: &JobState) -> Reported {
    let stored =
        state.outputs.iter().find(|output| output.output.index == index).map(|output| &output.output.state);
    let elsewhere = || Some(("replay:output".into(), Digest([0; 32]), 0));
    let outcome = match stored {
        // Stages belong to a price: those of another one share the output's end.
        Some(OutputState::Landed { units, .. }) => {
            ReportedOutcome::Landed { elsewhere: elsewhere(), units: *units, stages: Vec::new() }
        }
        Some(OutputState::Filtered { reason }) => ReportedOutcome::Filtered { reason: reason.clone() },
        Some(OutputState::Failed { reason }) => ReportedOutcome::Failed { reason: reason.clone() },
        None => ReportedOutcome::Landed { elsewhere: elsewhere(), units: None, stages: Vec::new() },
    };
    Reported { index, outcome }
}
