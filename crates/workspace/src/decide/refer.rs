//! A friend signed up: the bonus, once per friend over all referrers (KA-04).

use reeve_credits::catalog::{Amount, Trigger};
use reeve_types::Credits;

use super::{Ctx, Decision, lot_of};
use crate::claim::Claim;
use crate::command::Refer;
use crate::event::Event;
use crate::execute::Subject;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, refer: &Refer, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let owner = state.profile.owner.as_ref();
    if owner.is_some_and(|owner| owner.user == refer.friend) {
        return Err(Refusal::NotAllowed { detail: "nobody refers themselves".to_owned() });
    }
    let claim = Claim::referral(state.profile.catalog.as_str(), &refer.friend);
    if ctx.taken_by(&claim).is_some() {
        return Err(Refusal::Conflict { detail: format!("friend `{}` was referred before", refer.friend) });
    }
    let sources = &ctx.catalog.sources;
    let Some((name, source)) =
        sources.iter().find(|(_, source)| source.on.contains(&Trigger::FriendSignedUp))
    else {
        return Err(Refusal::NotAllowed {
            detail: format!("catalog `{}` has no referrals", state.profile.catalog),
        });
    };
    let plan = ctx.catalog.plan(&state.profile.plan);
    let identity = owner.and_then(|owner| owner.identity.as_deref());
    let amount = match &source.amount {
        Amount::Fixed(amount) => *amount,
        _ => Credits::ZERO,
    };
    let applies = plan.is_some_and(|plan| source.condition.holds(plan, state.profile.interval, identity));
    if !applies || !amount.is_positive() {
        return Err(Refusal::NotAllowed {
            detail: format!("plan `{}` earns nothing by referrals", state.profile.plan),
        });
    }
    let lot = lot_of(state, ctx, (name, source), amount, None);
    let debt_paid = state.debt.min(amount);
    let event =
        Event::Granted { lot: Box::new(lot), reason: super::reason("referral"), debt_paid, job: None };
    let decision = Decision::about(Subject::Lots, ctx.now, vec![event]);
    Ok(Decision { claims: vec![claim], ..decision })
}
