//! A worker gives an attempt up: back to the queue, or closed with nothing charged (KR-02).

use super::{Ctx, Decision, live, refused, verdict_event};
use crate::command::Fail;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, fail: &Fail, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, fail.lease.job)?;
    let verdict =
        live.job.on_fail(fail.lease, &fail.report, ctx.retry, (ctx.now, ctx.jitter)).map_err(refused)?;
    let event = verdict_event(live, fail.lease, verdict);
    Ok(Decision::about(Subject::Job(fail.lease.job), ctx.now, vec![event]))
}
