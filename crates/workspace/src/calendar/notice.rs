//! Notices: once per crossing (KF-04), and ahead of what an instant will take.
//!
//! Thresholds are judged after all that one instant did, so that an expiry followed by a grant tells nothing.

use reeve_credits::catalog::{Alert, AlertKind, Catalog, Renewal};
use reeve_types::{Credits, Millis};

use super::month;
use crate::broken::{self, Switch};
use crate::event::{Event, Notice};
use crate::member::Tallies;
use crate::profile::ScheduledChange;
use crate::state::State;

const HOUR_MS: i64 = 3_600_000;

/// The alerts that crossed their threshold downward, highest first and `exhausted` last; the rest is armed again.
pub(crate) fn judge(state: &State, at: Millis, catalog: &Catalog) -> Vec<Event> {
    if state.profile.closed.is_some() {
        // Nobody is left who could act on it.
        return Vec::new();
    }
    let available = state.available(at);
    let mut told = state.tallies.told;
    let mut crossed: Vec<(Credits, Notice)> = Vec::new();
    for (n, alert) in catalog.alerts.iter().enumerate().take(32) {
        let Some(threshold) = threshold(alert, state.tallies.full) else { continue };
        let bit = 1_u32 << n;
        if available > threshold {
            told &= if broken::is(Switch::AlertsNeverRearm) { told } else { !bit };
        } else if told & bit == 0 {
            told |= bit;
            crossed.push((
                threshold,
                match alert.kind {
                    AlertKind::Exhausted => Notice::Exhausted,
                    _ => Notice::Low { threshold, available },
                },
            ));
        }
    }
    if told == state.tallies.told {
        return Vec::new();
    }
    crossed.sort_by_key(|(threshold, notice)| (*notice == Notice::Exhausted, std::cmp::Reverse(*threshold)));
    let mut events: Vec<Event> = crossed.into_iter().map(|(_, notice)| Event::Noticed(notice)).collect();
    events.push(Event::Tallied(Box::new(Tallies { told, ..state.tallies.clone() })));
    events
}

/// The balance at or below which an alert is told; `None` for one that an instant tells.
fn threshold(alert: &Alert, full: Credits) -> Option<Credits> {
    match (alert.kind, alert.percent, alert.below) {
        (AlertKind::Exhausted, ..) => Some(Credits::ZERO),
        (AlertKind::Low, Some(percent), _) => {
            let share = i128::from(full.micros()) * i128::from(percent) / 100;
            i64::try_from(share).ok().map(Credits::from_micros).filter(|share| share.is_positive())
        }
        (AlertKind::Low, None, below) => below,
        _ => None,
    }
}

/// The notices of one instant, and the mark that they are told.
pub(super) fn timed(state: &State, at: Millis, catalog: &Catalog) -> Vec<Event> {
    let mut events: Vec<Event> = timed_notices(state, catalog)
        .into_iter()
        .filter(|(due, _)| *due <= at)
        .filter_map(|(_, notice)| notice.map(Event::Noticed))
        .collect();
    events.push(Event::Tallied(Box::new(Tallies { told_to: at, ..state.tallies.clone() })));
    events
}

/// The next instant at which something acts outward, apart from jobs: a notice, a scheduled change, a payment.
pub(crate) fn outward_at(state: &State, catalog: &Catalog) -> Option<Millis> {
    let profile = &state.profile;
    if profile.closed.is_some() {
        return None;
    }
    let notice = timed_notices(state, catalog).into_iter().map(|(at, _)| at).min();
    let paid = catalog.plan(&profile.subscribed.plan).is_some_and(|plan| plan.paid);
    let asks_payment = paid && (catalog.renewal == Renewal::OnPayment || profile.standing.reported.is_some());
    let instants = [
        notice,
        // While a term is past due its change waits for the payment (KV-26): an instant that has passed and
        // cannot be acted on would be found due for ever.
        profile.scheduled.as_ref().filter(|_| profile.standing.past_due.is_none()).map(|change| change.at),
        profile.acting.as_ref().map(|acting| acting.until),
        profile.standing.past_due.as_ref().map(|past_due| past_due.until),
        asks_payment.then_some(profile.cycle.term_end),
    ];
    instants.into_iter().flatten().min()
}

/// Notices that come at an instant, each with it; `None` where the instant only has to be looked at.
fn timed_notices(state: &State, catalog: &Catalog) -> Vec<(Millis, Option<Notice>)> {
    let mut notices = Vec::new();
    for alert in &catalog.alerts {
        let lead_ms = i64::from(alert.lead_hours.unwrap_or(0)).saturating_mul(HOUR_MS);
        match alert.kind {
            AlertKind::Expiring => expiring(state, lead_ms, &mut notices),
            AlertKind::TrimAhead => trim_ahead(state, lead_ms, catalog, &mut notices),
            AlertKind::Renewal => renewal(state, lead_ms, catalog, &mut notices),
            AlertKind::Low | AlertKind::Exhausted => {}
        }
    }
    notices.retain(|(at, _)| *at > state.tallies.told_to);
    notices
}

fn expiring(state: &State, lead_ms: i64, notices: &mut Vec<(Millis, Option<Notice>)>) {
    for lot in state.lots.iter().filter(|lot| lot.terms.available.is_positive()) {
        let Some(ends_at) = lot.expires_at else { continue };
        let at = ends_at.plus_ms(-lead_ms);
        // A lot that lives shorter than the lead was never far from its end.
        if at > lot.effective_at {
            let notice = Notice::Expiring { lot: lot.id, amount: lot.terms.available, at: ends_at };
            notices.push((at, Some(notice)));
            // What comes after it has notices of its own: to be looked at then.
            notices.push((ends_at, None));
        }
    }
}

/// The boundaries of this month and the next one: a grant in between may be what is too much.
fn trim_ahead(state: &State, lead_ms: i64, catalog: &Catalog, notices: &mut Vec<(Millis, Option<Notice>)>) {
    let cycle = &state.profile.cycle;
    let lost = month::would_lose(state, cycle.month_end, catalog);
    let at = cycle.month_end.plus_ms(-lead_ms);
    if lost.total.is_positive() {
        let notice = Notice::TrimAhead { amount: lost.total, at: cycle.month_end };
        notices.push((at, Some(notice)));
        notices.push((cycle.month_end, None));
    } else if let Some(at) = super::forecast::first_trim_at(state, catalog) {
        notices.push((at.plus_ms(-lead_ms), None));
    }
}

fn renewal(state: &State, lead_ms: i64, catalog: &Catalog, notices: &mut Vec<(Millis, Option<Notice>)>) {
    let profile = &state.profile;
    let paid = catalog.plan(&profile.subscribed.plan).is_some_and(|plan| plan.paid);
    let ends = matches!(&profile.scheduled, Some(scheduled) if scheduled.change == ScheduledChange::Cancel);
    if paid && !ends {
        let at = profile.cycle.term_end;
        notices.push((at.plus_ms(-lead_ms), Some(Notice::Renewal { at })));
        notices.push((at, None));
    }
}
