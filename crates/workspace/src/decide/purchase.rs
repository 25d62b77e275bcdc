//! Credits bought: a lot for a confirmed payment, once per payment in the whole store (KV-08).

use reeve_credits::catalog::{Source, Trigger};
use reeve_types::limits::CREDITS_MAX;
use reeve_types::{Credits, SourceName};

use super::{Ctx, Decision, lot_of};
use crate::claim::Claim;
use crate::command::Purchase;
use crate::event::Event;
use crate::execute::Subject;
use crate::record::PurchaseRow;
use crate::refusal::Refusal;
use crate::state::State;

/// The source that purchases of this workspace come from; `None` when its plan may not buy.
pub(super) fn source<'a>(state: &State, ctx: &Ctx<'a>) -> Option<(&'a SourceName, &'a Source)> {
    let plan = ctx.catalog.plan(&state.profile.plan)?;
    let identity = state.profile.owner.as_ref().and_then(|owner| owner.identity.as_deref());
    ctx.catalog.sources.iter().find(|(_, source)| {
        source.on.contains(&Trigger::PaymentConfirmed)
            && source.condition.holds(plan, state.profile.interval, identity)
    })
}

pub(super) fn decide(state: &State, purchase: &Purchase, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let claim = Claim::payment(&purchase.payment);
    if let Some(by) = ctx.taken_by(&claim) {
        return Err(Refusal::PaymentUsed { payment: purchase.payment.to_string(), by: by.clone() });
    }
    let credits = amount(purchase, ctx)?;
    let Some((name, source)) = source(state, ctx) else {
        let detail = format!("plan `{}` may not buy credits; change the plan first", state.profile.plan);
        return Err(Refusal::NotAllowed { detail });
    };
    if let Some(min) = source.min.filter(|min| credits < *min) {
        return Err(Refusal::invalid("/credits", format!("a purchase is at least {min} credits")));
    }
    let lot = lot_of(state, ctx, (name, source), credits, Some(purchase.payment.clone()));
    let row = PurchaseRow {
        id: purchase.id,
        payment: purchase.payment.clone(),
        pack: purchase.pack.clone(),
        credits,
        status: "paid".into(),
        lot: Some(lot.id),
        created_at: ctx.now,
    };
    let debt_paid = state.debt.min(credits);
    let events = vec![
        Event::Granted { lot: Box::new(lot), reason: super::reason("purchase"), debt_paid, job: None },
        Event::Purchased(Box::new(row)),
    ];
    let decision = Decision::about(Subject::Purchase, ctx.now, events);
    Ok(Decision { claims: vec![claim], ..decision })
}

fn amount(purchase: &Purchase, ctx: &Ctx<'_>) -> Result<Credits, Refusal> {
    let packs = &ctx.catalog.packs;
    let credits = match (&purchase.pack, purchase.credits) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("/credits", "give a pack or a number of credits, not both"));
        }
        (None, None) => return Err(Refusal::invalid("/credits", "give a pack or a number of credits")),
        (None, Some(_)) if !packs.is_empty() => {
            return Err(Refusal::invalid("/pack", format!("this catalog sells packs: {}", names(ctx))));
        }
        (None, Some(credits)) => credits,
        (Some(pack), None) => match packs.get(&**pack) {
            Some(pack) => pack.credits,
            None => {
                return Err(Refusal::invalid(
                    "/pack",
                    format!("`{pack}` is not a pack; there are {}", names(ctx)),
                ));
            }
        },
    };
    let largest = Credits::whole(CREDITS_MAX).unwrap_or(Credits::ZERO);
    if !credits.is_positive() || credits > largest {
        return Err(Refusal::invalid(
            "/credits",
            format!("a purchase is above 0 and at most {CREDITS_MAX} credits"),
        ));
    }
    Ok(credits)
}

fn names(ctx: &Ctx<'_>) -> String {
    let names: Vec<&str> = ctx.catalog.packs.keys().map(|name| name.as_str()).collect();
    if names.is_empty() { "none, buy by `credits`".to_owned() } else { names.join(", ") }
}
