//! Plans taken, changed, cancelled and resumed (X22, X24): up at once, down at the end of what is paid.

use std::cmp::Ordering;

use reeve_credits::catalog::{
    Anchor, Catalog, Every, GrantOnChange, Interval, PerCount, PlanChange, Prorate, When,
};
use reeve_types::{Credits, Millis};

use super::{Ctx, Decision};
use crate::broken::{self, Switch};
use crate::calendar::grants::{Mint, Starts, expires_at, one, period_amount, period_grants, units};
use crate::calendar::transition::{Transition, free};
use crate::calendar::{Step, cancel_now, restart, restart_term};
use crate::command::Subscribe;
use crate::event::Event;
use crate::execute::Subject;
use crate::profile::{Profile, Scheduled, ScheduledChange, Subscribed};
use crate::refusal::Refusal;
use crate::state::State;

pub(super) fn decide(state: &State, wanted: &Subscribe, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let profile = &state.profile;
    let to = target(profile, wanted, ctx.catalog)?;
    let present = &profile.subscribed;
    let seats_only = Subscribed { seats: to.seats, ..present.clone() } == to;
    let change = &ctx.catalog.change;
    match compare(&to, present, ctx.catalog) {
        Ordering::Equal if profile.scheduled.is_some() => {
            let next = Profile { scheduled: None, ..profile.clone() };
            Ok(done(ctx.now, Step { events: vec![reprofiled(next, true)], ..Step::default() }))
        }
        Ordering::Equal => Ok(done(ctx.now, Step::default())),
        // A plan that is left for the free one is cancelled, whichever call says so (X24).
        Ordering::Less if to.plan == free(ctx.catalog).plan && to.plan != present.plan => cancel(state, ctx),
        Ordering::Greater if seats_only && change.seats.added == When::Now => Ok(add_seats(state, to, ctx)),
        Ordering::Greater if seats_only => Ok(schedule(state, to, change.seats.added, ctx.now)),
        Ordering::Greater if change.upgrade.when == When::Now => Ok(upgrade(state, to, &change.upgrade, ctx)),
        Ordering::Greater => Ok(schedule(state, to, change.upgrade.when, ctx.now)),
        Ordering::Less if seats_only && change.seats.removed == When::Now => {
            Ok(remove_seats(state, to, ctx.now))
        }
        Ordering::Less if seats_only => Ok(schedule(state, to, change.seats.removed, ctx.now)),
        Ordering::Less if change.downgrade.when == When::Now => {
            Ok(upgrade(state, to, &change.downgrade, ctx))
        }
        Ordering::Less => Ok(schedule(state, to, change.downgrade.when, ctx.now)),
    }
}

/// What was asked, with what it leaves out filled in.
fn target(profile: &Profile, wanted: &Subscribe, catalog: &Catalog) -> Result<Subscribed, Refusal> {
    let present = &profile.subscribed;
    let same_plan = wanted.plan == present.plan;
    // An allotment left out is the smallest of a new plan, and what one has on the present one.
    let allotment = wanted.allotment.or(present.allotment.filter(|_| same_plan));
    let sold = catalog.plan(&wanted.plan).map(|plan| plan.intervals.as_slice()).unwrap_or_default();
    let kept = sold.contains(&present.interval).then_some(present.interval);
    let interval = wanted.interval.or(kept).or(sold.first().copied()).unwrap_or(Interval::Month);
    let seats = wanted.seats.unwrap_or(present.seats);
    let subscription = catalog
        .subscription(&wanted.plan, allotment, interval, seats)
        .map_err(|refusal| Refusal::invalid(super::create::pointer(&refusal), refusal.to_string()))?;
    Ok(Subscribed { plan: wanted.plan.clone(), allotment: subscription.allotment, interval, seats })
}

