//! Admission: priced, held and queued in one change, or refused with the way out.
//!
//! Order of checks: shape, plan, price limit, member and daily limits, credits, backlog. A request that is wrong in several ways
//! is told the first, and a denial never costs anything (X8).

use std::sync::Arc;

use reeve_credits::catalog::Action;
use reeve_credits::hold::{Hold, Shortfall};
use reeve_credits::price::{Quote, QuoteRefusal, quote};
use reeve_jobs::{Job, Sequence, Spec};
use reeve_types::{Millis, ObjectText};

use super::{Ctx, Decision, denial, limit};
use crate::command::Submit;
use crate::event::Event;
use crate::execute::Subject;
use crate::record::JobIntro;
use crate::refusal::{Finding, Refusal};
use crate::state::{LiveJob, State};

pub(super) fn decide(state: &State, submit: &Submit, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if state.jobs.contains_key(&submit.job) {
        return Err(Refusal::Conflict { detail: format!("job `{}` exists already", submit.job) });
    }
    let plan = state.profile.effective_plan(ctx.catalog, ctx.now);
    let quote = quote(ctx.catalog, plan, &submit.action, &submit.params).map_err(refuse_quote)?;
    let unknown =
        || Refusal::invalid("/action", format!("`{}` is not an action of the catalog", submit.action));
    let action = ctx.catalog.action(&submit.action).ok_or_else(unknown)?;
    if submit.credits_max.is_some_and(|max| quote.credits > max) {
        return Err(Refusal::PriceChanged { credits: quote.credits });
    }
    limit::member(state, submit.member.as_ref(), quote.credits, ctx.now)?;
    let seated = limit::seat(state, submit.member.as_ref(), quote.credits, ctx)?;
    let counted = if quote.credits.is_zero() { limit::free_job(state, ctx)? } else { None };
    let hold = hold(state, &quote, submit, ctx)?;
    let tier = ctx.tier(&state.profile.tier);
    if let Some(tier) = tier.filter(|tier| state.queued() >= tier.queued_max) {
        return Err(Refusal::QueueFull { queued: state.queued(), queued_max: tier.queued_max });
    }
    let params =
        ObjectText::of(&submit.params).map_err(|error| Refusal::invalid("/params", error.to_string()))?;
    let spec = spec(state, submit, action, &quote, ctx);
    let quote = shared(state, quote);
    let intro = intro(state, (submit, params), &spec, quote.clone());
    let job = Job::admitted(spec, submit.not_before.filter(|at| *at > ctx.now));
    let live = Box::new(LiveJob { job, quote, hold });
    let mut events = vec![Event::Admitted { live, intro: Arc::new(intro) }];
    events.extend(seated);
    events.extend(counted);
    Ok(Decision::about(Subject::Admission, ctx.now, events))
}

/// How many of the latest jobs are asked for a quote to share.
const SHARED_AMONG: usize = 4;

/// The quote of a waiting job that says the same, or this one: a backlog mostly has few prices, and one
/// quote for each of its jobs would be a fifth of the memory that it takes.
fn shared(state: &State, quote: Quote) -> Arc<Quote> {
    let latest = state.deadlines.iter().rev().take(SHARED_AMONG);
    let mut quotes = latest.filter_map(|(_, job)| state.jobs.get(job)).map(|live| &live.quote);
    quotes.find(|known| ***known == quote).cloned().unwrap_or_else(|| Arc::new(quote))
}

fn hold(state: &State, quote: &Quote, submit: &Submit, ctx: &Ctx<'_>) -> Result<Hold, Refusal> {
    let pays = |lot: &reeve_credits::lot::Lot| ctx.catalog.pays(lot.scope.as_ref(), &submit.action);
    // X13: debt is paid before anything is spent, so lots that debt has eaten cannot be held.
    if quote.credits.is_positive() && state.debt.is_positive() {
        let available = state.available(ctx.now);
        if available < quote.credits {
            let missing = quote.credits.checked_sub(available).unwrap_or(quote.credits);
            return Err(denial::insufficient(state, quote, Shortfall { available, missing }, (submit, ctx)));
        }
    }
    Hold::choose(&state.lots, quote.credits, (ctx.now, &ctx.catalog.order), pays)
        .map_err(|shortfall| denial::insufficient(state, quote, shortfall, (submit, ctx)))
}

fn spec(state: &State, submit: &Submit, action: &Action, quote: &Quote, ctx: &Ctx<'_>) -> Spec {
    let ms = |asked: Option<u64>, most: u64| asked.unwrap_or(most).min(most);
    let queue_ms =
        ms(submit.queue_timeout_ms, action.queue_timeout_ms.unwrap_or(ctx.defaults.queue_timeout_ms));
    let run_timeout_ms =
        ms(submit.run_timeout_ms, action.run_timeout_ms.unwrap_or(ctx.defaults.run_timeout_ms));
    let start: Millis = submit.not_before.map_or(ctx.now, |at| at.max(ctx.now));
    Spec {
        id: submit.job,
        action: action.name.clone(),
        pool: action.pool.clone(),
        member: submit.member.clone(),
        priority: submit.priority,
        sequence: Sequence { admitted_at: ctx.now, n: state.admitted + 1 },
        outputs: quote.outputs,
        work_ms: action.work_ms,
        queue_deadline_at: start.plus_ms(i64::try_from(queue_ms).unwrap_or(i64::MAX)),
        run_timeout_ms,
        attempts_max: action
            .attempts_max
            .map_or(ctx.retry.attempts_max, |most| u16::try_from(most).unwrap_or(u16::MAX))
            .max(1),
    }
}

fn intro(state: &State, (submit, params): (&Submit, ObjectText), spec: &Spec, quote: Arc<Quote>) -> JobIntro {
    JobIntro {
        id: spec.id,
        workspace: state.id.clone(),
        action: spec.action.clone(),
        pool: spec.pool.clone(),
        tier: state.profile.tier.clone(),
        member: spec.member.clone(),
        priority: spec.priority,
        sequence: spec.sequence,
        outputs: spec.outputs,
        work_ms: spec.work_ms,
        queue_deadline_at: spec.queue_deadline_at,
        run_timeout_ms: spec.run_timeout_ms,
        attempts_max: spec.attempts_max,
        quote,
        params,
        metadata: submit.metadata.clone(),
        webhook: submit.webhook.clone(),
        retry_of: submit.retry_of,
        created_at: spec.sequence.admitted_at,
    }
}

/// A price that cannot be made, in the words of a refusal.
pub fn refuse_quote(refusal: QuoteRefusal) -> Refusal {
    let detail = refusal.to_string();
    match refusal {
        QuoteRefusal::NotEntitled { what, plan, plans } => Refusal::NotEntitled { what, plan, plans },
        QuoteRefusal::Invalid(findings) => Refusal::Invalid {
            findings: findings
                .into_iter()
                .map(|finding| Finding { pointer: finding.pointer, detail: finding.detail })
                .collect(),
        },
        QuoteRefusal::UnknownPlan { .. } => Refusal::Conflict { detail },
        QuoteRefusal::UnknownAction { .. } => Refusal::invalid("/action", detail),
        QuoteRefusal::TooLarge { .. } => Refusal::invalid("/params", detail),
    }
}
