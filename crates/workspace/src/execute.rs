//! One command, start to end: fold what is due, decide, apply, gather what to write and to tell.

use std::sync::Arc;

use reeve_credits::catalog::Catalog;
use reeve_types::{JobId, LotId, Millis, PurchaseId, did_you_mean};

use crate::apply::{Applier, Broken, Gathered};
use crate::calendar::{self, notice};
use crate::claim::Claim;
use crate::command::{Command, Meta};
use crate::decide::{self, Ctx, Decision, World};
use crate::effect::Effect;
use crate::event::Dated;
use crate::profile::Profile;
use crate::purchase::PurchaseRow;
use crate::record::{JobIntro, JobState, Records, WorkspaceRow};
use crate::refusal::Refusal;
use crate::state::State;

/// The answer to a command that was not refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The workspace as it is now.
    Workspace(Box<Profile>),
    /// A job was admitted.
    Admitted(Arc<JobIntro>),
    /// A job as it stands after the command.
    Job {
        /// The job.
        id: JobId,
        /// Its values after the command.
        state: Box<JobState>,
    },
    /// A purchase and its lot.
    Purchase(Box<PurchaseRow>),
    /// Lots that appeared.
    Lots(Vec<LotId>),
    /// What a bulk cancel found.
    CancelledMany(CancelledMany),
    /// Nothing to say.
    Done,
}

/// What a bulk cancel found when it was first asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CancelledMany {
    /// Waiting jobs that match.
    pub cancelled: u64,
    /// Running ones: their workers are told.
    pub cancelling: u64,
    /// The admissions that it is about: to be sent with what follows.
    pub admitted_max: u64,
    /// Not all of them fitted into the change: to be sent again.
    pub is_more: bool,
}

/// What a command led to. `records` is absent when nothing changed.
#[derive(Debug)]
pub struct Executed {
    /// The answer, or why there is none.
    pub reply: Result<Reply, Refusal>,
    /// What is to be committed; nobody hears of anything before it is.
    pub records: Option<Box<Records>>,
    /// What is to be told once it is committed.
    pub effects: Vec<Effect>,
    /// A fact that must not be used twice in the whole store: this change is a barrier until it commits.
    pub claims: Vec<Claim>,
}

/// Executes a command on `slot`; `None` in it is a workspace that does not exist yet.
///
/// A refusal stands in [`Executed::reply`]; it changes nothing (S2) but what time itself has done.
///
/// # Errors
/// A bug of ours, in words for the log: `slot` is then not to be trusted and must be rebuilt from the store.
pub fn execute(
    id: &reeve_types::WorkspaceId,
    slot: &mut Option<State>,
    (command, meta): (&Command, &Meta),
    world: &World<'_>,
) -> Result<Executed, String> {
    let mut gathered = Gathered::default();
    let bug = |broken: Broken| broken.to_string();
    let decided = match slot.as_mut() {
        None => match open(id, command, world) {
            Ok((state, decision)) => {
                *slot = Some(state);
                Ok(decision)
            }
            Err(refusal) => Err(refusal),
        },
        Some(state) => {
            fold_due(state, &mut gathered, meta, world).map_err(bug)?;
            decide::decide(state, command, &in_force(state, world).map_err(bug)?)
        }
    };
    let Some(state) = slot.as_mut() else {
        let reply = decided.map(|_| Reply::Done);
        return Ok(Executed { reply, records: None, effects: Vec::new(), claims: Vec::new() });
    };
    let reply = match decided {
        Ok(Decision { events, claims, unclaims, subject }) => {
            gathered.claim(claims, unclaims);
            run(state, &mut gathered, meta, events).map_err(bug)?;
            Ok(reply(state, &gathered, subject))
        }
        Err(refusal) => Err(refusal),
    };
    if gathered.has_changed() {
        let ctx = in_force(state, world).map_err(bug)?;
        judge(state, &mut gathered, meta, (world.now, ctx.catalog)).map_err(bug)?;
        state.outward_at = notice::outward_at(state, ctx.catalog);
    }
    Ok(finish(state, gathered, reply))
}

/// True when the command, or what is due before it, may need a claim: it is then decided on a copy.
pub fn may_claim(state: Option<&State>, command: &Command, world: &World<'_>) -> bool {
    let Some(state) = state else { return true };
    let by_command = matches!(
        command,
        Command::Create(_)
            | Command::Import(_)
            | Command::Purchase(_)
            | Command::Refer(_)
            | Command::Adjust(_)
            | Command::Subscribe(_)
            | Command::CancelSubscription
            | Command::RefundSubscription(_)
            | Command::Renew(_)
            | Command::Billing(_)
            | Command::StartTrial
            | Command::MoveCatalog(_)
            | Command::Close
    );
    // Daily lots by user change hands at dates and with plans.
    let due = || calendar::next_at(state).is_some_and(|at| at <= world.now);
    let by_time = state.profile.cycle.day.is_some() && due();
    by_command || by_time
}

fn open(
    id: &reeve_types::WorkspaceId,
    command: &Command,
    world: &World<'_>,
) -> Result<(State, Decision), Refusal> {
    let name = match command {
        Command::Create(create) => &create.catalog,
        Command::Import(import) => &import.create.catalog,
        _ => return Err(Refusal::NoSuchWorkspace { workspace: id.clone() }),
    };
    let Some(book) = world.shelf.get(name) else {
        let names: Vec<&str> = world.shelf.iter().map(|book| book.latest().name.as_str()).collect();
        let near = did_you_mean(name.as_str(), names.iter().copied());
        let detail = format!("`{name}` is not a catalog; there are {}{near}", names.join(", "));
        return Err(Refusal::invalid("/catalog", detail));
    };
    let ctx = Ctx { world, catalog: book.latest_at(world.now) };
    match command {
        Command::Import(import) => decide::import::decide(id, import, &ctx),
        Command::Create(create) => decide::create::decide(id, create, &ctx),
        _ => Err(Refusal::NoSuchWorkspace { workspace: id.clone() }),
    }
}

