//! Bugs that others have met, each as a test: docs/known-bugs.md has the whole list.

mod desk;

use std::sync::Arc;

use desk::{Desk, at, cr, create, text};
use reeve_credits::catalog::Catalog;
use reeve_types::{Credits, MemberId};
use reeve_workspace::{
    Adjust, Book, Cancel, Command, Create, Kind, LimitMember, MemberLimit, MemberWindow, Profile,
    PurchaseStatus, RefundKind, RefundPurchase, Refusal, Shelf, Subscribe, Version,
};
use serde_json::json;

const DAY: &str = "2026-01-10T00:00:00Z";

fn image() -> serde_json::Value {
    json!({ "outputs": 1 })
}

#[test]
fn bug_02_a_member_limit_counts_what_is_held() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let member = MemberId::new("ann").unwrap();
    let limit = Some(MemberLimit { amount: cr(12), window: MemberWindow::Day });
    let as_of_seq = desk.state().chain.seq;
    desk.run(Command::LimitMember(LimitMember { member, limit, settled: Credits::ZERO, as_of_seq })).unwrap();
    desk.submit_for(1, "image.generate", image(), Some("ann")).unwrap();
    let second = desk.submit_for(2, "image.generate", image(), Some("ann"));
    assert!(matches!(second, Err(Refusal::LimitReached { held, .. }) if held == cr(8)), "{second:?}");
    desk.submit_for(3, "image.generate", image(), Some("bob")).unwrap();
}

#[test]
fn bug_07_every_way_to_fail_gives_the_hold_back() {
    let ends: [fn(&mut Desk, reeve_types::LeaseId); 4] = [
        |desk, lease| desk.fail(lease, false, false).unwrap(),
        |desk, lease| desk.complete(lease, &[false]).unwrap(),
        |desk, lease| {
            desk.run(Command::Cancel(Cancel { job: lease.job })).unwrap();
            desk.fail(lease, true, false).unwrap();
        },
        |desk, lease| {
            desk.fail(lease, false, true).unwrap();
            desk.to("2026-01-10T12:00:00Z");
        },
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let mut desk = Desk::open("kive", "basic", DAY);
        let job = desk.submit(1, "image.generate", image()).unwrap();
        let lease = desk.lease(job);
        assert_eq!(desk.held(), cr(8));
        end(&mut desk, lease);
        assert_eq!((desk.available(), desk.held()), (cr(1000), cr(0)), "way {n}");
        assert!(desk.state().jobs.is_empty(), "way {n}");
    }
}

#[test]
fn bug_12_a_fate_that_becomes_known_settles_once_and_one_that_does_not_never() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let job = desk.submit(1, "image.generate", image()).unwrap();
    let lease = desk.lease(job);
    desk.fail(lease, false, true).unwrap();
    desk.complete(lease, &[true]).unwrap();
    assert_eq!(desk.sum(Kind::Settle), cr(8));
    desk.to("2026-01-11T00:00:00Z");
    assert_eq!((desk.sum(Kind::Settle), desk.held()), (cr(8), cr(0)));
}

#[test]
fn bug_11_the_first_close_wins_in_either_order() {
    for late_complete in [true, false] {
        let mut desk = Desk::open("kive", "basic", DAY);
        let job = desk.submit(1, "image.generate", json!({ "outputs": 2 })).unwrap();
        let lease = desk.lease(job);
        let (first, second) = if late_complete {
            (desk.fail(lease, false, false), desk.complete(lease, &[true, true]))
        } else {
            (desk.complete(lease, &[true, false]), desk.fail(lease, false, false))
        };
        assert!(first.is_ok() && matches!(second, Err(Refusal::NotLive { .. })));
        let settled = if late_complete { cr(0) } else { cr(8) };
        assert_eq!(
            (desk.sum(Kind::Settle), desk.available()),
            (settled, cr(1000).checked_sub(settled).unwrap())
        );
    }
}

