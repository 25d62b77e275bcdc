//! A lease that ended in silence: the attempt is lost, the hold stays with the job (KR-11).

use super::{Ctx, Decision, ended, live, refused, verdict_event};
use crate::command::Lapse;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, lapse: &Lapse, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, lapse.lease.job)?;
    let verdict =
        live.job.on_lapse(lapse.lease, lapse.cause, ctx.retry, (ctx.now, ctx.jitter)).map_err(refused)?;
    let verdict = ended::without_return(state, verdict, ctx.now);
    let event = verdict_event(live, lapse.lease, verdict);
    Ok(Decision::about(Subject::Job(lapse.lease.job), ctx.now, vec![event]))
}
