//! One command, start to end: fold what is due, decide, apply, gather what to write and to tell.

use std::sync::Arc;

use reeve_types::{JobId, LotId};

use crate::apply::{Applier, Broken, Gathered};
use crate::claim::Claim;
use crate::command::{Command, Meta};
use crate::decide::{self, Ctx, Decision};
use crate::effect::Effect;
use crate::event::Dated;
use crate::record::{JobIntro, JobState, PurchaseRow, Records, WorkspaceRow};
use crate::refusal::Refusal;
use crate::state::{Profile, State};

/// The answer to a command that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The workspace as it is now.
    Workspace(Box<Profile>),
    /// A job was admitted.
    Admitted(Arc<JobIntro>),
    /// A job as it stands after the command.
    Job { id: JobId, state: Box<JobState> },
    /// A purchase and its lot.
    Purchase(Box<PurchaseRow>),
    /// Lots that appeared.
    Lots(Vec<LotId>),
    /// Nothing to say.
    Done,
}

/// What a command led to. `records` is absent when nothing changed.
#[derive(Debug)]
pub struct Executed {
    pub reply: Result<Reply, Refusal>,
    pub records: Option<Box<Records>>,
    pub effects: Vec<Effect>,
    /// A fact that must not be used twice in the whole store: this change is a barrier until it commits.
    pub claims: Vec<Claim>,
}

/// Executes a command on `slot`; `None` in it is a workspace that does not exist yet.
///
/// A refusal changes nothing (S2) but what time itself has done. `Err` is a bug of ours: `slot` is
/// then not to be trusted and must be rebuilt from the store.
pub fn execute(
    id: &reeve_types::WorkspaceId,
    slot: &mut Option<State>,
    (command, meta): (&Command, &Meta),
    ctx: &Ctx<'_>,
) -> Result<Executed, String> {
    let mut gathered = Gathered::default();
    let decided = match (slot.as_mut(), command) {
        (None, Command::Create(create)) => match decide::create::decide(id, create, ctx) {
            Ok((state, decision)) => {
                *slot = Some(state);
                Ok(decision)
            }
            Err(refusal) => Err(refusal),
        },
        (None, _) => Err(Refusal::NoSuchWorkspace { workspace: id.clone() }),
        (Some(state), command) => {
            fold_due(state, &mut gathered, meta, ctx).map_err(|bug| bug.to_string())?;
            decide::decide(state, command, ctx)
        }
    };
    let Some(state) = slot.as_mut() else {
        let reply = decided.map(|_| Reply::Done);
        return Ok(Executed { reply, records: None, effects: Vec::new(), claims: Vec::new() });
    };
    let (reply, claims) = match decided {
        Ok(Decision { events, claims, subject }) => {
            run(state, &mut gathered, meta, events).map_err(|bug| bug.to_string())?;
            (Ok(reply(state, &gathered, subject)), claims)
        }
        Err(refusal) => (Err(refusal), Vec::new()),
    };
    Ok(finish(state, gathered, reply, claims))
}

fn run(state: &mut State, gathered: &mut Gathered, meta: &Meta, events: Vec<Dated>) -> Result<(), Broken> {
    let mut applier = Applier { state, gathered, meta };
    events.into_iter().try_for_each(|dated| applier.apply(dated))
}

/// Folds everything that is due by now, instant by instant.
fn fold_due(state: &mut State, gathered: &mut Gathered, meta: &Meta, ctx: &Ctx<'_>) -> Result<(), Broken> {
    loop {
        let events = decide::due(state, ctx.now);
        if events.is_empty() {
            return Ok(());
        }
        run(state, gathered, meta, events)?;
    }
}

/// What the decision is about: names the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Workspace,
    Admission,
    Job(JobId),
    Purchase,
    Lots,
    Nothing,
}

fn reply(state: &State, gathered: &Gathered, subject: Subject) -> Reply {
    match subject {
        Subject::Workspace => Reply::Workspace(Box::new(state.profile.clone())),
        Subject::Admission => {
            gathered.admitted.last().map_or(Reply::Done, |intro| Reply::Admitted(intro.clone()))
        }
        Subject::Job(id) => job_state(state, gathered, id)
            .map_or(Reply::Done, |job_state| Reply::Job { id, state: Box::new(job_state) }),
        Subject::Purchase => {
            gathered.purchases.last().map_or(Reply::Done, |row| Reply::Purchase(Box::new(row.clone())))
        }
        Subject::Lots => Reply::Lots(gathered.touched_lots.clone()),
        Subject::Nothing => Reply::Done,
    }
}

fn job_state(state: &State, gathered: &Gathered, id: JobId) -> Option<JobState> {
    let closed =
        gathered.closed_jobs.iter().find(|(closed, _)| *closed == id).map(|(_, state)| state.clone());
    closed.or_else(|| state.jobs.get(&id).map(JobState::of_live))
}

/// Gathers the records at their final values, and forgets what can no longer change.
fn finish(
    state: &mut State,
    gathered: Gathered,
    reply: Result<Reply, Refusal>,
    claims: Vec<Claim>,
) -> Executed {
    let Gathered {
        profile_changed,
        touched_lots,
        touched_jobs,
        closed_jobs,
        admitted,
        uploads,
        purchases,
        rows,
        outbox,
        mut effects,
    } = gathered;
    let nothing = !profile_changed
        && rows.is_empty()
        && touched_lots.is_empty()
        && touched_jobs.is_empty()
        && closed_jobs.is_empty()
        && uploads.is_empty()
        && purchases.is_empty();
    if nothing {
        return Executed { reply, records: None, effects, claims };
    }
    let lots = state.lots.iter().filter(|lot| touched_lots.contains(&lot.id)).cloned().collect();
    state.lots.retain(|lot| !lot.is_spent());
    let live =
        touched_jobs.iter().filter_map(|id| state.jobs.get(id).map(|live| (*id, JobState::of_live(live))));
    let jobs = live.chain(closed_jobs).collect();
    if !rows.is_empty() {
        effects.push(Effect::Balance { available: state.available(state.last_event_at), held: state.held() });
    }
    effects.push(Effect::DueAt(state.next_due_at()));
    state.version += 1;
    let records = Records {
        workspace: WorkspaceRow::of(state, profile_changed),
        lots,
        admitted,
        jobs,
        uploads,
        purchases,
        ledger: rows,
        outbox,
        claims: claims.clone(),
        answer: None,
    };
    Executed { reply, records: Some(Box::new(records)), effects, claims }
}
