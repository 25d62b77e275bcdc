//! Payments undone: refunds in their window, chargebacks, a subscription's money back. Disputes won: `dispute`.
//!
//! What a reversal takes comes from the payment's own lots, the promotional one too (KV-27). What is used of them
//! is debt, or lost, as the catalog says (X13); what expired or was forfeited is gone already and owed by nobody.

use reeve_credits::catalog::{AdminRefund, Chargeback, Interval, Refund, UnusedScope};
use reeve_credits::lot::{Lot, LotClass, Retired};
use reeve_types::{Credits, Millis};

use super::{Ctx, Decision, dispute, purchase};
use crate::broken::{self, Switch};
use crate::calendar::cancel_now;
use crate::claim::Claim;
use crate::command::{RefundKind, RefundPurchase, RefundSubscription};
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::Profile;
use crate::purchase::{PurchaseRow, PurchaseStatus};
use crate::refusal::Refusal;
use crate::state::State;

/// What a subscription's refund would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundProposal {
    /// Months of the paid term that have not begun.
    pub unused_months: u32,
    /// Months of that term.
    pub of_months: u32,
    /// Unheld credits of the plan's lots.
    pub credits_to_retire: Credits,
    /// The first payment's window is open and nothing of it is used: all of it can go back (KF-08).
    pub in_full: bool,
}

pub(super) fn decide(state: &State, refund: &RefundPurchase, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let row = purchase::find(state, refund.purchase)?;
    let left = row.credits.checked_sub(row.reversed).unwrap_or(Credits::ZERO);
    let unchanged = || Ok(Decision::about(Subject::Purchase(row.id), ctx.now, Vec::new()));
    match row.status {
        PurchaseStatus::Refunded | PurchaseStatus::ChargedBack => return unchanged(),
        PurchaseStatus::Pending | PurchaseStatus::Failed => {
            let detail = format!("purchase `{}` is not paid", row.id);
            return Err(Refusal::Conflict { detail });
        }
        PurchaseStatus::Paid if left.is_zero() => return unchanged(),
        PurchaseStatus::Paid => {}
    }
    let credits = match refund.kind {
        RefundKind::Requested => {
            may_return(state, row, ctx)?;
            left
        }
        RefundKind::Admin if refund.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) => {
            return Err(Refusal::invalid("/reason", "a refund by an admin needs a reason"));
        }
        RefundKind::Admin | RefundKind::Chargeback => partial(refund.credits, left)?,
    };
    let events = reverse(state, row, (credits, refund), ctx);
    Ok(Decision::about(Subject::Purchase(row.id), ctx.now, events))
}

fn partial(asked: Option<Credits>, left: Credits) -> Result<Credits, Refusal> {
    let credits = asked.unwrap_or(left);
    if !credits.is_positive() || credits > left {
        let detail = format!("`{credits}` is not above 0 and at most {left}, what is left of the purchase");
        return Err(Refusal::invalid("/credits", detail));
    }
    Ok(credits)
}

/// KF-08, KF-09: inside the window, nothing used, nothing held.
fn may_return(state: &State, row: &PurchaseRow, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let rule = &ctx.catalog.refund;
    let Some(window_seconds) = rule.window_seconds else {
        let detail = "purchases of this catalog are not given back; an admin may refund with a reason";
        return Err(Refusal::RefundRefused { detail: detail.to_owned() });
    };
    let since = row.confirmed_at.unwrap_or(row.created_at);
    let until = since.plus_ms(i64::from(window_seconds).saturating_mul(1_000));
    if ctx.now > until {
        let detail = format!("the refund window ended at {until}");
        return Err(Refusal::RefundRefused { detail });
    }
    let lots = match rule.unused_scope {
        UnusedScope::Purchase => lots_of(state, row),
        UnusedScope::Account => state.lots.iter().chain(state.paid_lots.values()).collect(),
    };
    unused(&lots)
}

