//! Disputes: what payers' banks hold of a purchase, and what comes back when they decide for the platform.
//!
//! A dispute is one thing and money given back another, though both take credits of the same lots: a dispute that is
//! won undoes what it took itself. So its part is put aside wherever a purchase's row has more than it.

use reeve_credits::catalog::Chargeback;
use reeve_credits::lot::Lot;
use reeve_types::{Credits, LotId, PurchaseId};

use super::refund::lots_of;
use super::{Ctx, Decision, purchase};
use crate::calendar::grants::Mint;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::Profile;
use crate::purchase::{Disputed, PurchaseRow, PurchaseStatus};
use crate::refusal::Refusal;
use crate::state::State;

/// Puts aside what a chargeback took, unless it took all that was ever taken of the purchase: then the row says it.
pub(super) fn put_aside(
    state: &State,
    (before, after): (&PurchaseRow, &PurchaseRow),
    lots: impl IntoIterator<Item = (LotId, Credits)>,
) -> Option<Event> {
    if before.reversed.is_zero() && after.status == PurchaseStatus::ChargedBack {
        return None;
    }
    let mut profile = Box::new(state.profile.clone());
    let disputed = profile.disputes.entry(after.id).or_default();
    disputed.credits = plus(disputed.credits, after.reversed.less(before.reversed));
    disputed.unrecovered = plus(disputed.unrecovered, after.unrecovered.less(before.unrecovered));
    for (lot, taken) in lots {
        match disputed.lots.iter_mut().find(|(known, _)| *known == lot) {
            Some((_, sum)) => *sum = plus(*sum, taken),
            None => disputed.lots.push((lot, taken)),
        }
    }
    Some(Event::Reprofiled { profile, told: false })
}

/// A sum of parts of one purchase, which fits wherever the purchase does.
fn plus(a: Credits, b: Credits) -> Credits {
    a.checked_add(b).unwrap_or(a)
}

/// What disputes took of a purchase; `None` when none did.
fn disputed(state: &State, row: &PurchaseRow) -> Option<Disputed> {
    if let Some(part) = state.profile.disputes.get(&row.id) {
        return Some(part.clone());
    }
    if row.status != PurchaseStatus::ChargedBack {
        return None;
    }
    // Of a lot's clawbacks, those that paid another purchase's debt stay paid.
    let mut left = row.clawed_back;
    let part = |lot: &Lot| {
        let amount = lot.terms.clawed_back.min(left);
        left = left.less(amount);
        (lot.id, amount)
    };
    let lots = lots_of(state, row).into_iter().map(part).collect();
    Some(Disputed { credits: row.reversed, unrecovered: row.unrecovered, lots })
}

/// The dispute is undone: what it took comes back to its lots, what it made debt is forgiven, or given anew where
/// later grants have paid it. What was given back to the buyer stays given back.
pub(super) fn win(state: &State, id: PurchaseId, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let row = purchase::find(state, id)?;
    if row.restored {
        return Ok(Decision::about(Subject::Purchase(id), ctx.now, Vec::new()));
    }
    let Some(disputed) = disputed(state, row) else {
        return Err(Refusal::Conflict { detail: format!("purchase `{id}` was not charged back") });
    };
    let mut events = Vec::new();
    let mut restored = Credits::ZERO;
    for lot in lots_of(state, row) {
        let taken = disputed.lots.iter().find(|(known, _)| *known == lot.id);
        let amount = taken.map_or(Credits::ZERO, |(_, taken)| lot.terms.clawed_back.min(*taken));
        if amount.is_positive() {
            events.push(Event::Restored { lot: lot.id, amount, reason: reason() });
            restored = plus(restored, amount);
        }
    }
    events.extend(debt_undone(state, (row, disputed.unrecovered), ctx));
    if state.profile.disputes.contains_key(&id) {
        let mut next: Profile = state.profile.clone();
        next.disputes.remove(&id);
        events.push(Event::Reprofiled { profile: Box::new(next), told: false });
    }
    let after = PurchaseRow {
        status: PurchaseStatus::Paid,
        clawed_back: row.clawed_back.less(restored),
        unrecovered: row.unrecovered.less(disputed.unrecovered),
        reversed: row.reversed.less(disputed.credits),
        restored: true,
        ..row.clone()
    };
    events.push(Event::Purchased(Box::new(after)));
    Ok(Decision::about(Subject::Purchase(id), ctx.now, events))
}

/// X13: what could not be taken became debt; it is forgiven, and what of it was paid since is granted again.
fn debt_undone(
    state: &State,
    (row, unrecovered): (&PurchaseRow, Credits),
    ctx: &Ctx<'_>,
) -> impl Iterator<Item = Event> {
    let (Some(lot), Chargeback::Debt) = (row.lot, ctx.catalog.refund.chargeback) else {
        return None.into_iter().chain(None);
    };
    let forgiven = unrecovered.min(state.debt);
    let anew = unrecovered.less(forgiven);
    let debt = forgiven.is_positive().then(|| Event::Forgiven { lot, amount: forgiven, reason: reason() });
    let source = ctx.catalog.sources.get_key_value(&row.source).filter(|_| anew.is_positive());
    let grant = source
        .map(|source| Mint::new(state, ctx.catalog).grant(source, anew, (ctx.now, None), "dispute won"));
    debt.into_iter().chain(grant)
}

fn reason() -> Option<std::sync::Arc<str>> {
    Some("dispute won".into())
}