#[test]
fn bug_19_payment_reports_in_every_order_leave_the_money_and_the_credits_in_step() {
    type Report = fn(&mut Desk, reeve_types::PurchaseId) -> Result<(), Refusal>;
    let reports: [Report; 3] = [
        |desk, id| desk.run(Command::ConfirmPurchase { purchase: id }),
        |desk, id| desk.run(Command::FailPurchase { purchase: id }),
        |desk, id| desk.refund(id, RefundKind::Admin),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut desk = Desk::open("kive", "basic", DAY);
        let id = desk.pay(1, 100, true).unwrap();
        assert_eq!(desk.available(), cr(1000), "pending credits are not there");
        for _ in 0..2 {
            for report in order {
                let _ = reports[report](&mut desk, id);
            }
        }
        // Paid in the end by every order, refunded in the end by the second round at the latest.
        assert_eq!(desk.state().purchases[&id].status, PurchaseStatus::Refunded, "{order:?}");
        assert_eq!(desk.available(), cr(1000), "{order:?}");
        assert_eq!((desk.sum(Kind::ClawBack), desk.count(Kind::Grant)), (cr(100), 2), "{order:?}");
    }
}

#[test]
fn bug_25_a_negative_price_is_no_catalog() {
    let bad = text("kive").replace("price = { rate = 4 }", "price = { rate = -4 }");
    let error = Catalog::parse("kive", &bad).unwrap_err().to_string();
    assert!(error.contains("negative") || error.contains("below"), "{error}");
}

#[test]
fn bug_26_amounts_that_are_not_above_zero_are_refused() {
    let mut desk = Desk::open("kive", "basic", DAY);
    for amount in [0, -5] {
        assert!(matches!(desk.buy(1, amount), Err(Refusal::Invalid { .. })), "{amount}");
    }
    let adjust = Adjust { amount: cr(0), reason: "r".into(), expires_at: None, job: None, scope: None };
    assert!(matches!(desk.run(Command::Adjust(adjust)), Err(Refusal::Invalid { .. })));
    assert_eq!(desk.available(), cr(1000));
}

#[test]
fn bug_29_a_charge_is_split_over_the_lots_that_pay() {
    let mut desk = Desk::open("kira", "free", DAY);
    for n in 0..2 {
        let job = desk.submit(n, "image.edit", json!({})).unwrap();
        let lease = desk.lease(job);
        desk.complete(lease, &[true]).unwrap();
    }
    // 5 are left of the day, 30 of the signup: two outputs take both.
    let job = desk.submit(9, "image.edit", json!({ "outputs": 2 })).unwrap();
    let lease = desk.lease(job);
    desk.complete(lease, &[true, true]).unwrap();
    let of = |source: &str| desk.state().lots.iter().find(|lot| lot.source.as_str() == source).cloned();
    assert!(of("daily").is_none(), "the day's lot is spent");
    assert_eq!(of("signup").unwrap().terms.available, cr(25));
}

#[test]
fn bug_32_a_carry_rule_trims_its_own_sources_only() {
    let mut desk = Desk::open("kive", "basic", DAY);
    desk.buy(1, 900).unwrap();
    desk.to("2026-05-10T00:00:00Z");
    let of = |source: &str| {
        let lots = desk.state().lots.iter().filter(|lot| lot.source.as_str() == source);
        Credits::checked_sum(lots.map(|lot| lot.terms.available)).unwrap()
    };
    assert_eq!((of("plan"), of("pack")), (cr(3000), cr(900)));
}

#[test]
fn bug_33_what_ends_at_the_boundary_is_gone_before_the_grant() {
    let mut desk = Desk::open("kira", "plus", DAY);
    desk.to("2026-02-10T00:00:00Z");
    let plan: Vec<_> = desk.state().lots.iter().filter(|lot| lot.source.as_str() == "plan").collect();
    assert_eq!((plan.len(), plan[0].terms.available), (1, cr(300)));
    let kinds: Vec<Kind> = desk.rows.iter().filter(|row| row.at == desk.now).map(|row| row.kind).collect();
    assert_eq!(kinds, [Kind::Expire, Kind::Grant]);
}

