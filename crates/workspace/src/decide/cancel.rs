//! Cancel: at once while queued, with the worker's next sign of life while running. Never charged (X21).

use reeve_jobs::Phase;
use reeve_types::LeaseId;

use super::{Ctx, Decision, live, verdict_event};
use crate::command::Cancel;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, cancel: &Cancel, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, cancel.job)?;
    let lease = LeaseId { job: cancel.job, attempt: live.job.attempt };
    let events = match live.job.phase {
        // A second cancel gets the first one's answer.
        Phase::Cancelling(_) => Vec::new(),
        _ => vec![verdict_event(live, lease, live.job.on_cancel(ctx.now))],
    };
    Ok(Decision::about(Subject::Job(cancel.job), ctx.now, events))
}
