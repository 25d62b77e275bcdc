//! What a denial says: how much is missing, when the next credits come, and the ways out (KV-06).

use reeve_credits::catalog::{Allotment, ScopeName};
use reeve_credits::hold::Shortfall;
use reeve_credits::price::Quote;
use reeve_types::Credits;

use super::{Ctx, limit, purchase};
use crate::calendar::forecast::{NextCredit, next_credit};
use crate::command::Submit;
use crate::refusal::{Refusal, Remedy, WayOut};
use crate::state::State;

pub(super) fn insufficient(
    state: &State,
    quote: &Quote,
    shortfall: Shortfall,
    (submit, ctx): (&Submit, &Ctx<'_>),
) -> Refusal {
    let pays = |scope: Option<&ScopeName>| ctx.catalog.pays(scope, &submit.action);
    let next = next_credit(state, ctx, pays);
    let outs = [
        (Remedy::Wait, next.and_then(|next| wait(&next, shortfall))),
        (Remedy::Purchase, buy(state, shortfall, ctx)),
        (Remedy::Upgrade, upgrade(state, ctx)),
        (Remedy::FewerOutputs, fewer(quote, shortfall)),
    ];
    let offered = |remedy: Remedy, out: &Option<WayOut>| match remedy {
        // Waiting is a way out as soon as it is known what for, enough or not.
        Remedy::Wait => next.is_some(),
        _ => out.is_some(),
    };
    let remedies = outs.iter().filter(|(remedy, out)| offered(*remedy, out)).map(|(remedy, _)| *remedy);
    let remedies = remedies.collect();
    // From what costs nothing to what costs every month.
    let [wait, buy, upgrade, fewer] = outs.map(|(_, out)| out);
    Refusal::InsufficientCredits {
        required: quote.credits,
        available: shortfall.available,
        missing: shortfall.missing,
        next_credit_at: next.map(|next| next.at),
        next_credit_amount: next.map(|next| next.amount),
        remedies,
        cheapest: fewer.or(wait).or(buy).or(upgrade),
    }
}

/// Waiting helps when the next credits cover what is missing.
fn wait(next: &NextCredit, shortfall: Shortfall) -> Option<WayOut> {
    (next.amount >= shortfall.missing).then_some(WayOut::Wait { until: next.at })
}

/// The smallest purchase that covers what is missing and that no cap forbids.
fn buy(state: &State, shortfall: Shortfall, ctx: &Ctx<'_>) -> Option<WayOut> {
    let (name, source) = purchase::source(state, ctx)?;
    let packs = ctx.catalog.packs.iter().filter(|(_, pack)| pack.credits >= shortfall.missing);
    let pack = packs.min_by_key(|(_, pack)| pack.credits);
    let (pack, credits) = match pack {
        Some((name, pack)) => (Some(name.to_string()), pack.credits),
        // Several packs may be needed: the largest is where to start.
        None if !ctx.catalog.packs.is_empty() => {
            let (name, pack) = ctx.catalog.packs.iter().max_by_key(|(_, pack)| pack.credits)?;
            (Some(name.to_string()), pack.credits)
        }
        None => (None, shortfall.missing.max(source.min.unwrap_or(Credits::ZERO))),
    };
    limit::purchase(state, name, credits, ctx).ok()?;
    Some(WayOut::Purchase { pack, credits })
}

/// The lowest plan above the present one that comes with credits.
fn upgrade(state: &State, ctx: &Ctx<'_>) -> Option<WayOut> {
    let rank = ctx.catalog.plan(&state.profile.subscribed.plan)?.rank;
    let above = ctx.catalog.plans.iter().filter(|plan| plan.rank > rank);
    let plan = above.filter(|plan| plan.allotment != Allotment::None).min_by_key(|plan| plan.rank)?;
    Some(WayOut::Upgrade { plan: plan.name.clone() })
}

/// As many outputs as can be paid now.
fn fewer(quote: &Quote, shortfall: Shortfall) -> Option<WayOut> {
    let each = quote.credits.micros().checked_div(i64::from(quote.outputs))?;
    let outputs = u32::try_from(shortfall.available.micros().checked_div(each)?).ok()?;
    let credits = Credits::from_micros(each).checked_mul(i64::from(outputs))?;
    (outputs > 0 && outputs < quote.outputs).then_some(WayOut::FewerOutputs { outputs, credits })
}
