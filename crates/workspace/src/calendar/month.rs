//! The monthly boundary: carry, a change that was scheduled, a term that must be paid, the period's grants.

use reeve_credits::catalog::{CarryAt, Catalog, Interval, Renewal};
use reeve_types::{Credits, Millis};

use super::grants::{Starts, period_amount, units};
use super::transition::{self, Transition};
use super::{Lost, Step, carried, cycle};
use crate::decide::Ctx;
use crate::event::Event;
use crate::profile::{PastDue, Profile, Reported, ScheduledChange, Subscribed};
use crate::state::State;

/// Milliseconds of a day of grace.
const DAY_MS: i64 = 86_400_000;

/// The monthly boundary at `at`.
pub(super) fn boundary(state: &State, at: Millis, ctx: &Ctx<'_>) -> Step {
    let profile = &state.profile;
    let ends_term = ends_term(profile);
    if ends_term && !is_paid(profile, ctx.catalog) {
        return unpaid(state, at, ctx.catalog);
    }
    if profile.standing.past_due.is_some() {
        // KV-26: nothing is granted or trimmed until the term is paid; months only pass.
        let mut next = profile.clone();
        cycle::advance(&mut next, ctx.catalog, ends_term);
        return Step { events: vec![reprofiled(next, false)], ..Step::default() };
    }
    renew(state, at, ends_term, ctx)
}

/// True when the boundary at the end of this month is the end of the paid term too.
fn ends_term(profile: &Profile) -> bool {
    profile.cycle.month_end >= profile.cycle.term_end
}

/// A boundary of a paid term counts as paid by itself, or by its payment (KV-26). Leaving needs no payment.
fn is_paid(profile: &Profile, catalog: &Catalog) -> bool {
    let paid_plan = catalog.plan(&profile.subscribed.plan).is_some_and(|plan| plan.paid);
    let leaves = matches!(&profile.scheduled, Some(scheduled)
        if scheduled.at <= profile.cycle.month_end && leads_to_free(&scheduled.change, catalog));
    if !paid_plan || leaves || profile.standing.past_due.is_some() {
        return true;
    }
    match (catalog.renewal, &profile.standing.reported) {
        (_, Some(Reported::Paid { .. })) => true,
        (_, Some(Reported::Failed { .. })) => false,
        (Renewal::Automatic, None) => true,
        (Renewal::OnPayment, None) => false,
    }
}

fn leads_to_free(change: &ScheduledChange, catalog: &Catalog) -> bool {
    match change {
        ScheduledChange::Cancel => true,
        ScheduledChange::To(subscribed) => catalog.plan(&subscribed.plan).is_some_and(|plan| !plan.paid),
    }
}

fn unpaid(state: &State, at: Millis, catalog: &Catalog) -> Step {
    let mut next = state.profile.clone();
    cycle::advance(&mut next, catalog, true);
    let grace_ms = i64::from(catalog.billing.grace_days).saturating_mul(DAY_MS);
    next.standing.reported = None;
    next.standing.past_due = Some(PastDue { since: at, until: at.plus_ms(grace_ms) });
    Step { events: vec![reprofiled(next, true)], ..Step::default() }
}

fn reprofiled(profile: Profile, told: bool) -> Event {
    Event::Reprofiled { profile: Box::new(profile), told }
}

/// What a boundary leads to: the subscription after it, and the carry rules it follows.
struct Turn {
    to: Subscribed,
    kind: CarryAt,
    /// Something was scheduled for it.
    changes: bool,
}

fn turn(profile: &Profile, catalog: &Catalog, at: Millis) -> Turn {
    match profile.scheduled.as_ref().filter(|scheduled| scheduled.at <= at).map(|scheduled| &scheduled.change)
    {
        None => Turn { to: profile.subscribed.clone(), kind: CarryAt::Renewal, changes: false },
        Some(ScheduledChange::Cancel) => {
            Turn { to: transition::free(catalog), kind: CarryAt::Cancel, changes: true }
        }
        Some(ScheduledChange::To(to)) => {
            // A catalog that says nothing of downgrades treats them as the renewals that they are too.
            let own = catalog.carry.iter().any(|rule| rule.at == CarryAt::Downgrade);
            let kind = if own { CarryAt::Downgrade } else { CarryAt::Renewal };
            Turn { to: to.clone(), kind, changes: true }
        }
    }
}

/// What the boundary at `at` would take from the lots as they are now: for notices ahead of it.
pub(super) fn would_lose(state: &State, at: Millis, catalog: &Catalog) -> Lost {
    let turn = turn(&state.profile, catalog, at);
    let starts = starts(&state.profile, &turn.to, ends_term(&state.profile) || turn.changes);
    lose(state, (catalog, catalog), &turn, (starts, at))
}

