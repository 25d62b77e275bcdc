//! A friend signed up: the bonus, once per friend over all referrers (KA-04).

use reeve_credits::catalog::{Amount, Trigger};
use reeve_types::Credits;

use super::{Ctx, Decision};
use crate::calendar::grants::{Mint, expires_at};
use crate::claim::Claim;
use crate::command::Refer;
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
    let subscribed = &state.profile.subscribed;
    let plan = ctx.catalog.plan(&subscribed.plan);
    let identity = state.profile.identity();
    let amount = match &source.amount {
        Amount::Fixed(amount) => *amount,
        _ => Credits::ZERO,
    };
    let applies = plan.is_some_and(|plan| source.condition.holds(plan, subscribed.interval, identity));
    if !applies || !amount.is_positive() {
        // It earns nothing, and is on record as having happened now: an upgrade later does not earn it.
        let decision = Decision::about(Subject::Lots, ctx.now, Vec::new());
        return Ok(Decision { claims: vec![claim], ..decision });
    }
    let until = expires_at(ctx.catalog, source, &state.profile, ctx.now);
    let mut mint = Mint::new(state, ctx.catalog);
    let event = mint.grant((name, source), amount, (ctx.now, until), "referral");
    let decision = Decision::about(Subject::Lots, ctx.now, vec![event]);
    Ok(Decision { claims: vec![claim], ..decision })
}
