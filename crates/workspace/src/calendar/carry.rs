//! What survives a boundary (KV-18, KV-22, KV-12), with credits that are held across it (X5).

use reeve_credits::catalog::{CapOn, Carry, CarryAt, Catalog, Keep, KeepMax};
use reeve_credits::lot::{Lot, Retired};
use reeve_types::{Credits, Millis, SourceName};

use crate::broken::{self, Switch};
use crate::event::Event;
use crate::profile::{Crossing, Subscribed};
use crate::state::State;

/// What a boundary takes, and what holds that cross it may still bring back.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub events: Vec<Event>,
    pub crossings: Vec<Crossing>,
    pub total: Credits,
}

/// Judges the carry rules of a boundary at `at`. `subscribed` is what holds after it, and `granted` what each
/// source grants with it (for `cap_on = "balance"`).
pub(crate) fn carried(
    state: &State,
    (catalog, subscribed): (&Catalog, &Subscribed),
    (kind, at): (CarryAt, Millis),
    granted: impl Fn(&SourceName) -> Credits,
) -> Lost {
    let mut lost = Lost::default();
    // An ordinary renewal trims only what it also renews.
    let renews = |rule: &Carry| {
        kind != CarryAt::Renewal || rule.sources.iter().any(|source| granted(source).is_positive())
    };
    let rules = catalog.carry.iter().filter(|rule| rule.at == kind && rule.keep != Keep::All);
    for rule in rules.filter(|rule| renews(rule)) {
        let mut lots: Vec<&Lot> = state
            .lots
            .iter()
            .filter(|lot| rule.sources.contains(&lot.source) && lot.effective_at < at && !lot.is_expired(at))
            .collect();
        order_of_loss(&mut lots, rule, catalog);
        let unheld = sum(lots.iter().map(|lot| lot.terms.available));
        let grants = sum(rule.sources.iter().map(&granted));
        let cap = cap(rule, catalog, subscribed, grants);
        let kept = unheld.min(cap);
        trim(&lots, unheld.less(kept), &mut lost);
        if lots.iter().any(|lot| lot.terms.held.is_positive()) {
            let allowance = cap.less(kept);
            lost.crossings.push(Crossing { at, sources: rule.sources.clone(), allowance });
        }
    }
    lost
}

/// The source that loses first comes first; within a source, and without `trim`, the order of use (X19).
fn order_of_loss(lots: &mut [&Lot], rule: &Carry, catalog: &Catalog) {
    let place = |lot: &Lot| {
        let place = rule.trim.as_ref().and_then(|trim| trim.iter().position(|source| *source == lot.source));
        place.unwrap_or(0)
    };
    lots.sort_by(|a, b| {
        let by_use = || catalog.order.compare(&a.order_facts(), &b.order_facts());
        place(a).cmp(&place(b)).then_with(by_use)
    });
}

fn trim(lots: &[&Lot], amount: Credits, lost: &mut Lost) {
    let mut left = amount;
    for lot in lots {
        let taken = left.min(lot.terms.available);
        if taken.is_positive() {
            lost.events.push(Event::Retired {
                lot: lot.id,
                amount: taken,
                how: Retired::Forfeited,
                reason: Some("carry".into()),
            });
            left = left.less(taken);
            lost.total = lost.total.checked_add(taken).unwrap_or(lost.total);
        }
    }
}

/// The most that may be carried.
fn cap(rule: &Carry, catalog: &Catalog, subscribed: &Subscribed, grants: Credits) -> Credits {
    let most = most_of(rule, catalog, subscribed);
    match rule.cap_on {
        CapOn::Carried if broken::is(Switch::CarryAfterGrant) => most.less(grants),
        CapOn::Carried => most,
        CapOn::Balance => most.less(grants),
    }
}

/// The cap that a rule names.
pub(super) fn most_of(rule: &Carry, catalog: &Catalog, subscribed: &Subscribed) -> Credits {
    match (&rule.keep, &rule.max) {
        (Keep::Max, Some(max)) => most(*max, catalog, subscribed),
        _ => Credits::ZERO,
    }
}

fn most(max: KeepMax, catalog: &Catalog, subscribed: &Subscribed) -> Credits {
    if let Some(credits) = max.credits {
        return credits;
    }
    max.allotments.and_then(|times| times.of(allotment(catalog, subscribed))).unwrap_or(Credits::ZERO)
}

/// The allotment of a subscription over all its seats.
pub(crate) fn allotment(catalog: &Catalog, subscribed: &Subscribed) -> Credits {
    let per_seat = catalog.plan(&subscribed.plan).is_some_and(|plan| plan.per_seat);
    let seats = if per_seat { i64::from(subscribed.seats) } else { 1 };
    subscribed.allotment.and_then(|one| one.checked_mul(seats)).unwrap_or(Credits::ZERO)
}

fn sum(amounts: impl Iterator<Item = Credits>) -> Credits {
    Credits::checked_sum(amounts).unwrap_or(Credits::ZERO)
}
