//! What became of a term's payment (KV-26): before its boundary it waits for it, after it makes the boundary good.

use reeve_credits::catalog::Renewal;

use super::{Ctx, Decision};
use crate::calendar::renew_late;
use crate::claim::Claim;
use crate::command::Renew;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::Reported;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, renew: &Renew, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let claim = Claim::payment(&renew.payment);
    if renew.paid
        && let Some(by) = ctx.taken_by(&claim)
    {
        if *by == state.id {
            // The same payment again: it made its term good once.
            return Ok(Decision::about(Subject::Workspace, ctx.now, Vec::new()));
        }
        return Err(Refusal::PaymentUsed { payment: renew.payment.to_string(), by: by.clone() });
    }
    let profile = &state.profile;
    let plan = &profile.subscribed.plan;
    if !ctx.catalog.plan(plan).is_some_and(|plan| plan.paid) {
        return Err(Refusal::Conflict { detail: format!("plan `{plan}` is not paid for") });
    }
    if profile.standing.past_due.is_some() {
        if !renew.paid {
            return Ok(Decision::about(Subject::Workspace, ctx.now, Vec::new()));
        }
        let step = renew_late(state, ctx.now, ctx);
        let decision = Decision::about(Subject::Workspace, ctx.now, step.events);
        let claims = step.claims.into_iter().chain([claim]).collect();
        return Ok(Decision { claims, unclaims: step.unclaims, ..decision });
    }
    report(state, renew, claim, ctx)
}

/// The next boundary's payment, reported before it.
fn report(state: &State, renew: &Renew, claim: Claim, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let profile = &state.profile;
    let reported = match (&profile.standing.reported, renew.paid) {
        // The same payment again: the next term is paid once.
        (Some(Reported::Paid { payment }), true) if *payment == renew.payment => {
            return Ok(Decision::about(Subject::Workspace, ctx.now, Vec::new()));
        }
        (Some(Reported::Paid { payment }), true) => {
            let detail = format!("the next term is paid already by payment `{payment}`");
            return Err(Refusal::Conflict { detail });
        }
        // A payment that arrived is not undone by an older failure that comes late.
        (Some(Reported::Paid { .. }), false) => {
            return Ok(Decision::about(Subject::Workspace, ctx.now, Vec::new()));
        }
        (_, true) => Reported::Paid { payment: renew.payment.clone() },
        (_, false) => Reported::Failed { payment: renew.payment.clone() },
    };
    // What would change nothing is not written: an automatic catalog takes a boundary as paid by itself.
    let clears = matches!(profile.standing.reported, Some(Reported::Failed { .. }));
    let mut next = profile.clone();
    next.standing.reported =
        Some(reported).filter(|reported| needs_note(ctx.catalog.renewal, reported) || clears);
    let event = Event::Reprofiled { profile: Box::new(next), told: false };
    let decision = Decision::about(Subject::Workspace, ctx.now, vec![event]);
    Ok(Decision { claims: renew.paid.then_some(claim).into_iter().collect(), ..decision })
}

const fn needs_note(renewal: Renewal, reported: &Reported) -> bool {
    matches!(
        (renewal, reported),
        (Renewal::OnPayment, _) | (_, Reported::Failed { .. } | Reported::Paid { .. })
    )
}
