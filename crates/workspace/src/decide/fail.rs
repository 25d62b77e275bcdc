//! A worker gives an attempt up: back to the queue, or closed with nothing charged (KR-02).

use super::{Ctx, Decision, ended, live, refused, verdict_event};
use crate::command::Fail;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, fail: &Fail, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, fail.lease.job)?;
    // X11: how long a fate may stay unknown is the product's rule.
    let unknown_ms_max = u64::from(ctx.catalog.charge.unknown_deadline_seconds).saturating_mul(1_000);
    let retry = reeve_jobs::RetrySettings { unknown_ms_max, ..*ctx.retry };
    let verdict =
        live.job.on_fail(fail.lease, &fail.report, &retry, (ctx.now, ctx.jitter)).map_err(refused)?;
    let verdict = ended::without_return(state, verdict, ctx.now);
    let event = verdict_event(live, fail.lease, verdict);
    Ok(Decision::about(Subject::Job(fail.lease.job), ctx.now, vec![event]))
}
