//! A workspace as the wire shows it.

use reeve_credits::catalog::Interval;
use reeve_journal::WorkspaceRecord;
use reeve_protocol::{
    AddonUnits, Amount, BalanceSummary, PastDueView, SubscriptionStatus, TrialView, WorkspaceView,
};
use reeve_types::{Credits, Millis, WorkspaceId};
use reeve_workspace::{Phase, Profile, Scheduled, ScheduledChange, Shelf, WorkspaceStatus};

/// The three figures of a balance.
pub(crate) fn summary(available: Credits, held: Credits) -> BalanceSummary {
    let balance = available.checked_add(held).unwrap_or(Credits::ZERO);
    BalanceSummary { available: Amount(available), held: Amount(held), balance: Amount(balance) }
}

/// A workspace as its owner actor sees it.
pub(crate) fn of_actor(shelf: &Shelf, view: &reeve_actors::WorkspaceView) -> WorkspaceView {
    let of = (&view.id, &view.profile, summary(view.available, view.held));
    WorkspaceView { max_concurrent: Some(view.concurrency_max), ..of_profile(shelf, of, view.as_of) }
}

/// A workspace as stored.
pub(crate) fn of_record(shelf: &Shelf, record: &WorkspaceRecord, now: Millis) -> WorkspaceView {
    of_profile(shelf, (&record.id, &record.profile, summary(record.available, record.held)), now)
}

fn of_profile(
    shelf: &Shelf,
    (id, profile, balance): (&WorkspaceId, &Profile, BalanceSummary),
    now: Millis,
) -> WorkspaceView {
    let subscribed = &profile.subscribed;
    let addons = profile.addons.iter().filter(|(_, units)| units.units > 0);
    WorkspaceView {
        id: id.clone(),
        name: profile.name.as_deref().map(ToOwned::to_owned),
        catalog: profile.catalog.clone(),
        catalog_version: profile.catalog_version,
        plan: subscribed.plan.clone(),
        allotment: subscribed.allotment.map(Amount),
        interval: Some(interval(subscribed.interval)),
        seats: subscribed.seats,
        status: status(profile.status()),
        timezone: profile.timezone.to_string(),
        anchor_at: profile.anchor_at.into(),
        period_start: Some(profile.period_start.into()),
        period_end: Some(profile.period_end.into()),
        term_end: Some(profile.cycle.term_end.into()),
        scheduled_change: profile.scheduled.as_ref().map(|change| scheduled(shelf, profile, change)),
        past_due: profile
            .standing
            .past_due
            .as_ref()
            .map(|due| PastDueView { since: due.since.into(), until: due.until.into() }),
        trial: profile
            .acting
            .as_ref()
            .filter(|acting| acting.until > now)
            .map(|acting| TrialView { plan: acting.plan.clone(), until: acting.until.into() }),
        addons: addons
            .map(|(name, units)| {
                (name.to_string(), AddonUnits { units: units.units, next_units: units.next })
            })
            .collect(),
        tier: profile.tier.clone(),
        max_concurrent: profile.concurrency_max,
        paused: profile.paused,
        balance,
        metadata: profile.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        created_at: profile.created_at.into(),
        closed_at: profile.closed.as_ref().map(|closed| closed.at.into()),
        erased: profile.phase() >= Phase::Erasing,
        erased_at: profile.closed.as_ref().and_then(|closed| closed.erased_at).map(Into::into),
    }
}

fn scheduled(
    shelf: &Shelf,
    profile: &Profile,
    Scheduled { at, change }: &Scheduled,
) -> reeve_protocol::ScheduledChange {
    match change {
        ScheduledChange::To(to) => reeve_protocol::ScheduledChange {
            kind: reeve_protocol::ScheduledKind::Change,
            at: (*at).into(),
            plan: to.plan.clone(),
            allotment: to.allotment.map(Amount),
            interval: Some(interval(to.interval)),
            seats: Some(to.seats),
        },
        ScheduledChange::Cancel => {
            let catalog = shelf.version(&profile.catalog, profile.catalog_version);
            let falls_to = catalog.map(|catalog| catalog.default_plan().name.clone());
            reeve_protocol::ScheduledChange {
                kind: reeve_protocol::ScheduledKind::Cancel,
                at: (*at).into(),
                plan: falls_to.unwrap_or_else(|| profile.subscribed.plan.clone()),
                allotment: None,
                interval: None,
                seats: None,
            }
        }
    }
}

const fn status(status: WorkspaceStatus) -> SubscriptionStatus {
    match status {
        WorkspaceStatus::Active => SubscriptionStatus::Active,
        WorkspaceStatus::Canceling => SubscriptionStatus::Canceling,
        WorkspaceStatus::PastDue => SubscriptionStatus::PastDue,
        WorkspaceStatus::Closed => SubscriptionStatus::Closed,
    }
}

const fn interval(interval: Interval) -> reeve_protocol::Interval {
    match interval {
        Interval::Month => reeve_protocol::Interval::Month,
        Interval::Year => reeve_protocol::Interval::Year,
    }
}

/// The interval that a request asks for.
pub(crate) const fn asked_interval(interval: reeve_protocol::Interval) -> Interval {
    match interval {
        reeve_protocol::Interval::Month => Interval::Month,
        reeve_protocol::Interval::Year => Interval::Year,
    }
}
