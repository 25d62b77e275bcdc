//! The catalog's trial: once per user, for those who never paid (KV-24).

use reeve_credits::catalog::{Amount, Subject as GrantedTo, Trigger, Until};
use reeve_credits::opening::{GrantKey, GrantSubject};
use reeve_types::Credits;

use super::{Ctx, Decision};
use crate::calendar::grants::{Mint, expires_at};
use crate::calendar::transition;
use crate::claim::Claim;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::Acting;
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let profile = &state.profile;
    let sources = &ctx.catalog.sources;
    let Some((name, source)) = sources.iter().find(|(_, source)| source.on.contains(&Trigger::TrialStarted))
    else {
        return Err(Refusal::NotAllowed { detail: format!("catalog `{}` has no trial", profile.catalog) });
    };
    let subscribed = &profile.subscribed;
    let plan = ctx.catalog.plan(&subscribed.plan);
    let applies =
        plan.is_some_and(|plan| source.condition.holds(plan, subscribed.interval, profile.identity()));
    if !applies {
        let detail = format!("plan `{}` has no trial", subscribed.plan);
        return Err(Refusal::NotAllowed { detail });
    }
    if source.condition.never_paid && profile.standing.paid_ever {
        return Err(Refusal::NotAllowed {
            detail: "this workspace has paid before; it has no trial".to_owned(),
        });
    }
    let subject = match (source.once, profile.user()) {
        (Some(GrantedTo::User), Some(user)) => GrantSubject::User(user),
        _ => GrantSubject::Workspace(&state.id),
    };
    let claim = Claim::grant(GrantKey::new(&profile.catalog, name, &subject, "once").as_str());
    if ctx.taken_by(&claim).is_some() {
        return Err(Refusal::Conflict { detail: "the trial was used before; it comes once".to_owned() });
    }
    let amount = match &source.amount {
        Amount::Fixed(amount) => *amount,
        _ => Credits::ZERO,
    };
    let until = match source.until {
        Until::Never => None,
        _ => expires_at(ctx.catalog, source, profile, ctx.now),
    };
    let mut next = profile.clone();
    next.acting = source.acts_as.clone().zip(until).map(|(plan, until)| Acting { plan, until });
    transition::set_tier(&mut next, ctx.catalog, ctx.now);
    let grant = Mint::new(state, ctx.catalog).grant((name, source), amount, (ctx.now, until), "trial");
    let events = vec![Event::Reprofiled { profile: Box::new(next), told: true }, grant];
    let decision = Decision::about(Subject::Workspace, ctx.now, events);
    Ok(Decision { claims: vec![claim], ..decision })
}
