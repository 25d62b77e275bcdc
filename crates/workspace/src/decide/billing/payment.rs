//! Payments as their provider tells of them: terms, purchases, money given back, disputes.
//!
//! The provider's id of the payment is the reference here, so whatever comes twice or late finds what it did before.

use std::sync::Arc;

use reeve_types::{Credits, PurchaseId};

use super::super::{Ctx, dispute, purchase, refund, renew};
use super::Story;
use crate::billing::{BillingEvent, InvoiceTold, Life};
use crate::command::{Purchase, RefundKind, RefundPurchase, Renew};
use crate::event::Event;
use crate::profile::Reported;
use crate::purchase::{PurchaseRow, PurchaseStatus};
use crate::refusal::Refusal;
use crate::state::State;

/// KV-26: the payment of the next term is noted for its boundary; of a term that is past due it makes the boundary good.
/// A term that has begun was granted for already, and needs nothing.
pub(super) fn invoice(story: &mut Story, told: &InvoiceTold, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let not_yet = |detail: String| Err(Refusal::NotYet { detail });
    let Some(followed) = story.memory.subscriptions.get(&told.subscription) else {
        return not_yet(format!("subscription `{}` is not told yet", told.subscription));
    };
    let profile = &story.state.profile;
    if followed.plan.is_none() || followed.stand.life == Life::Ended || profile.closed.is_some() {
        return Ok(());
    }
    let plan = &profile.subscribed.plan;
    if !ctx.catalog.plan(plan).is_some_and(|plan| plan.paid) {
        return not_yet(format!("plan `{plan}` is not paid for; its subscription is not in force yet"));
    }
    let to_come = told.term_from.since(profile.period_start) > profile.cycle.term_end.since(told.term_from);
    let wanted = match (&profile.standing.past_due, &profile.standing.reported) {
        (Some(_), _) => told.paid,
        (None, Some(Reported::Paid { .. })) => false,
        (None, _) => to_come,
    };
    if wanted {
        let decision =
            renew::decide(&story.state, &Renew { payment: told.payment.clone(), paid: told.paid }, ctx)?;
        story.add(decision);
    }
    Ok(())
}

pub(super) fn bought(story: &mut Story, wanted: &Purchase, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let known = of_payment(&story.state, &wanted.payment).map(|row| (row.id, row.status));
    let decision = match known {
        None => purchase::decide(&story.state, wanted, ctx)?,
        Some((id, PurchaseStatus::Pending | PurchaseStatus::Failed)) if !wanted.pending => {
            purchase::confirm(&story.state, id, ctx)?
        }
        Some(_) => return Ok(()),
    };
    story.add(decision);
    Ok(())
}

pub(super) fn failed(story: &mut Story, payment: &Arc<str>, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let row = found(&story.state, payment)?;
    if row.status == PurchaseStatus::Pending {
        let decision = purchase::fail(&story.state, row.id, ctx)?;
        story.add(decision);
    }
    Ok(())
}

/// The credits follow the money: the same share of the purchase, whatever was given back in how many steps.
pub(super) fn refunded(
    story: &mut Story,
    (event, payment): (&BillingEvent, &Arc<str>),
    (given_back, of): (u64, u64),
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let row = found(&story.state, payment)?;
    let due = share(row.credits, given_back, of);
    let (id, status, more) = (row.id, row.status, due.less(row.reversed));
    match status {
        PurchaseStatus::Pending | PurchaseStatus::Failed => Err(unpaid(payment)),
        PurchaseStatus::Paid if more.is_positive() => give_back(story, event, (id, more), ctx),
        PurchaseStatus::ChargedBack => {
            // All of it is taken now. What the buyer was given stays given when the bank decides for the platform.
            let before = story.memory.given_back.entry(payment.clone()).or_insert(Credits::ZERO);
            *before = due.max(*before);
            Ok(())
        }
        PurchaseStatus::Paid | PurchaseStatus::Refunded => Ok(()),
    }
}

fn give_back(
    story: &mut Story,
    event: &BillingEvent,
    (purchase, credits): (PurchaseId, Credits),
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let reason = Some(format!("refunded by the payment provider, event {}", event.event).into());
    let wanted = RefundPurchase { purchase, kind: RefundKind::Admin, reason, credits: Some(credits) };
    let decision = refund::decide(&story.state, &wanted, ctx)?;
    story.add(decision);
    Ok(())
}

/// A payment is charged back once: after a dispute that was won, another message about it is an echo.
pub(super) fn disputed(
    story: &mut Story,
    (event, payment): (&BillingEvent, &Arc<str>),
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let row = found(&story.state, payment)?;
    match row.status {
        PurchaseStatus::Pending | PurchaseStatus::Failed => return Err(unpaid(payment)),
        PurchaseStatus::Paid if !row.restored => {}
        PurchaseStatus::Paid | PurchaseStatus::Refunded | PurchaseStatus::ChargedBack => return Ok(()),
    }
    let reason = Some(format!("disputed, event {}", event.event).into());
    let wanted = RefundPurchase { purchase: row.id, kind: RefundKind::Chargeback, reason, credits: None };
    let decision = refund::decide(&story.state, &wanted, ctx)?;
    story.add(decision);
    Ok(())
}

pub(super) fn dispute_won(
    story: &mut Story,
    (event, payment): (&BillingEvent, &Arc<str>),
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    let row = found(&story.state, payment)?;
    let id = row.id;
    match row.status {
        PurchaseStatus::Pending | PurchaseStatus::Failed => return Err(unpaid(payment)),
        PurchaseStatus::Refunded => return Ok(()),
        PurchaseStatus::Paid if row.restored => return Ok(()),
        PurchaseStatus::Paid if event.late => {
            // The dispute itself was never told: it is marked as over, so that it changes nothing if it still comes.
            let over = PurchaseRow { restored: true, ..row.clone() };
            story.add_events(ctx.now, vec![Event::Purchased(Box::new(over))]);
            return Ok(());
        }
        PurchaseStatus::Paid => {
            let detail = format!("a dispute about payment `{payment}` is not told yet");
            return Err(Refusal::NotYet { detail });
        }
        PurchaseStatus::ChargedBack => {}
    }
    let decision = dispute::win(&story.state, id, ctx)?;
    story.add(decision);
    // What was given back before the dispute is taken still; what the provider told of since then is taken now.
    let due = story.memory.given_back.remove(payment).unwrap_or(Credits::ZERO);
    let more = due.less(found(&story.state, payment)?.reversed);
    if more.is_positive() { give_back(story, event, (id, more), ctx) } else { Ok(()) }
}

fn of_payment<'a>(state: &'a State, payment: &str) -> Option<&'a PurchaseRow> {
    state.purchases.values().find(|row| &*row.payment == payment)
}

fn found<'a>(state: &'a State, payment: &str) -> Result<&'a PurchaseRow, Refusal> {
    let unknown = || Refusal::NotYet { detail: format!("payment `{payment}` is not told yet") };
    of_payment(state, payment).ok_or_else(unknown)
}

fn unpaid(payment: &str) -> Refusal {
    Refusal::NotYet { detail: format!("payment `{payment}` is not told as paid yet") }
}

/// The share of a purchase, rounded down; all of it when all the money went back.
fn share(credits: Credits, given_back: u64, of: u64) -> Credits {
    if given_back >= of {
        return credits;
    }
    let share = i128::from(credits.micros()) * i128::from(given_back) / i128::from(of.max(1));
    i64::try_from(share).map_or(credits, Credits::from_micros)
}
