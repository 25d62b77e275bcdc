//! Where the boundaries of a subscription lie: months from the anchor, terms, billing periods (X18, KV-25).

use reeve_credits::calendar::{self, Period};
use reeve_credits::catalog::{Catalog, Interval};
use reeve_types::Millis;

use crate::profile::{Cycle, Day, Profile};

/// Months of a paid term.
pub(super) const fn term_months(interval: Interval) -> u32 {
    match interval {
        Interval::Month => 1,
        Interval::Year => 12,
    }
}

/// The cycle that `t` falls in, of a subscription anchored at `anchor`.
pub(crate) fn opening_cycle(anchor: Millis, interval: Interval, t: Millis, day: Option<Day>) -> Cycle {
    let month = calendar::period_at(anchor, Period::Month, t);
    let term_from = month.n - month.n % term_months(interval);
    Cycle {
        months: month.n,
        term_from,
        month_start: month.start,
        month_end: month.end,
        term_end: calendar::boundary(anchor, Period::Month, term_from.saturating_add(term_months(interval))),
        seats_granted: 0,
        day,
    }
}

/// A new cycle from `at`: the anchor moves there (KV-20).
pub(crate) fn restart(profile: &mut Profile, catalog: &Catalog, at: Millis) {
    profile.anchor_at = at;
    profile.cycle = opening_cycle(at, profile.subscribed.interval, at, profile.cycle.day);
    set_period(profile, catalog);
}

/// A new term from the present month on, with the anchor where it is.
pub(crate) fn restart_term(profile: &mut Profile, catalog: &Catalog) {
    let cycle = &mut profile.cycle;
    cycle.term_from = cycle.months;
    let end = cycle.term_from.saturating_add(term_months(profile.subscribed.interval));
    cycle.term_end = calendar::boundary(profile.anchor_at, Period::Month, end);
    set_period(profile, catalog);
}

/// One month on. The caller says whether a term starts with it.
pub(super) fn advance(profile: &mut Profile, catalog: &Catalog, starts_term: bool) {
    let cycle = &mut profile.cycle;
    cycle.months = cycle.months.saturating_add(1);
    cycle.month_start = cycle.month_end;
    cycle.month_end = calendar::boundary(profile.anchor_at, Period::Month, cycle.months.saturating_add(1));
    if starts_term {
        restart_term(profile, catalog);
    } else {
        set_period(profile, catalog);
    }
}

/// The billing period that the present month lies in.
pub(crate) fn set_period(profile: &mut Profile, catalog: &Catalog) {
    let cycle = &profile.cycle;
    (profile.period_start, profile.period_end) = match catalog.billing_period(profile.subscribed.interval) {
        Period::Month => (cycle.month_start, cycle.month_end),
        Period::Year => {
            (calendar::boundary(profile.anchor_at, Period::Month, cycle.term_from), cycle.term_end)
        }
    };
}