/// `to` is what is subscribed to from the boundary on: a year that is entered starts with it (AS-04).
fn starts(profile: &Profile, to: &Subscribed, term: bool) -> Starts {
    let months = profile.cycle.months.saturating_add(1);
    let year = match to.interval {
        Interval::Year => term,
        Interval::Month => months.is_multiple_of(12),
    };
    Starts { month: true, year, term }
}

/// The carry rules of a boundary, given what it grants.
fn lose(
    state: &State,
    (before, after): (&Catalog, &Catalog),
    turn: &Turn,
    (starts, at): (Starts, Millis),
) -> Lost {
    let profile = &state.profile;
    let granted = |name: &reeve_types::SourceName| {
        let Some(source) = after.sources.get(name) else { return Credits::ZERO };
        if !source.every.is_some_and(|every| starts.has(every)) {
            return Credits::ZERO;
        }
        period_amount(after, source, &turn.to, (profile.identity(), units(after, profile, name)))
    };
    carried(state, (before, &turn.to), (turn.kind, at), granted)
}

/// A boundary that counts.
fn renew(state: &State, at: Millis, ends_term: bool, ctx: &Ctx<'_>) -> Step {
    let mut turn = turn(&state.profile, ctx.catalog, at);
    let term = ends_term || turn.changes;
    let after = newer(&mut turn.to, &state.profile, (term, at), ctx);
    let starts = starts(&state.profile, &turn.to, term);
    let mut transition = Transition::new(state, ctx, (at, after));
    transition.lose(lose(state, (ctx.catalog, after), &turn, (starts, at)));
    transition.next.catalog_version = after.version;
    if term {
        transition.next.standing.reported = None;
    }
    change(&mut transition, &turn, ctx.catalog);
    cycle::advance(&mut transition.next, after, term);
    open_period(&mut transition.next, after, starts);
    transition.grant_periods(starts, "renewal");
    transition.done(turn.changes)
}

/// A term that was past due is paid at `now`: its boundary is made good; the months went on meanwhile (KV-26).
pub(crate) fn renew_late(state: &State, now: Millis, ctx: &Ctx<'_>) -> Step {
    let profile = &state.profile;
    let since = profile.standing.past_due.as_ref().map_or(now, |past_due| past_due.since);
    let turn = turn(profile, ctx.catalog, since);
    let starts = Starts { year: turn.to.interval == Interval::Year, ..Starts::ALL };
    let mut transition = Transition::new(state, ctx, (now, ctx.catalog));
    transition.lose(lose(state, (ctx.catalog, ctx.catalog), &turn, (starts, now)));
    transition.next.standing.past_due = None;
    change(&mut transition, &turn, ctx.catalog);
    if turn.changes {
        cycle::restart_term(&mut transition.next, ctx.catalog);
    }
    open_period(&mut transition.next, ctx.catalog, starts);
    transition.grant_periods(starts, "renewal");
    transition.done(true)
}

/// What was scheduled for the boundary, if anything.
fn change(transition: &mut Transition<'_>, turn: &Turn, catalog: &Catalog) {
    if turn.changes {
        transition.subscribe(&turn.to);
    } else {
        transition.next.subscribed = turn.to.clone();
    }
    if turn.kind == CarryAt::Cancel && catalog.change.addon.ends_with_plan {
        transition.next.addons.clear();
    }
}

/// Add-ons and seats start anew: what was granted for in the last period is counted no more (X23).
fn open_period(profile: &mut Profile, catalog: &Catalog, starts: Starts) {
    for addon in profile.addons.values_mut() {
        addon.units = addon.next.take().unwrap_or(addon.units);
        addon.granted = addon.units;
    }
    profile.addons.retain(|_, addon| addon.units > 0);
    let yearly = catalog.billing_period(profile.subscribed.interval) == reeve_credits::calendar::Period::Year;
    if !yearly || starts.term {
        profile.cycle.seats_granted = profile.subscribed.seats;
    }
}

/// The version that the workspace is on after a boundary: the newest, when a term starts and sells the subscription.
fn newer<'a>(
    to: &mut Subscribed,
    profile: &Profile,
    (term, at): (bool, Millis),
    ctx: &Ctx<'a>,
) -> &'a Catalog {
    let newest = ctx.shelf.get(&profile.catalog).map(|book| book.latest_at(at));
    let later = newest.filter(|catalog| term && catalog.version > ctx.catalog.version);
    later.filter(|catalog| transition::fit(to, catalog)).unwrap_or(ctx.catalog)
}