/// Up or down, by rank, allotment, term and seats in that order (X22).
fn compare(to: &Subscribed, present: &Subscribed, catalog: &Catalog) -> Ordering {
    let key = |subscribed: &Subscribed| {
        let rank = catalog.plan(&subscribed.plan).map_or(0, |plan| plan.rank);
        (rank, subscribed.allotment.unwrap_or(Credits::ZERO), subscribed.interval, subscribed.seats)
    };
    key(to).cmp(&key(present))
}

fn reprofiled(profile: Profile, told: bool) -> Event {
    Event::Reprofiled { profile: Box::new(profile), told }
}

fn done(at: Millis, step: Step) -> Decision {
    let decision = Decision::about(Subject::Workspace, at, step.events);
    Decision { claims: step.claims, unclaims: step.unclaims, ..decision }
}

fn schedule(state: &State, to: Subscribed, when: When, now: Millis) -> Decision {
    let mut next = state.profile.clone();
    next.scheduled = Some(Scheduled { at: end(&next, when), change: ScheduledChange::To(to) });
    done(now, Step { events: vec![reprofiled(next, true)], ..Step::default() })
}

/// The boundary that a change waits for: always the end of some month.
fn end(profile: &Profile, when: When) -> Millis {
    match when {
        When::Now | When::PeriodEnd => profile.period_end,
        When::TermEnd => profile.cycle.term_end,
    }
}

/// A change at once: the old plan's lots as the catalog says, the new plan's credits, whole or as a difference.
fn upgrade(state: &State, to: Subscribed, how: &PlanChange, ctx: &Ctx<'_>) -> Decision {
    let (now, catalog) = (ctx.now, ctx.catalog);
    let mut transition = Transition::new(state, ctx, (now, catalog));
    transition.next.standing.past_due = None;
    transition.next.standing.reported = None;
    transition.end_existing(how.existing);
    transition.subscribe(&to);
    let next = &mut transition.next;
    match how.anchor {
        Anchor::Reset => restart(next, catalog, now),
        Anchor::Keep if state.profile.subscribed.interval != to.interval => restart_term(next, catalog),
        Anchor::Keep => {}
    }
    next.cycle.seats_granted = next.cycle.seats_granted.max(to.seats);
    for addon in next.addons.values_mut().filter(|_| how.regrant_units) {
        addon.granted = addon.units;
    }
    let next = next.clone();
    let grants = match how.grant {
        GrantOnChange::None => Vec::new(),
        GrantOnChange::Full => full(&mut transition.mint, &next, (how, now)),
        GrantOnChange::Difference | GrantOnChange::Prorated => {
            difference(&mut transition.mint, (&state.profile, &next), (how, now), catalog)
        }
    };
    transition.grant(grants);
    done(now, transition.done(true))
}

/// All period sources of the new plan. Units only where the catalog says that they are granted again.
fn full(mint: &mut Mint<'_>, next: &Profile, (how, now): (&PlanChange, Millis)) -> Vec<Event> {
    let mut granted = next.clone();
    if !how.regrant_units {
        granted.addons.clear();
    }
    period_grants((mint, &granted), Starts::ALL, now, "upgrade")
}

/// What the new subscription gives for the running period beyond the old one (KR-16).
fn difference(
    mint: &mut Mint<'_>,
    (before, next): (&Profile, &Profile),
    (how, now): (&PlanChange, Millis),
    catalog: &Catalog,
) -> Vec<Event> {
    let mut events = Vec::new();
    for (name, source) in &catalog.sources {
        if !source.every.is_some_and(|every| every != Every::Day) || source.per == Some(PerCount::Unit) {
            continue;
        }
        let amount = |profile: &Profile| {
            let units = units(catalog, profile, name);
            period_amount(catalog, source, &profile.subscribed, (profile.identity(), units))
        };
        let more = amount(next).checked_sub(amount(before)).unwrap_or(Credits::ZERO);
        let more = if how.grant == GrantOnChange::Prorated { prorated(more, next, now) } else { more };
        if more.is_positive() {
            let until = expires_at(catalog, source, next, now);
            events.push(mint.grant((name, source), more, (now, until), "upgrade"));
        }
    }
    events
}

