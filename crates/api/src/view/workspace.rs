//! A workspace as the wire shows it.

use reeve_credits::catalog::Interval;
use reeve_journal::WorkspaceRecord;
use reeve_protocol::{Amount, BalanceSummary, SubscriptionStatus, WorkspaceView};
use reeve_types::{Credits, WorkspaceId};
use reeve_workspace::{Profile, WorkspaceStatus};

/// The three figures of a balance.
pub(crate) fn summary(available: Credits, held: Credits) -> BalanceSummary {
    let balance = available.checked_add(held).unwrap_or(Credits::ZERO);
    BalanceSummary { available: Amount(available), held: Amount(held), balance: Amount(balance) }
}

/// A workspace as its owner actor sees it.
pub(crate) fn of_actor(view: &reeve_actors::WorkspaceView) -> WorkspaceView {
    let of = (&view.id, &view.profile, summary(view.available, view.held));
    WorkspaceView { max_concurrent: Some(view.concurrency_max), ..of_profile(of) }
}

/// A workspace as stored.
pub(crate) fn of_record(record: &WorkspaceRecord) -> WorkspaceView {
    of_profile((&record.id, &record.profile, summary(record.available, record.held)))
}

fn of_profile((id, profile, balance): (&WorkspaceId, &Profile, BalanceSummary)) -> WorkspaceView {
    WorkspaceView {
        id: id.clone(),
        name: profile.name.as_deref().map(ToOwned::to_owned),
        catalog: profile.catalog.clone(),
        catalog_version: profile.catalog_version,
        plan: profile.plan.clone(),
        allotment: profile.allotment.map(Amount),
        interval: Some(interval(profile.interval)),
        seats: profile.seats,
        status: status(profile.status),
        timezone: profile.timezone.to_string(),
        anchor_at: profile.anchor_at.into(),
        period_start: Some(profile.period_start.into()),
        period_end: Some(profile.period_end.into()),
        term_end: None,
        scheduled_change: None,
        tier: profile.tier.clone(),
        max_concurrent: profile.concurrency_max,
        balance,
        metadata: profile.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        created_at: profile.created_at.into(),
    }
}

const fn status(status: WorkspaceStatus) -> SubscriptionStatus {
    match status {
        WorkspaceStatus::Active => SubscriptionStatus::Active,
        WorkspaceStatus::Canceling => SubscriptionStatus::Canceling,
        WorkspaceStatus::PastDue => SubscriptionStatus::PastDue,
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
