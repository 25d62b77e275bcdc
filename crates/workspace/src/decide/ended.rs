//! The end of a workspace: closing it, erasing it, and what may still be asked of it then.
//!
//! Money that moved before can still be taken back, and what runs ends normally; nothing new begins. Neither step is
//! ever taken back, and each is answered again when it is asked for twice.

use reeve_jobs::{Closing, Status, Verdict, codes};
use reeve_types::Millis;

use super::{Ctx, Decision};
use crate::claim::Claim;
use crate::command::Command;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::{Closed, Profile};
use crate::refusal::Refusal;
use crate::state::State;

/// Refuses what would begin something in a closed workspace.
pub(super) fn admits(state: &State, command: &Command) -> Result<(), Refusal> {
    if state.profile.closed.is_none() || may_follow(command) {
        return Ok(());
    }
    Err(Refusal::Closed { workspace: state.id.clone() })
}

fn may_follow(command: &Command) -> bool {
    match command {
        // Refused for other reasons, in their own words.
        Command::Create(_) | Command::Import(_) | Command::Lease(_) => true,
        // What runs ends normally.
        Command::Upload(_) | Command::Complete(_) | Command::Fail(_) | Command::Lapse(_) => true,
        Command::Cancel(_) | Command::CancelMany(_) | Command::Wake => true,
        // Money that moved before: a bank asks nobody whether the workspace is still there.
        Command::FailPurchase { .. } | Command::RefundPurchase(_) | Command::WinDispute { .. } => true,
        Command::Adjust(adjust) => adjust.amount.is_negative(),
        Command::Billing(told) => told.may_follow_the_end(),
        Command::Close | Command::Erase | Command::FinishErase => true,
        Command::Submit(_)
        | Command::Purchase(_)
        | Command::ConfirmPurchase { .. }
        | Command::Refer(_)
        | Command::Subscribe(_)
        | Command::CancelSubscription
        | Command::ResumeSubscription
        | Command::RefundSubscription(_)
        | Command::Renew(_)
        | Command::StartTrial
        | Command::SetAddon(_)
        | Command::CancelAddon { .. }
        | Command::LimitMember(_)
        | Command::Reconfigure(_)
        | Command::MoveCatalog(_) => false,
    }
}

/// Closes it. Its waiting jobs are cancelled by the caller, a bounded number in one change; until then none of them
/// starts, because it is paused too.
pub(super) fn close(state: &State, ctx: &Ctx<'_>) -> Decision {
    if state.profile.closed.is_some() {
        return unchanged(ctx);
    }
    let mut next = state.profile.clone();
    next.closed = Some(Box::new(Closed { at: ctx.now, erasing_at: None, erased_at: None }));
    next.paused = true;
    next.scheduled = None;
    next.acting = None;
    next.standing.past_due = None;
    next.standing.reported = None;
    next.daily.clear();
    // A daily lot by user is another workspace's of theirs to have (KR-03).
    let user = state.profile.user().unwrap_or_default();
    let daily = state.profile.daily.iter();
    let unclaims =
        daily.map(|source| Claim::daily(state.profile.catalog.as_str(), source.as_str(), user)).collect();
    Decision { unclaims, ..changed(next, true, ctx) }
}

/// Takes away what the workspace itself says of people; its ledger and its figures stay.
pub(super) fn erase(state: &State, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let closed = closed(state, "erased")?;
    if closed.erasing_at.is_some() {
        return Ok(unchanged(ctx));
    }
    if !state.jobs.is_empty() {
        let detail =
            format!("{} jobs are not final yet; wait for their end, or cancel them", state.jobs.len());
        return Err(Refusal::Conflict { detail });
    }
    let mut next = state.profile.clone();
    next.closed = Some(Box::new(Closed { erasing_at: Some(ctx.now), ..closed }));
    next.name = None;
    next.owner = None;
    next.metadata = None;
    // The payment provider's customers lead here no more. Refunds and disputes are found by their payments.
    let billing = next.billing.take();
    let customers = billing.iter().flat_map(|billing| &billing.customers);
    let unclaims = customers.map(|customer| Claim::customer(customer)).collect();
    Ok(Decision { unclaims, ..changed(next, false, ctx) })
}

/// Notes that all of it is gone.
pub(super) fn finish_erase(state: &State, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let closed = closed(state, "erased")?;
    if closed.erased_at.is_some() {
        return Ok(unchanged(ctx));
    }
    if closed.erasing_at.is_none() {
        return Err(Refusal::Conflict { detail: "nobody asked for it to be erased".to_owned() });
    }
    let mut next = state.profile.clone();
    next.closed = Some(Box::new(Closed { erased_at: Some(ctx.now), ..closed }));
    Ok(changed(next, false, ctx))
}

/// In a closed workspace no attempt follows a lost one: what would wait again ends as cancelled, charge 0.
pub(super) fn without_return(state: &State, verdict: Verdict, now: Millis) -> Verdict {
    match verdict {
        Verdict::Requeue(_) if state.profile.closed.is_some() => {
            let why = "the workspace was closed";
            Verdict::Close(Closing::without_outputs(Status::Cancelled, now, None, codes::CANCELLED, why))
        }
        other => other,
    }
}

fn closed(state: &State, to_be: &str) -> Result<Closed, Refusal> {
    state.profile.closed.as_deref().copied().ok_or_else(|| {
        let detail = format!("workspace `{}` is open; close it before it is {to_be}", state.id);
        Refusal::Conflict { detail }
    })
}

fn unchanged(ctx: &Ctx<'_>) -> Decision {
    Decision::about(Subject::Workspace, ctx.now, Vec::new())
}

fn changed(next: Profile, told: bool, ctx: &Ctx<'_>) -> Decision {
    let event = Event::Reprofiled { profile: Box::new(next), told };
    Decision::about(Subject::Workspace, ctx.now, vec![event])
}