#[test]
fn bug_34_a_status_that_flaps_grants_once() {
    let on_payment = text("kive").replace("renewal = \"automatic\"", "renewal = \"on_payment\"");
    let mut desk = Desk::with(&on_payment, create("kive", "basic"), DAY);
    desk.to("2026-02-10T00:00:00Z");
    assert_eq!(desk.available(), cr(1000), "nothing is granted before it is paid");
    let renew =
        |payment: &str, paid| Command::Renew(reeve_workspace::Renew { payment: payment.into(), paid });
    for (payment, paid) in [("a", false), ("b", true), ("b", true), ("c", false), ("b", true)] {
        let _ = desk.run(renew(payment, paid));
    }
    assert_eq!(desk.available(), cr(2000));
    assert_eq!(desk.count(Kind::Grant), 2);
}

#[test]
fn bug_35_a_new_version_touches_no_lot_and_no_job() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let job = desk.submit(1, "image.generate", image()).unwrap();
    let lots = desk.state().lots.clone();
    let first = desk.shelf.iter().next().unwrap().latest().clone();
    let newer = text("kive").replace("version = 1", "version = 2").replace("rate = 8", "rate = 80");
    let second = Arc::new(Catalog::parse("kive", &newer).unwrap());
    let versions = vec![
        Version { catalog: first, published_at: at("2000-01-01T00:00:00Z") },
        Version { catalog: second, published_at: at("2026-01-20T00:00:00Z") },
    ];
    desk.shelf = Shelf::new(Book::new(versions, Vec::new()));
    desk.to("2026-01-10T00:30:00Z");
    assert_eq!(desk.state().lots, lots);
    let lease = desk.lease(job);
    desk.complete(lease, &[true]).unwrap();
    assert_eq!(desk.sum(Kind::Settle), cr(8), "the price of the quote");
    desk.to("2026-02-10T00:00:00Z");
    assert_eq!(desk.state().profile.catalog_version, 2, "the term that starts after it is published");
    assert!(desk.state().lots.iter().any(|lot| lot.catalog_version == 1));
}

#[test]
fn bug_38_a_month_passes_by_its_date_not_by_its_day() {
    let mut desk = Desk::open("kira", "plus", "2026-01-31T10:00:00Z");
    for (day, grants) in
        [("2026-02-28T09:59:59.999Z", 1), ("2026-02-28T10:00:00Z", 2), ("2026-03-30T10:00:00Z", 2)]
    {
        desk.to(day);
        let plan =
            desk.rows.iter().filter(|row| row.kind == Kind::Grant && row.source.as_str() == "plan").count();
        assert_eq!(plan, grants, "{day}");
    }
}

#[test]
fn bug_40_forty_silent_days_grant_what_forty_days_grant() {
    let (mut daily, mut silent) = (Desk::open("kira", "free", DAY), Desk::open("kira", "free", DAY));
    for hour in (0..40 * 24).step_by(7) {
        daily.now = at(DAY).plus_ms(hour * 3_600_000);
        daily.run(Command::Wake).unwrap();
    }
    daily.to("2026-02-19T00:00:00Z");
    silent.to("2026-02-19T00:00:00Z");
    assert_eq!(daily.rows, silent.rows);
    assert_eq!(daily.state().profile, silent.state().profile);
}

#[test]
fn bug_42_what_has_ended_is_not_spendable_although_no_timer_ran() {
    let mut desk = Desk::open("kira", "plus", DAY);
    desk.run(Command::CancelSubscription).unwrap();
    desk.now = at("2026-02-10T00:00:00Z");
    assert!(matches!(desk.submit(1, "video.generate", json!({})), Err(Refusal::InsufficientCredits { .. })));
}

#[test]
fn bug_47_what_was_billed_is_what_was_delivered() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let job = desk.submit(1, "image.generate", json!({})).unwrap();
    assert_eq!(desk.held(), cr(32));
    let lease = desk.lease(job);
    desk.complete(lease, &[true, false, false, false]).unwrap();
    assert_eq!((desk.sum(Kind::Settle), desk.sum(Kind::Release)), (cr(8), cr(24)));
}

