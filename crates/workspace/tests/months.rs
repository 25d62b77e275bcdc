//! Subscriptions over months, told as an operator would: what is there after which boundary.

mod desk;

use desk::{Desk, cr, create, text};
use reeve_types::Credits;
use reeve_workspace::{Command, Kind, RefundKind, RefundPurchase, WorkspaceStatus};

#[test]
fn kv_18_a_plan_rolls_over_up_to_twice_its_allotment() {
    let mut desk = Desk::open("kive", "basic", "2026-01-10T00:00:00Z");
    let balances: Vec<Credits> = ["2026-02-10", "2026-03-10", "2026-04-10"]
        .iter()
        .map(|day| desk.to(&format!("{day}T00:00:00Z")).available())
        .collect();
    assert_eq!(balances, [cr(2000), cr(3000), cr(3000)]);
    assert_eq!(desk.sum(Kind::Forfeit), cr(1000));
}

#[test]
fn kv_22_a_downgrade_waits_and_trims() {
    let wanted = reeve_workspace::Create { allotment: Some(cr(10_000)), ..create("kive", "pro") };
    let mut desk = Desk::with(&text("kive"), wanted, "2026-01-10T00:00:00Z");
    desk.to("2026-01-20T00:00:00Z").subscribe("pro", Some(2_000));
    assert_eq!(desk.available(), cr(10_000));
    assert_eq!(desk.to("2026-02-10T00:00:00Z").available(), cr(6_000));
    assert_eq!(desk.state().profile.subscribed.allotment, Some(cr(2_000)));
}

#[test]
fn x13_a_chargeback_beyond_the_rest_is_debt_that_the_next_grant_pays() {
    let mut desk = Desk::open("kive", "basic", "2026-01-10T00:00:00Z");
    let id = desk.buy(1, 500).unwrap();
    let take = reeve_workspace::Adjust {
        amount: cr(-1_400),
        reason: "spent elsewhere".into(),
        expires_at: None,
        job: None,
        scope: None,
    };
    desk.run(Command::Adjust(take)).unwrap();
    let refund = RefundPurchase { purchase: id, kind: RefundKind::Chargeback, reason: None, credits: None };
    desk.run(Command::RefundPurchase(refund)).unwrap();
    assert_eq!(desk.state().debt, cr(400));
    assert_eq!(desk.available(), cr(-400));
    desk.to("2026-02-10T00:00:00Z");
    assert_eq!((desk.state().debt, desk.available()), (cr(0), cr(600)));
    let (available, held) = reeve_workspace::fold(&desk.rows).unwrap();
    assert_eq!((available, held), (cr(600), cr(0)));
    desk.run(Command::WinDispute { purchase: id }).unwrap();
    assert_eq!(desk.available(), cr(1_100));
    let (available, _) = reeve_workspace::fold(&desk.rows).unwrap();
    assert_eq!(available, cr(1_100));
}

#[test]
fn x24_a_cancel_ends_in_the_free_plan() {
    let mut desk = Desk::open("kira", "plus", "2026-01-10T12:00:00Z");
    desk.run(Command::CancelSubscription).unwrap();
    assert_eq!(desk.state().profile.status(), WorkspaceStatus::Canceling);
    desk.to("2026-02-10T12:00:00Z");
    assert_eq!(desk.state().profile.subscribed.plan.as_str(), "free");
    assert_eq!(desk.state().profile.status(), WorkspaceStatus::Active);
    // 30 once, and the date's daily lot at once.
    assert_eq!(desk.available(), cr(45));
}

#[test]
fn kr_03_after_five_idle_days_there_is_one_daily_lot() {
    let mut desk = Desk::open("kira", "free", "2026-01-10T12:00:00Z");
    assert_eq!(desk.available(), cr(45));
    assert_eq!(desk.to("2026-01-15T00:00:00Z").available(), cr(45));
    let daily = desk.state().lots.iter().filter(|lot| lot.source.as_str() == "daily").count();
    assert_eq!(daily, 1);
}

#[test]
fn x15_notices_carry_the_instant_of_their_crossing_however_late_they_are_folded() {
    let (mut watched, mut silent) = (
        Desk::open("kive", "basic", "2026-01-10T00:00:00Z"),
        Desk::open("kive", "basic", "2026-01-10T00:00:00Z"),
    );
    for desk in [&mut watched, &mut silent] {
        desk.run(Command::CancelSubscription).unwrap();
    }
    for day in 11..31 {
        watched.to(&format!("2026-01-{day}T00:00:00Z"));
    }
    for desk in [&mut watched, &mut silent] {
        desk.to("2026-05-01T00:00:00Z");
    }
    assert_eq!(watched.told, silent.told);
    let end = desk::at("2026-02-10T00:00:00Z");
    let last: Vec<&str> = silent.told.iter().filter(|(at, _)| *at == end).map(|(_, kind)| *kind).collect();
    assert_eq!(last, ["subscription.changed", "credits.low", "credits.exhausted"]);
}
