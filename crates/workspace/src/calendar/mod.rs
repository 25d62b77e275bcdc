//! What time alone does to a workspace: expiries, renewals, daily grants, scheduled changes, notices, deadlines.
//!
//! [`due`] answers one step at a time, the earliest that is not folded, because each can change what the next
//! one finds. At one instant the order is X2's: expiries, daily grants, carry and period grants, ends of trials
//! and grace, notices, jobs. Rows carry the boundary's own instant, so that a late fold writes what a timely one
//! would have written (X15).

mod carry;
mod cycle;
mod day;
mod end;
pub(crate) mod forecast;
pub(crate) mod grants;
mod month;
pub(crate) mod notice;
pub(crate) mod transition;

use reeve_credits::lot::{Lot, Retired};
use reeve_jobs::Closing;
use reeve_types::Millis;

use crate::broken::{self, Switch};
use crate::claim::Claim;
use crate::decide::{Ctx, close};
use crate::event::{Dated, Event};
use crate::state::State;

pub(crate) use carry::{Lost, allotment, carried};
pub(crate) use cycle::{opening_cycle, restart, restart_term, set_period};
pub(crate) use day::{DayClaims, opening_day, rezone};
pub(crate) use end::cancel_now;
pub(crate) use month::renew_late;

/// What one instant has done, as far as it is known without applying it.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub events: Vec<Event>,
    pub claims: Vec<Claim>,
    pub unclaims: Vec<Claim>,
}

/// A step and its instant.
#[derive(Debug)]
pub(crate) struct Due {
    pub at: Millis,
    pub events: Vec<Dated>,
    pub claims: Vec<Claim>,
    pub unclaims: Vec<Claim>,
}

/// The earliest instant at which time alone does something; cheap, since every command asks.
pub(crate) fn next_at(state: &State) -> Option<Millis> {
    let profile = &state.profile;
    let lots = state.lots.iter().filter(|lot| lot.terms.available.is_positive());
    let late_ms = i64::from(broken::is(Switch::ExpireLate));
    let expiry = lots.filter_map(|lot| lot.expires_at).min().map(|at| at.plus_ms(late_ms));
    let job = state.deadlines.first().map(|(at, _)| *at);
    if profile.closed.is_some() {
        // Nothing is granted, renewed or told any more: lots still end, and what is live has deadlines.
        return expiry.into_iter().chain(job).min();
    }
    let instants = [
        expiry,
        Some(profile.cycle.month_end),
        profile.cycle.day.map(|day| day.next_at),
        profile.acting.as_ref().map(|acting| acting.until),
        profile.standing.past_due.as_ref().map(|past_due| past_due.until),
        state.outward_at,
        job,
    ];
    instants.into_iter().flatten().min()
}

/// What time alone has done at the earliest instant up to `now` that is not folded yet; `None` when all is.
pub(crate) fn due(state: &State, ctx: &Ctx<'_>) -> Option<Due> {
    let at = next_at(state).filter(|at| *at <= ctx.now)?;
    // A boundary in the past of the workspace's own history is recorded when it is seen.
    let seen_at = at.max(state.last_event_at);
    let step = step(state, at, seen_at, ctx);
    let events = step.events.into_iter().map(|event| Dated { at: seen_at, event }).collect();
    Some(Due { at: seen_at, events, claims: step.claims, unclaims: step.unclaims })
}

fn step(state: &State, at: Millis, seen_at: Millis, ctx: &Ctx<'_>) -> Step {
    let profile = &state.profile;
    let expired = expired(state, at);
    if !expired.is_empty() {
        return Step { events: expired, ..Step::default() };
    }
    if profile.closed.is_some() {
        return Step { events: jobs(state, at, seen_at, ctx.now), ..Step::default() };
    }
    // The date before the month: a plan that is entered at midnight is granted the new date, not the old one.
    if profile.cycle.day.is_some_and(|day| day.next_at <= at) {
        return day::boundary(state, at, ctx);
    }
    if profile.cycle.month_end <= at {
        return month::boundary(state, at, ctx);
    }
    if profile.acting.as_ref().is_some_and(|acting| acting.until <= at) {
        return end::trial(state, ctx);
    }
    if profile.standing.past_due.as_ref().is_some_and(|past_due| past_due.until <= at) {
        return end::grace(state, at, ctx);
    }
    if state.outward_at.is_some_and(|outward| outward <= at) && state.tallies.told_to < at {
        return Step { events: notice::timed(state, at, ctx.catalog), ..Step::default() };
    }
    Step { events: jobs(state, at, seen_at, ctx.now), ..Step::default() }
}

/// Lots that end at `at`, or ended unseen before it.
fn expired(state: &State, at: Millis) -> Vec<Event> {
    let late_ms = i64::from(broken::is(Switch::ExpireLate));
    let ends = |lot: &&Lot| lot.terms.available.is_positive() && lot.is_expired(at.plus_ms(-late_ms));
    let retire = |lot: &Lot| Event::Retired {
        lot: lot.id,
        amount: lot.terms.available,
        how: Retired::Expired,
        reason: None,
    };
    state.lots.iter().filter(ends).map(retire).collect()
}

/// Jobs whose own deadline is `at`.
fn jobs(state: &State, at: Millis, seen_at: Millis, now: Millis) -> Vec<Event> {
    let due = state.deadlines.iter().take_while(|(due, _)| *due <= at);
    let closed = due.filter_map(|(_, id)| {
        let live = state.jobs.get(id)?;
        let closing = live.job.on_due(now)?;
        Some(close(live, Closing { at: seen_at, ..closing }))
    });
    closed.collect()
}