/// The share of an amount that is left of the billing period, by days begun, rounded down.
fn prorated(amount: Credits, profile: &Profile, now: Millis) -> Credits {
    const DAY_MS: u64 = 86_400_000;
    let days = |ms: i64| i128::from(u64::try_from(ms).unwrap_or(0).div_ceil(DAY_MS));
    let whole = days(profile.period_end.since(profile.period_start)).max(1);
    let left = days(profile.period_end.since(now)).min(whole);
    i64::try_from(i128::from(amount.micros()) * left / whole).map_or(Credits::ZERO, Credits::from_micros)
}

/// Seats added now: each is granted for once in a period, however often seats go up and down (AS-12, X23).
fn add_seats(state: &State, to: Subscribed, ctx: &Ctx<'_>) -> Decision {
    let (now, catalog) = (ctx.now, ctx.catalog);
    let mut next = state.profile.clone();
    next.scheduled = None;
    let highest = if broken::is(Switch::SeatOrdinalsIgnored) { 0 } else { next.cycle.seats_granted };
    let granted = highest.max(next.subscribed.seats);
    let added = i64::from(to.seats.saturating_sub(granted));
    next.cycle.seats_granted = granted.max(to.seats);
    next.subscribed = to;
    let mut mint = Mint::new(state, catalog);
    let mut grants = Vec::new();
    let plan = catalog.plan(&next.subscribed.plan).filter(|plan| plan.per_seat);
    for (name, source) in catalog.sources.iter().filter(|(_, source)| source.per == Some(PerCount::Seat)) {
        let applies =
            plan.is_some_and(|plan| source.condition.holds(plan, next.subscribed.interval, next.identity()));
        let amount = one(catalog, source, &next.subscribed).checked_mul(added).unwrap_or(Credits::ZERO);
        let amount = match catalog.change.seats.prorate {
            Prorate::None => amount,
            Prorate::Days => prorated(amount, &next, now),
        };
        if applies && amount.is_positive() {
            let until = expires_at(catalog, source, &next, now);
            grants.push(mint.grant((name, source), amount, (now, until), "seats added"));
        }
    }
    let mut events = vec![reprofiled(next, true)];
    events.extend(grants);
    done(now, Step { events, ..Step::default() })
}

/// Seats removed at once: nothing is taken, and the highest that was granted for stays remembered (X23).
fn remove_seats(state: &State, to: Subscribed, now: Millis) -> Decision {
    let next = Profile { subscribed: to, scheduled: None, ..state.profile.clone() };
    done(now, Step { events: vec![reprofiled(next, true)], ..Step::default() })
}

/// Cancels at the end of what is paid (KV-12, X24).
pub(super) fn cancel(state: &State, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let profile = &state.profile;
    if !ctx.catalog.plan(&profile.subscribed.plan).is_some_and(|plan| plan.paid) {
        let detail =
            format!("plan `{}` is not paid for; there is nothing to cancel", profile.subscribed.plan);
        return Err(Refusal::Conflict { detail });
    }
    let when = ctx.catalog.change.cancel.when;
    if when == When::Now || profile.standing.past_due.is_some() {
        return Ok(done(ctx.now, cancel_now(state, ctx.now, ctx)));
    }
    if matches!(&profile.scheduled, Some(scheduled) if scheduled.change == ScheduledChange::Cancel) {
        return Ok(done(ctx.now, Step::default()));
    }
    let mut next = profile.clone();
    next.scheduled = Some(Scheduled { at: end(profile, when), change: ScheduledChange::Cancel });
    Ok(done(ctx.now, Step { events: vec![reprofiled(next, true)], ..Step::default() }))
}

/// Takes a scheduled change or cancel back; nothing scheduled is nothing to do.
pub(super) fn resume(state: &State, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if state.profile.scheduled.is_none() {
        return Ok(done(ctx.now, Step::default()));
    }
    let next = Profile { scheduled: None, ..state.profile.clone() };
    Ok(done(ctx.now, Step { events: vec![reprofiled(next, true)], ..Step::default() }))
}
