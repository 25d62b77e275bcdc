//! Credits bought: a lot for a confirmed payment, once per payment in the whole store (KV-08).
//!
//! A purchase is pending, then paid or failed; whatever order the reports come in, what was paid is granted once.

use reeve_credits::catalog::{Catalog, Source, Trigger};
use reeve_types::limits::CREDITS_MAX;
use reeve_types::{Credits, PurchaseId, SourceName, did_you_mean};

use super::{Ctx, Decision, limit};
use crate::calendar::grants::{Mint, expires_at};
use crate::claim::Claim;
use crate::command::Purchase;
use crate::event::Event;
use crate::execute::Subject;
use crate::purchase::{PurchaseRow, PurchaseStatus};
use crate::refusal::Refusal;
use crate::state::State;

/// The source that purchases of this workspace come from; `None` when its plan may not buy.
pub(super) fn source<'a>(state: &State, ctx: &Ctx<'a>) -> Option<(&'a SourceName, &'a Source)> {
    let catalog: &'a Catalog = ctx.catalog;
    let subscribed = &state.profile.subscribed;
    let plan = catalog.plan(&subscribed.plan)?;
    catalog.sources.iter().find(|(_, source)| {
        source.on.contains(&Trigger::PaymentConfirmed)
            && source.condition.holds(plan, subscribed.interval, state.profile.identity())
    })
}

pub(super) fn decide(state: &State, purchase: &Purchase, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let claim = Claim::payment(&purchase.payment);
    if let Some(by) = ctx.taken_by(&claim) {
        return Err(Refusal::PaymentUsed { payment: purchase.payment.to_string(), by: by.clone() });
    }
    // Told again, a payment is recognised whatever may not be bought any more: the store's word comes too late
    // for a purchase that is refused before it is asked.
    if state.purchases.values().any(|row| row.payment == purchase.payment) {
        return Err(Refusal::PaymentUsed { payment: purchase.payment.to_string(), by: state.id.clone() });
    }
    if state.purchases.contains_key(&purchase.id) {
        // The row of the other payment would be lost, and with it the way to give it back.
        return Err(Refusal::Conflict {
            detail: format!("purchase `{}` exists with another payment", purchase.id),
        });
    }
    let credits = amount(purchase, ctx)?;
    let Some((name, source)) = source(state, ctx) else {
        let detail =
            format!("plan `{}` may not buy credits; change the plan first", state.profile.subscribed.plan);
        return Err(Refusal::NotAllowed { detail });
    };
    if let Some(min) = source.min.filter(|min| credits < *min) {
        return Err(Refusal::invalid("/credits", format!("a purchase is at least {min} credits")));
    }
    limit::purchase(state, name, credits, ctx)?;
    let row = PurchaseRow {
        id: purchase.id,
        payment: purchase.payment.clone(),
        pack: purchase.pack.clone(),
        credits,
        source: name.clone(),
        status: PurchaseStatus::Pending,
        lot: None,
        clawed_back: Credits::ZERO,
        unrecovered: Credits::ZERO,
        reversed: Credits::ZERO,
        restored: false,
        created_at: ctx.now,
        confirmed_at: None,
    };
    let events = if purchase.pending {
        vec![Event::Purchased(Box::new(row))]
    } else {
        confirmed(state, &row, (name, source), ctx)
    };
    let decision = Decision::about(Subject::Purchase(purchase.id), ctx.now, events);
    Ok(Decision { claims: vec![claim], ..decision })
}

