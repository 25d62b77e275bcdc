//! The close that may charge: each landed output settles once, the rest of the hold goes back (KV-15).

use reeve_credits::catalog::{Outcome, StageName};
use reeve_credits::price::{OutputResult, StageOutcome, Units};
use reeve_jobs::{Output, OutputState};
use reeve_types::Credits;

use super::{Ctx, Decision, close_settling, live, refused};
use crate::command::Complete;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::{LiveJob, State};

pub(super) fn decide(state: &State, complete: &Complete, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let live = live(state, complete.lease.job)?;
    let closing = live.job.on_complete(complete.lease, &complete.outputs, ctx.now).map_err(refused)?;
    let mut settles = Vec::new();
    for output in &closing.outputs {
        if let Some(credits) = settle(live, output)? {
            settles.push((output.index, credits));
        }
    }
    let event = close_settling(live, closing, within_hold(live, settles));
    Ok(Decision::about(Subject::Job(complete.lease.job), ctx.now, vec![event]))
}

/// What a landed output costs under the frozen quote (X6); `None` for one that did not land.
fn settle(live: &LiveJob, output: &Output) -> Result<Option<Credits>, Refusal> {
    let OutputState::Landed { units, stages, .. } = &output.state else { return Ok(None) };
    let pointer = format!("/outputs/{}", output.index);
    let invalid = |detail: String| Refusal::invalid(&pointer, detail);
    let outcome = |landed: bool| if landed { Outcome::Success } else { Outcome::Failed };
    let stage = |(name, landed): &(std::sync::Arc<str>, bool)| {
        StageName::new(name).map(|name| StageOutcome { name, outcome: outcome(*landed) })
    };
    let result = OutputResult {
        outcome: Outcome::Success,
        delivered: units
            .map(|units| Units::from_decimal(&units.to_string()))
            .transpose()
            .map_err(|e| invalid(e.to_string()))?,
        stages: stages.iter().map(stage).collect::<Result<_, _>>().map_err(|e| invalid(e.to_string()))?,
    };
    live.quote.per_output.settle(&result).map(Some).map_err(|e| invalid(e.to_string()))
}

/// X7: a settle never exceeds the hold; what was delivered beyond it the platform absorbs.
fn within_hold(live: &LiveJob, settles: Vec<(u32, Credits)>) -> Vec<(u32, Credits)> {
    let mut left = live.hold.total();
    settles
        .into_iter()
        .map(|(output, credits)| {
            let settled = credits.min(left);
            left = left.checked_sub(settled).unwrap_or(Credits::ZERO);
            (output, settled)
        })
        .collect()
}