#[test]
fn bug_49_each_row_names_the_attempt_that_made_it() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let job = desk.submit(1, "image.generate", image()).unwrap();
    let first = desk.lease(job);
    desk.fail(first, true, false).unwrap();
    desk.now = desk.now.plus_ms(600_000);
    let second = desk.lease(job);
    assert!(desk.complete(first, &[true]).is_err(), "the lost attempt settles nothing");
    desk.complete(second, &[true]).unwrap();
    let settle = desk.rows.iter().find(|row| row.kind == Kind::Settle).unwrap();
    assert_eq!(settle.attempt, Some(2));
}

#[test]
fn bug_51_a_reversal_takes_once_and_a_won_dispute_restores_once() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let id = desk.buy(1, 500).unwrap();
    for _ in 0..3 {
        desk.refund(id, RefundKind::Chargeback).unwrap();
    }
    assert_eq!((desk.available(), desk.sum(Kind::ClawBack)), (cr(1000), cr(500)));
    for _ in 0..3 {
        desk.run(Command::WinDispute { purchase: id }).unwrap();
    }
    assert_eq!((desk.available(), desk.sum(Kind::Restore)), (cr(1500), cr(500)));
}

#[test]
fn bug_51_a_won_dispute_restores_what_the_dispute_took_and_no_more() {
    use RefundKind::{Admin, Chargeback};
    // What is taken in which order, and what the won dispute leaves: available, given back, status.
    let stories = [
        ([(Admin, Some(200)), (Chargeback, None)], 300),
        ([(Chargeback, Some(200)), (Admin, None)], 200),
        ([(Chargeback, Some(200)), (Admin, Some(100))], 400),
        ([(Chargeback, Some(200)), (Chargeback, None)], 500),
    ];
    for (story, left) in stories {
        let mut desk = Desk::open("kive", "basic", DAY);
        let purchase = desk.buy(1, 500).unwrap();
        for (kind, credits) in story {
            let (reason, credits) = (Some("r".into()), credits.map(cr));
            let refund = RefundPurchase { purchase, kind, reason, credits };
            desk.run(Command::RefundPurchase(refund)).unwrap();
        }
        for _ in 0..2 {
            desk.run(Command::WinDispute { purchase }).unwrap();
        }
        assert_eq!(desk.available(), cr(1000 + left), "{story:?}");
        let row = &desk.state().purchases[&purchase];
        assert_eq!((row.status, row.reversed), (PurchaseStatus::Paid, cr(500 - left)), "{story:?}");
        assert!(desk.state().profile.disputes.is_empty(), "{story:?}");
    }
}

#[test]
fn bug_51_a_won_dispute_forgives_its_own_debt() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let purchase = desk.buy(1, 500).unwrap();
    let refund = |kind, credits: Option<i64>| {
        let (reason, credits) = (Some("r".into()), credits.map(cr));
        Command::RefundPurchase(RefundPurchase { purchase, kind, reason, credits })
    };
    desk.run(refund(RefundKind::Admin, Some(200))).unwrap();
    let take = Adjust { amount: cr(-1200), reason: "r".into(), expires_at: None, job: None, scope: None };
    desk.run(Command::Adjust(take)).unwrap();
    desk.run(refund(RefundKind::Chargeback, None)).unwrap();
    assert_eq!((desk.available(), desk.state().debt), (cr(-200), cr(200)));
    // What is put aside is stored with the profile, as text.
    let text = serde_json::to_string(&desk.state().profile).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), desk.state().profile);
    desk.run(Command::WinDispute { purchase }).unwrap();
    assert_eq!((desk.available(), desk.state().debt), (cr(100), cr(0)));
    let row = &desk.state().purchases[&purchase];
    assert_eq!((row.reversed, row.clawed_back, row.unrecovered), (cr(200), cr(200), cr(0)));
}