/// The payment arrived. Confirmed twice is confirmed once; a report of failure that came first is overruled,
/// because the money is there (bug 19).
pub(super) fn confirm(state: &State, id: PurchaseId, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let row = find(state, id)?;
    let events = match row.status {
        PurchaseStatus::Pending | PurchaseStatus::Failed => {
            let source = ctx.catalog.sources.get_key_value(&row.source);
            let gone = || Refusal::Conflict {
                detail: format!("source `{}` is not in the catalog any more", row.source),
            };
            confirmed(state, row, source.ok_or_else(gone)?, ctx)
        }
        PurchaseStatus::Paid => Vec::new(),
        PurchaseStatus::Refunded | PurchaseStatus::ChargedBack => {
            let detail = format!("purchase `{id}` is {}; it cannot be paid again", row.status.as_str());
            return Err(Refusal::Conflict { detail });
        }
    };
    Ok(Decision::about(Subject::Purchase(id), ctx.now, events))
}

/// The payment failed: the purchase stops counting to the cap. What is paid does not fail.
pub(super) fn fail(state: &State, id: PurchaseId, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let row = find(state, id)?;
    let events = match row.status {
        PurchaseStatus::Pending => {
            let failed = PurchaseRow { status: PurchaseStatus::Failed, ..row.clone() };
            vec![Event::Purchased(Box::new(failed))]
        }
        PurchaseStatus::Failed => Vec::new(),
        PurchaseStatus::Paid | PurchaseStatus::Refunded | PurchaseStatus::ChargedBack => {
            let detail = format!("purchase `{id}` was paid; refund it instead");
            return Err(Refusal::Conflict { detail });
        }
    };
    Ok(Decision::about(Subject::Purchase(id), ctx.now, events))
}

pub(super) fn find(state: &State, purchase: PurchaseId) -> Result<&PurchaseRow, Refusal> {
    state.purchases.get(&purchase).ok_or(Refusal::NoSuchPurchase { purchase })
}

/// The lot of a confirmed purchase, and a promotional one beside it while a promotion runs (KV-27).
fn confirmed(
    state: &State,
    row: &PurchaseRow,
    (name, source): (&SourceName, &Source),
    ctx: &Ctx<'_>,
) -> Vec<Event> {
    let mut mint = Mint::new(state, ctx.catalog);
    let mut lots = vec![((name, source), row.credits, "purchase")];
    let promotions = ctx.world.shelf.get(&ctx.catalog.name).into_iter();
    for promotion in promotions.flat_map(|book| book.promotions_at(ctx.now)) {
        let extra = promotion.factor.of(row.credits).and_then(|all| all.checked_sub(row.credits));
        let granted = ctx.catalog.sources.get_key_value(&promotion.source);
        if let (Some(extra), Some(granted)) = (extra.filter(|extra| extra.is_positive()), granted) {
            lots.push((granted, extra, "promotion"));
        }
    }
    let mut lot = None;
    let mut events: Vec<Event> = Vec::with_capacity(lots.len() + 2);
    for ((name, source), credits, why) in lots {
        let until = expires_at(ctx.catalog, source, &state.profile, ctx.now);
        let mut event = mint.grant((name, source), credits, (ctx.now, until), why);
        if let Event::Granted { lot: granted, .. } = &mut event {
            granted.payment = Some(row.payment.clone());
            lot = lot.or(Some(granted.id));
        }
        events.push(event);
    }
    let paid = PurchaseRow { status: PurchaseStatus::Paid, lot, confirmed_at: Some(ctx.now), ..row.clone() };
    events.push(Event::Purchased(Box::new(paid)));
    if !state.profile.standing.paid_ever {
        let mut next = state.profile.clone();
        next.standing.paid_ever = true;
        events.push(Event::Reprofiled { profile: Box::new(next), told: false });
    }
    events
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
                    format!("`{pack}` is not a pack; there are {}{}", names(ctx), meant(pack, ctx)),
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

fn meant(pack: &str, ctx: &Ctx<'_>) -> String {
    did_you_mean(pack, ctx.catalog.packs.keys().map(|name| name.as_str()))
}

fn names(ctx: &Ctx<'_>) -> String {
    let names: Vec<&str> = ctx.catalog.packs.keys().map(|name| name.as_str()).collect();
    if names.is_empty() { "none, buy by `credits`".to_owned() } else { names.join(", ") }
}
