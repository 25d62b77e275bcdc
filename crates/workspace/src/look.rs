//! Questions about a workspace that change nothing: each is answered as if time were folded up to now.

use reeve_credits::hold::Hold;
use reeve_credits::lot::Lot;
use reeve_credits::price::{Quote, quote};
use reeve_types::{ActionName, Credits};

use crate::calendar::forecast::state_at;
use crate::decide::refund::{RefundProposal, proposal};
use crate::decide::{Ctx, World, refuse_quote};
use crate::execute::in_force;
use crate::refusal::Refusal;
use crate::state::State;

/// A price, and what of it is missing now.
#[derive(Clone, Debug, PartialEq)]
pub struct Quoted {
    /// The price.
    pub quote: Quote,
    /// What the workspace lacks now; zero when it can pay.
    pub missing: Credits,
}

/// What a refund of the subscription would be (KF-10); `None` on a plan that is not paid for.
pub fn refund_proposal(state: &State, world: &World<'_>) -> Option<RefundProposal> {
    let now = state_at(state, world, world.now);
    proposal(&now, &in_force(&now, world).ok()?)
}

/// What a job would cost, and whether it can be paid (KV-04).
///
/// # Errors
/// A price that cannot be made.
pub fn price(
    state: &State,
    world: &World<'_>,
    (action, params): (&ActionName, &serde_json::Map<String, serde_json::Value>),
) -> Result<Quoted, Refusal> {
    let now = state_at(state, world, world.now);
    let ctx: Ctx<'_> =
        in_force(&now, world).map_err(|broken| Refusal::Conflict { detail: broken.to_string() })?;
    let plan = now.profile.effective_plan(ctx.catalog, world.now);
    let quote = quote(ctx.catalog, plan, action, params).map_err(refuse_quote)?;
    let pays = |lot: &Lot| ctx.catalog.pays(lot.scope.as_ref(), action);
    let chosen = Hold::choose(&now.lots, quote.credits, (world.now, &ctx.catalog.order), pays);
    let by_lots = chosen.map_or_else(|shortfall| shortfall.missing, |_| Credits::ZERO);
    // X13: debt is paid before anything is spent.
    let by_debt = quote.credits.checked_sub(now.available(world.now)).filter(|missing| missing.is_positive());
    let by_debt = by_debt.filter(|_| now.debt.is_positive()).unwrap_or(Credits::ZERO);
    Ok(Quoted { quote, missing: by_lots.max(by_debt) })
}