#[test]
fn bug_52_a_clawback_below_zero_is_debt_or_is_clamped_as_the_catalog_says() {
    for (policy, left) in [("debt", -300), ("clamp", 0)] {
        let catalog = text("kive").replace("chargeback = \"debt\"", &format!("chargeback = \"{policy}\""));
        let mut desk = Desk::with(&catalog, create("kive", "basic"), DAY);
        let id = desk.buy(1, 500).unwrap();
        let take = Adjust { amount: cr(-1300), reason: "r".into(), expires_at: None, job: None, scope: None };
        desk.run(Command::Adjust(take)).unwrap();
        desk.refund(id, RefundKind::Chargeback).unwrap();
        assert_eq!(desk.available(), cr(left), "{policy}");
        assert_eq!(desk.state().purchases[&id].unrecovered, cr(300), "{policy}: the loss is on record");
        // X12, X13: debt stops what costs, and nothing else.
        assert!(matches!(desk.submit(1, "image.edit", json!({})), Err(Refusal::InsufficientCredits { .. })));
        desk.submit(2, "asset.upload", json!({})).unwrap();
    }
}

#[test]
fn bug_54_free_actions_run_on_an_empty_balance() {
    let mut desk = Desk::open("kive", "free", DAY);
    assert_eq!(desk.available(), cr(0));
    let job = desk.submit(1, "asset.upload", json!({})).unwrap();
    let lease = desk.lease(job);
    desk.complete(lease, &[true]).unwrap();
    assert!(desk.rows.is_empty(), "and leave no row in the ledger");
}

#[test]
fn bug_56_notices_come_once_per_crossing_and_highest_first() {
    let mut desk = Desk::open("kreatorflow", "free", DAY);
    let take = |desk: &mut Desk, n: i64| {
        let take = Adjust { amount: cr(-n), reason: "r".into(), expires_at: None, job: None, scope: None };
        desk.run(Command::Adjust(take)).unwrap();
        desk.notices.drain(..).filter(|kind| kind.starts_with("credits.")).collect::<Vec<_>>()
    };
    desk.notices.clear();
    assert_eq!(take(&mut desk, 8), Vec::<&str>::new(), "12 of 20 are left");
    assert_eq!(take(&mut desk, 12), ["credits.low", "credits.low", "credits.exhausted"]);
    let give = Adjust { amount: cr(12), reason: "r".into(), expires_at: None, job: None, scope: None };
    desk.run(Command::Adjust(give)).unwrap();
    desk.notices.clear();
    assert_eq!(take(&mut desk, 3), ["credits.low"], "armed again by going above");
}

#[test]
fn bug_58_every_row_says_what_it_was_for() {
    let mut desk = Desk::open("kive", "basic", DAY);
    let job = desk.submit_for(1, "image.generate", json!({ "outputs": 2 }), Some("ann")).unwrap();
    let lease = desk.lease(job);
    desk.complete(lease, &[true, true]).unwrap();
    let outputs: Vec<_> = desk
        .rows
        .iter()
        .filter(|row| row.kind == Kind::Settle)
        .map(|row| (row.job, row.attempt, row.output))
        .collect();
    assert_eq!(outputs, [(Some(job), Some(1), Some(0)), (Some(job), Some(1), Some(1))]);
    assert!(
        desk.rows.iter().all(|row| row.kind == Kind::Grant || row.action.is_some() && row.member.is_some())
    );
}

#[test]
fn bug_62_going_up_and_down_again_grants_nothing() {
    let wanted = Create { seats: 2, ..create("ai-studios", "team") };
    let mut desk = Desk::with(&text("ai-studios"), wanted, DAY);
    let seats = |desk: &mut Desk, seats: u32| {
        let plan = reeve_types::PlanName::new("team").unwrap();
        let wanted = Subscribe { plan, allotment: None, interval: None, seats: Some(seats) };
        desk.run(Command::Subscribe(wanted)).unwrap();
    };
    assert_eq!(desk.available(), cr(300));
    for _ in 0..5 {
        seats(&mut desk, 3);
        seats(&mut desk, 2);
    }
    assert_eq!(desk.available(), cr(450), "the third seat is granted once");
}
