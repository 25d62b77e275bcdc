//! Time: renewals, changes that wait for it, daily lots, and a clock that is moved by hand.

use std::collections::BTreeMap;

use reeve_actors::Answer;
use reeve_jobs::Status;
use reeve_journal::Reader as _;
use reeve_types::{Millis, WorkspaceId};
use reeve_workspace::{Command, Kind, Refusal, Renew, Subscribe, WorkspaceStatus};

use super::house::{DAY_MS, House, START, cr, house, manual_house};

fn to_plan(plan: &str) -> Command {
    Command::Subscribe(Subscribe {
        plan: plan.parse().unwrap(),
        allotment: None,
        interval: None,
        seats: None,
    })
}

async fn plan_and_tier(house: &House, id: &WorkspaceId) -> (String, String) {
    let profile = house.engine.balance(id).await.unwrap().unwrap().view.profile;
    (profile.subscribed.plan.to_string(), profile.tier.to_string())
}

#[actix_rt::test]
async fn a_renewal_is_seen_at_once_and_written_at_the_next_touch_with_its_own_instant() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    for _ in 0..3 {
        house.submit(&id).await;
    }
    house.clock.advance_ms(40 * DAY_MS);
    let seen = house.engine.balance(&id).await.unwrap().unwrap();
    assert_eq!(seen.view.available, cr(100), "94 expired, 100 came; also before anybody wrote it");
    house.submit(&id).await;
    let renewal = seen.view.profile.period_start;
    assert!(START < renewal && renewal < START.plus_ms(40 * DAY_MS));
    let rows = house.ledger(&id).await;
    let grants: Vec<Millis> = rows.iter().filter(|row| row.kind == Kind::Grant).map(|row| row.at).collect();
    assert_eq!(grants, [START, renewal]);
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn kv_22_a_downgrade_waits_for_the_end_of_what_is_paid() {
    let house = manual_house().await;
    let id = house.open_on("acme", ("kive", "pro"), None).await;
    house.run(&id, to_plan("basic")).await.unwrap();
    assert_eq!(plan_and_tier(&house, &id).await, ("pro".into(), "pro".into()));
    house.advance_days(27).await;
    assert_eq!(plan_and_tier(&house, &id).await, ("pro".into(), "pro".into()));
    house.advance_days(2).await;
    assert_eq!(plan_and_tier(&house, &id).await, ("basic".into(), "standard".into()));
    assert_eq!(house.available(&id).await, cr(3_000), "2,000 carried, 1,000 granted");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_change_that_waits_while_the_term_is_past_due_stops_nothing() {
    let house = manual_house().await;
    let id = house.open_on("acme", ("kive", "pro"), None).await;
    house.run(&id, to_plan("basic")).await.unwrap();
    house.run(&id, Command::Renew(Renew { payment: "p".into(), paid: false })).await.unwrap();
    house.advance_days(29).await;
    let view = house.engine.balance(&id).await.unwrap().unwrap().view;
    assert_eq!(view.profile.status(), WorkspaceStatus::PastDue);
    house.advance_days(10).await;
    assert_eq!(plan_and_tier(&house, &id).await.0, "free", "grace is over");
    house.assert_sound(&id).await;
}

/// Daily lots of all these workspaces, by the UTC date they were granted on.
async fn daily_lots(house: &House, ids: &[&WorkspaceId]) -> BTreeMap<i64, usize> {
    let mut by_day = BTreeMap::new();
    for id in ids {
        for row in house.ledger(id).await {
            if row.kind == Kind::Grant && row.source.as_str() == "daily" {
                *by_day.entry(row.at.value() / DAY_MS).or_default() += 1;
            }
        }
    }
    by_day
}

#[actix_rt::test]
async fn kr_03_two_workspaces_of_a_user_share_one_daily_lot_whoever_leaves() {
    let house = manual_house().await;
    let a = house.open_on("a", ("kira", "free"), Some("ada")).await;
    let b = house.open_on("b", ("kira", "free"), Some("ada")).await;
    assert_eq!((house.available(&a).await, house.available(&b).await), (cr(45), cr(0)));
    let touch = async || {
        for id in [&a, &b] {
            house.run(id, Command::Wake).await.unwrap();
        }
    };
    house.advance_days(1).await;
    touch().await;
    assert_eq!((house.available(&a).await, house.available(&b).await), (cr(45), cr(0)));
    house.run(&a, to_plan("plus")).await.unwrap();
    touch().await;
    assert_eq!(house.available(&b).await, cr(0), "this date was granted already");
    house.advance_days(1).await;
    touch().await;
    assert_eq!(house.available(&b).await, cr(15), "b took it over");
    house.advance_days(1).await;
    touch().await;
    let dates = daily_lots(&house, &[&a, &b]).await;
    assert_eq!(dates.values().copied().collect::<Vec<_>>(), [1, 1, 1, 1], "one a date: {dates:?}");
    house.assert_sound(&a).await;
    house.assert_sound(&b).await;
}

#[actix_rt::test]
async fn kr_03_two_that_wake_at_once_after_the_holder_left_get_one_lot_between_them() {
    let house = manual_house().await;
    let a = house.open_on("a", ("kira", "free"), Some("ada")).await;
    let b = house.open_on("b", ("kira", "free"), Some("ada")).await;
    let c = house.open_on("c", ("kira", "free"), Some("ada")).await;
    house.run(&a, to_plan("plus")).await.unwrap();
    house.advance_days(1).await;
    // Both are refused what they ask for: what time did before it happens all the same.
    let video = |house: &House| {
        let Command::Submit(mut submit) = house.job() else { unreachable!() };
        submit.action = "video.generate".parse().unwrap();
        Command::Submit(submit)
    };
    let (one, other) =
        futures_util::future::join(house.run(&b, video(&house)), house.run(&c, video(&house))).await;
    for executed in [one.unwrap(), other.unwrap()] {
        assert!(matches!(executed.answer, Answer::Refused(Refusal::InsufficientCredits { .. })));
    }
    let mut credits = [house.available(&b).await, house.available(&c).await];
    credits.sort();
    assert_eq!(credits, [cr(0), cr(15)]);
    house.assert_sound(&b).await;
    house.assert_sound(&c).await;
}

#[actix_rt::test]
async fn advancing_the_clock_answers_when_deadlines_are_folded() {
    let house = manual_house().await;
    let mut jobs = Vec::new();
    for n in 0..100 {
        let id = house.open(&format!("w{n}"), "creator").await;
        jobs.push((house.submit(&id).await, id));
    }
    house.advance_days(2).await;
    for (job, id) in &jobs {
        let record = house.engine.job(*job).await.unwrap().unwrap();
        assert_eq!(record.state.status, Status::Expired);
        assert_eq!(record.state.finished_at, Some(START.plus_ms(DAY_MS)), "at its deadline, not at the wake");
        house.assert_sound(id).await;
    }
    assert_eq!(house.journal.due(house.engine.now(), 10).await.unwrap(), []);
}

#[actix_rt::test]
async fn a_manual_clock_only_moves_forward_and_a_system_clock_not_at_all() {
    let manual = manual_house().await;
    let back = manual.engine.advance_clock(START.plus_ms(-1)).await.unwrap();
    assert!(matches!(back, Err(Refusal::Invalid { .. })));
    assert!(manual.engine.clock().manual);
    assert_eq!(manual.engine.clock().now, START);
    let system = house().await;
    let moved = system.engine.advance_clock(START.plus_ms(DAY_MS)).await.unwrap();
    assert!(matches!(moved, Err(Refusal::NotAllowed { .. })));
}

#[actix_rt::test]
async fn a_manual_clock_moves_no_lease() {
    let house = manual_house().await;
    let id = house.open("acme", "creator").await;
    house.submit(&id).await;
    let lease = house.lease(1, 10_000).await[0].lease;
    house.advance_days(40).await;
    assert!(house.engine.lease_is_live(lease));
    assert!(matches!(house.complete(lease).await, reeve_actors::Finished::Answered(_)));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_job_that_starts_later_is_leased_as_soon_as_the_clock_says_so() {
    let house = manual_house().await;
    let id = house.open("acme", "creator").await;
    let Command::Submit(mut submit) = house.job() else { unreachable!() };
    submit.not_before = Some(START.plus_ms(DAY_MS / 2));
    house.run(&id, Command::Submit(submit)).await.unwrap();
    assert!(house.lease(1, 100).await.is_empty());
    let to = START.plus_ms(DAY_MS / 2);
    house.engine.advance_clock(to).await.unwrap().unwrap();
    assert_eq!(house.lease(1, 5_000).await.len(), 1);
}

#[actix_rt::test]
async fn dormant_workspaces_with_silent_boundaries_are_never_due() {
    let house = house().await;
    for n in 0..50 {
        house.open_on(&format!("w{n}"), ("kira", "free"), Some(&format!("user {n}"))).await;
    }
    assert_eq!(house.journal.due(Millis::from_millis(i64::MAX), 1_000).await.unwrap(), []);
}

#[actix_rt::test]
async fn a_plan_change_moves_waiting_jobs_to_the_new_tier() {
    let house = house().await;
    let id = house.open("acme", "free").await;
    for _ in 0..3 {
        house.submit(&id).await;
    }
    let depths = async || {
        let view = house.engine.queue_stats().await;
        let pool = view.pools.into_iter().find(|pool| pool.name.as_str() == "image").unwrap();
        let busy = pool.tiers.into_iter().filter(|tier| tier.depth > 0);
        busy.map(|tier| (tier.name.to_string(), tier.depth)).collect::<Vec<_>>()
    };
    assert_eq!(depths().await, [("free".to_owned(), 3)]);
    house.run(&id, to_plan("pro")).await.unwrap();
    assert_eq!(depths().await, [("pro".to_owned(), 3)]);
}