fn unused(lots: &[&Lot]) -> Result<(), Refusal> {
    if lots.iter().any(|lot| lot.terms.consumed.is_positive()) {
        return Err(Refusal::RefundRefused { detail: "credits of it are used".to_owned() });
    }
    if lots.iter().any(|lot| lot.terms.held.is_positive()) {
        let detail = "credits of it are held by a job; try again when the job has ended";
        return Err(Refusal::RefundRefused { detail: detail.to_owned() });
    }
    Ok(())
}

/// The lots that a payment bought.
pub(super) fn lots_of<'a>(state: &'a State, row: &PurchaseRow) -> Vec<&'a Lot> {
    let all = state.lots.iter().chain(state.paid_lots.values());
    all.filter(|lot| lot.payment.as_ref() == Some(&row.payment)).collect()
}

fn reverse(
    state: &State,
    row: &PurchaseRow,
    (credits, refund): (Credits, &RefundPurchase),
    ctx: &Ctx<'_>,
) -> Vec<Event> {
    let reason = refund.reason.clone().or_else(|| Some(word(refund.kind).into()));
    let mut events = Vec::new();
    let mut taken_of = Vec::new();
    let (mut clawed_back, mut unrecovered) = (row.clawed_back, row.unrecovered);
    let used =
        |lot: &Lot| Credits::checked_sum([lot.terms.consumed, lot.terms.held]).unwrap_or(lot.terms.consumed);
    // What an earlier, partial reversal could not take is not owed twice.
    let lots = lots_of(state, row);
    let all_used = Credits::checked_sum(lots.iter().copied().map(used));
    let mut may_owe = all_used.unwrap_or(Credits::ZERO).less(row.unrecovered);
    for lot in lots {
        // The promotional lot goes in the same proportion as the purchase's own.
        let due = share(lot.granted, credits, row.credits);
        let taken = due.min(lot.terms.available);
        if taken.is_positive() {
            let how = Retired::ClawedBack;
            events.push(Event::Retired { lot: lot.id, amount: taken, how, reason: reason.clone() });
            taken_of.push((lot.id, taken));
        }
        let missing = due.less(taken).min(used(lot)).min(may_owe);
        may_owe = may_owe.less(missing);
        let owes =
            ctx.catalog.refund.chargeback == Chargeback::Debt && !broken::is(Switch::ClawbackIgnoresDebt);
        if missing.is_positive() && owes {
            events.push(Event::Owed { lot: lot.id, amount: missing, reason: reason.clone() });
        }
        clawed_back = clawed_back.checked_add(taken).unwrap_or(clawed_back);
        unrecovered = unrecovered.checked_add(missing).unwrap_or(unrecovered);
    }
    let reversed = row.reversed.checked_add(credits).unwrap_or(row.credits);
    let status = match refund.kind {
        _ if reversed < row.credits => PurchaseStatus::Paid,
        RefundKind::Chargeback => PurchaseStatus::ChargedBack,
        RefundKind::Requested | RefundKind::Admin => PurchaseStatus::Refunded,
    };
    let after = PurchaseRow { status, clawed_back, unrecovered, reversed, ..row.clone() };
    if refund.kind == RefundKind::Chargeback {
        events.extend(dispute::put_aside(state, (row, &after), taken_of));
    }
    events.push(Event::Purchased(Box::new(after)));
    events
}

const fn word(kind: RefundKind) -> &'static str {
    match kind {
        RefundKind::Requested => "refund",
        RefundKind::Chargeback => "chargeback",
        RefundKind::Admin => "refund by an admin",
    }
}

/// `granted * part / whole`, rounded down.
fn share(granted: Credits, part: Credits, whole: Credits) -> Credits {
    let whole = i128::from(whole.micros()).max(1);
    let share = i128::from(granted.micros()) * i128::from(part.micros()) / whole;
    i64::try_from(share).map_or(Credits::ZERO, Credits::from_micros)
}

