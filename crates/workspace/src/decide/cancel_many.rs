//! Cancelling in bulk: the jobs that match, in the workspace's own order, a bounded number in one change.

use std::cmp::Reverse;

use reeve_jobs::Phase;
use reeve_types::LeaseId;

use super::{Ctx, Decision, verdict_event};
use crate::command::CancelMany;
use crate::execute::{CancelledMany, Subject};
use crate::state::{LiveJob, State};

/// The counts tell of all that match, also of those that later changes reach: a repeat of the first request is then
/// answered with the same ones.
pub(super) fn decide(state: &State, wanted: &CancelMany, ctx: &Ctx<'_>) -> Decision {
    let admitted_max = wanted.admitted_max.unwrap_or(state.admitted);
    let order = |live: &&LiveJob| (Reverse(live.job.spec.priority), live.job.spec.sequence);
    let all = state.jobs.values().map(|live| &**live);
    let mut found: Vec<&LiveJob> = all.filter(|live| matches(live, wanted, admitted_max)).collect();
    let running = found.iter().filter(|live| live.job.is_running()).count() as u64;
    let cancelled = found.len() as u64 - running;
    let count_max = wanted.count_max.max(1);
    let is_more = found.len() > count_max;
    if is_more {
        found.select_nth_unstable_by_key(count_max, order);
        found.truncate(count_max);
    }
    found.sort_unstable_by_key(order);
    let cancel = |live: &LiveJob| {
        let lease = LeaseId { job: live.job.spec.id, attempt: live.job.attempt };
        verdict_event(live, lease, live.job.on_cancel(ctx.now))
    };
    let events = found.into_iter().map(cancel).collect();
    let done = CancelledMany { cancelled, cancelling: running, admitted_max, is_more };
    Decision::about(Subject::Many(done), ctx.now, events)
}

fn matches(live: &LiveJob, wanted: &CancelMany, admitted_max: u64) -> bool {
    let phase = match live.job.phase {
        Phase::Queued { .. } => wanted.queued,
        Phase::Running(_) => wanted.running,
        Phase::Cancelling(_) => false,
    };
    let spec = &live.job.spec;
    phase
        && spec.sequence.n <= admitted_max
        && wanted.action.as_ref().is_none_or(|action| *action == spec.action)
}
