//! Giving a queued job to a worker, within the workspace's running cap (Q2).

use reeve_jobs::Lease;

use super::{Ctx, Decision, live, refused};
use crate::command::LeaseJob;
use crate::event::Event;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, lease: &LeaseJob, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, lease.job)?;
    let attempt = live.job.on_lease(ctx.now).map_err(refused)?;
    if state.profile.paused {
        return Err(Refusal::Conflict { detail: "the workspace is paused".to_owned() });
    }
    let cap =
        state.profile.concurrency_max.or_else(|| ctx.tier(&state.profile.tier).map(|tier| tier.running_max));
    if cap.is_some_and(|cap| state.running >= cap) {
        return Err(Refusal::Conflict { detail: format!("{} jobs run already", state.running) });
    }
    let run_ms = i64::try_from(live.job.spec.run_timeout_ms).unwrap_or(i64::MAX);
    let granted = Lease {
        attempt,
        worker: lease.worker.clone(),
        session: lease.session.clone(),
        granted_at: ctx.now,
        run_deadline_at: ctx.now.plus_ms(run_ms),
        unknown_until: None,
        uploads: Vec::new(),
    };
    let event = Event::Leased { job: lease.job, lease: Box::new(granted) };
    Ok(Decision::about(Subject::Job(lease.job), ctx.now, vec![event]))
}
