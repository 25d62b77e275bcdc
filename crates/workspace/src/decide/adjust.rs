//! An operator's correction: gives a lot, or takes from lots in the order of use. Always with a reason (KV-16).

use reeve_credits::hold::Hold;
use reeve_credits::lot::{Lot, LotClass, Terms};
use reeve_types::limits::CREDITS_MAX;
use reeve_types::{Credits, SourceName, did_you_mean};

use super::{Ctx, Decision, lot_id};
use crate::claim::Claim;
use crate::command::{Adjust, AdjustedJob};
use crate::event::Event;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, adjust: &Adjust, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let largest = Credits::whole(CREDITS_MAX).unwrap_or(Credits::ZERO);
    if adjust.amount.is_zero() || adjust.amount > largest {
        return Err(Refusal::invalid(
            "/amount",
            format!("an adjustment is not 0 and at most {CREDITS_MAX} credits"),
        ));
    }
    if adjust.reason.trim().is_empty() {
        return Err(Refusal::invalid("/reason", "an adjustment needs a reason"));
    }
    if let Some(scope) = adjust.scope.as_ref().filter(|scope| !ctx.catalog.scopes.contains_key(*scope)) {
        let known: Vec<&str> = ctx.catalog.scopes.keys().map(|name| name.as_str()).collect();
        let near = did_you_mean(scope.as_str(), known.iter().copied());
        let detail = format!("`{scope}` is not a scope of the catalog; there are {}{near}", known.join(", "));
        return Err(Refusal::invalid("/scope", detail));
    }
    if adjust.amount.is_negative() && adjust.scope.is_some() {
        return Err(Refusal::invalid(
            "/scope",
            "credits are taken in the order of use, whatever their scope",
        ));
    }
    if adjust.amount.is_negative() { take(state, adjust, ctx) } else { give(state, adjust, ctx) }
}

fn give(state: &State, adjust: &Adjust, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if adjust.expires_at.is_some_and(|at| at <= ctx.now) {
        return Err(Refusal::invalid("/expires_at", "it must lie in the future"));
    }
    if let Some(job) = adjust.job {
        // Bug 50: what is given back for a job never sums above what it was charged.
        let sum = job.adjusted.checked_add(adjust.amount);
        if sum.is_none_or(|sum| sum > job.settled) {
            let detail = format!(
                "job `{}` settled {}, {} of it is given back already",
                job.job, job.settled, job.adjusted
            );
            return Err(Refusal::Conflict { detail });
        }
        if ctx.taken_by(&claim(job)).is_some() {
            return Err(Refusal::Conflict {
                detail: format!("job `{}` was adjusted meanwhile; try again", job.job),
            });
        }
    }
    let source = SourceName::new("adjustment").map_err(|e| Refusal::Conflict { detail: e.to_string() })?;
    let lot = Lot {
        id: lot_id(&state.id, ctx.now, state.lots_made + 1),
        source,
        class: LotClass::Adjustment,
        priority: 0,
        effective_at: ctx.now,
        expires_at: adjust.expires_at,
        scope: adjust.scope.clone(),
        payment: None,
        catalog_version: ctx.catalog.version,
        granted: adjust.amount,
        terms: Terms { available: adjust.amount, ..Terms::default() },
    };
    let job = adjust.job.map(|job| job.job);
    let event = Event::Granted { lot: Box::new(lot), reason: Some(adjust.reason.clone()), job };
    let decision = Decision::about(Subject::Lots, ctx.now, vec![event]);
    Ok(Decision { claims: adjust.job.map(claim).into_iter().collect(), ..decision })
}

/// Two adjustments that saw the same sum cannot both happen: closed jobs are not in memory, so the sum
/// was read outside, and only the store can say that it was still true.
fn claim(job: AdjustedJob) -> Claim {
    Claim { scope: "adjustment".into(), key: format!("{}:{}", job.job, job.adjusted).into() }
}

fn take(state: &State, adjust: &Adjust, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let amount = Credits::ZERO.checked_sub(adjust.amount).unwrap_or(Credits::ZERO);
    let hold = Hold::choose(&state.lots, amount, (ctx.now, &ctx.catalog.order), |_| true);
    let parts = hold.map_err(|shortfall| Refusal::Conflict {
        detail: format!("only {} credits are available, {amount} cannot be taken", shortfall.available),
    })?;
    let job = adjust.job.map(|job| job.job);
    let event = Event::Taken { parts: parts.parts().to_vec(), reason: adjust.reason.clone(), job };
    Ok(Decision::about(Subject::Lots, ctx.now, vec![event]))
}