/// What a refund of the subscription would be; `None` on a plan that is not paid for.
pub(crate) fn proposal(state: &State, ctx: &Ctx<'_>) -> Option<RefundProposal> {
    let profile = &state.profile;
    if !ctx.catalog.plan(&profile.subscribed.plan)?.paid {
        return None;
    }
    let of_months: u32 = match profile.subscribed.interval {
        Interval::Month => 1,
        Interval::Year => 12,
    };
    let begun = profile.cycle.months.saturating_sub(profile.cycle.term_from).saturating_add(1);
    let in_full = is_first_unused(state, &ctx.catalog.refund, ctx.now);
    let unused_months = if in_full { of_months } else { of_months.saturating_sub(begun) };
    let lots = plan_lots(state).filter(|lot| !lot.is_expired(ctx.now));
    let credits = Credits::checked_sum(lots.map(|lot| lot.terms.available));
    let credits_to_retire = credits.unwrap_or(Credits::ZERO);
    Some(RefundProposal { unused_months, of_months, credits_to_retire, in_full })
}

fn plan_lots(state: &State) -> impl Iterator<Item = &Lot> {
    state.lots.iter().filter(|lot| matches!(lot.class, LotClass::Plan | LotClass::Addon))
}

/// A first subscription payment, unused, inside the window: counted from the plan's first lot.
fn is_first_unused(state: &State, rule: &Refund, now: Millis) -> bool {
    let Some(window_seconds) = rule.window_seconds.filter(|_| rule.first_payment) else { return false };
    let Profile { anchor_at, cycle, .. } = &state.profile;
    let lots: Vec<&Lot> = plan_lots(state).collect();
    let bought_at = lots.iter().map(|lot| lot.effective_at).min().unwrap_or(*anchor_at);
    let until = bought_at.plus_ms(i64::from(window_seconds).saturating_mul(1_000));
    now <= until && cycle.months == cycle.term_from && !lots.is_empty() && unused(&lots).is_ok()
}

/// Ends the subscription now and takes the rest of its credits: the whole first payment while it is unused
/// (KF-08), else the unused months of a year where the catalog lets an admin (KF-10).
pub(super) fn subscription(
    state: &State,
    refund: &RefundSubscription,
    ctx: &Ctx<'_>,
) -> Result<Decision, Refusal> {
    if refund.reason.trim().is_empty() {
        return Err(Refusal::invalid("/reason", "a subscription's refund needs a reason"));
    }
    let claim = Claim { scope: "subscription_refund".into(), key: refund.payment.clone() };
    if ctx.taken_by(&claim).is_some() {
        let detail = format!("payment `{}` was given back before", refund.payment);
        return Err(Refusal::Conflict { detail });
    }
    let Some(proposal) = proposal(state, ctx) else {
        let detail = format!("plan `{}` is not paid for", state.profile.subscribed.plan);
        return Err(Refusal::RefundRefused { detail });
    };
    let partly = ctx.catalog.refund.annual_partial == Some(AdminRefund::Reason)
        && state.profile.subscribed.interval == Interval::Year
        && proposal.unused_months > 0;
    if !proposal.in_full && !partly {
        let detail = "the payment is used or its window is over; cancel the subscription instead";
        return Err(Refusal::RefundRefused { detail: detail.to_owned() });
    }
    let lots = plan_lots(state).filter(|lot| lot.terms.available.is_positive() && !lot.is_expired(ctx.now));
    let mut events: Vec<Event> = lots
        .map(|lot| Event::Retired {
            lot: lot.id,
            amount: lot.terms.available,
            how: Retired::ClawedBack,
            reason: Some(refund.reason.clone()),
        })
        .collect();
    // What the cancel itself would forfeit of these lots is taken already.
    let rest = cancel_now(&without_available(state), ctx.now, ctx);
    events.extend(rest.events);
    let decision = Decision::about(Subject::Workspace, ctx.now, events);
    let claims = rest.claims.into_iter().chain([claim]).collect();
    Ok(Decision { claims, unclaims: rest.unclaims, ..decision })
}

/// The workspace as it is once its plan's lots are taken.
fn without_available(state: &State) -> State {
    let mut after = state.clone();
    for lot in after.lots.iter_mut().filter(|lot| matches!(lot.class, LotClass::Plan | LotClass::Addon)) {
        // The amount is the lot's own, so that the move always fits.
        let taken = lot.retire(lot.terms.available, Retired::ClawedBack);
        debug_assert!(taken.is_ok());
    }
    after
}