/// The world with the catalog that the workspace is on.
pub(crate) fn in_force<'a>(state: &State, world: &'a World<'a>) -> Result<Ctx<'a>, Broken> {
    let Profile { catalog, catalog_version: version, .. } = &state.profile;
    let unknown = || Broken::NoCatalog { catalog: catalog.clone(), version: *version };
    Ok(Ctx { world, catalog: world.shelf.version(catalog, *version).ok_or_else(unknown)? })
}

fn run(state: &mut State, gathered: &mut Gathered, meta: &Meta, events: Vec<Dated>) -> Result<(), Broken> {
    let mut applier = Applier { state, gathered, meta };
    events.into_iter().try_for_each(|dated| applier.apply(dated))
}

/// Folds everything that is due by now, step by step; notices of an instant come after all of it.
pub(crate) fn fold_due(
    state: &mut State,
    gathered: &mut Gathered,
    meta: &Meta,
    world: &World<'_>,
) -> Result<(), Broken> {
    while fold_step(state, gathered, meta, world)? {}
    Ok(())
}

/// Folds the earliest step that is due; false when there is none.
pub(crate) fn fold_step(
    state: &mut State,
    gathered: &mut Gathered,
    meta: &Meta,
    world: &World<'_>,
) -> Result<bool, Broken> {
    if calendar::next_at(state).is_none_or(|at| at > world.now) {
        return Ok(false);
    }
    let ctx = in_force(state, world)?;
    let Some(due) = calendar::due(state, &ctx) else { return Ok(false) };
    debug_assert!(!due.events.is_empty(), "a step that does nothing would come again for ever");
    if due.events.is_empty() {
        return Ok(false);
    }
    gathered.claim(due.claims, due.unclaims);
    run(state, gathered, meta, due.events)?;
    let ctx = in_force(state, world)?;
    state.outward_at = notice::outward_at(state, ctx.catalog);
    if calendar::next_at(state).is_none_or(|next| next > due.at) {
        judge(state, gathered, meta, (due.at, ctx.catalog))?;
    }
    Ok(true)
}

fn judge(
    state: &mut State,
    gathered: &mut Gathered,
    meta: &Meta,
    (at, catalog): (Millis, &Catalog),
) -> Result<(), Broken> {
    let events = notice::judge(state, at, catalog);
    run(state, gathered, meta, events.into_iter().map(|event| Dated { at, event }).collect())
}

/// What the decision is about: names the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Workspace,
    Admission,
    Job(JobId),
    Purchase(PurchaseId),
    Lots,
    Many(CancelledMany),
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
        Subject::Purchase(id) => {
            state.purchases.get(&id).map_or(Reply::Done, |row| Reply::Purchase(Box::new(row.clone())))
        }
        Subject::Lots => Reply::Lots(gathered.touched_lots.to_vec()),
        Subject::Many(done) => Reply::CancelledMany(done),
        Subject::Nothing => Reply::Done,
    }
}

fn job_state(state: &State, gathered: &Gathered, id: JobId) -> Option<JobState> {
    let closed =
        gathered.closed_jobs.iter().find(|(closed, _)| *closed == id).map(|(_, state)| state.clone());
    closed.or_else(|| state.jobs.get(&id).map(|live| JobState::of_live(live)))
}

/// Gathers the records at their final values, and forgets what can no longer change.
fn finish(state: &mut State, gathered: Gathered, reply: Result<Reply, Refusal>) -> Executed {
    if !gathered.has_changed() {
        let Gathered { effects, claims, .. } = gathered;
        return Executed { reply, records: None, effects, claims };
    }
    let Gathered {
        profile_changed,
        tallies_changed,
        touched_lots,
        touched_jobs,
        closed_jobs,
        touched_purchases,
        touched_members,
        admitted,
        uploads,
        claims,
        unclaims,
        rows,
        outbox,
        mut effects,
    } = gathered;
    // With the room that they need: what is collected blindly gets room for four, and these are large.
    let mut lots = Vec::with_capacity(touched_lots.len());
    lots.extend(state.lots.iter().filter(|lot| touched_lots.contains(&lot.id)).cloned());
    state.retire_spent();
    let mut jobs = Vec::with_capacity(touched_jobs.len() + closed_jobs.len());
    let live = |id| state.jobs.get(id).map(|live| (*id, JobState::of_live(live)));
    jobs.extend(touched_jobs.iter().filter_map(live).chain(closed_jobs));
    let purchases = touched_purchases.iter().filter_map(|id| state.purchases.get(id).cloned()).collect();
    let members = touched_members
        .into_iter()
        .filter_map(|name| state.members.get(&name).cloned().map(|member| (name, member)))
        .collect();
    if !rows.is_empty() {
        effects.push(Effect::Balance { available: state.available(state.last_event_at), held: state.held() });
    }
    effects.push(Effect::DueAt(state.next_due_at()));
    state.version += 1;
    let records = Records {
        workspace: WorkspaceRow::of(state, (profile_changed, tallies_changed)),
        lots,
        admitted,
        jobs,
        uploads,
        purchases,
        members,
        ledger: rows,
        outbox,
        claims: claims.clone(),
        unclaims,
        answer: None,
    };
    Executed { reply, records: Some(Box::new(records)), effects, claims }
}
