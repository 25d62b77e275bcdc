//! Purchases, members, refunds, and balances at any instant.

use std::sync::Arc;

use reeve_actors::{Answer, Call};
use reeve_types::{Credits, MemberId, PurchaseId};
use reeve_workspace::{
    Command, Kind, MemberLimit, MemberWindow, Promotion, Purchase, RefundKind, RefundPurchase, Refusal,
};

use super::house::{DAY_MS, START, buy, cr, house, manual_house, ws};

fn kive_pack(n: u128, credits: i64) -> Command {
    let purchase = Purchase { pack: None, credits: Some(cr(credits)), ..buy(n, &format!("payment {n}")) };
    Command::Purchase(Box::new(purchase))
}

#[actix_rt::test]
async fn kv_09_fifty_parallel_purchases_stop_exactly_at_the_cap() {
    let house = house().await;
    let id = house.open_on("acme", ("kive", "pro"), None).await; // 2,000 a month
    let buys = (0..50).map(|n| house.run(&id, kive_pack(n, 100)));
    let results = futures_util::future::join_all(buys).await;
    let bought = results.iter().filter(|r| matches!(r.as_ref().unwrap().answer, Answer::Purchase(_))).count();
    let capped = |answer: &Answer| matches!(answer, Answer::Refused(Refusal::LimitReached { .. }));
    let refused = results.iter().filter(|r| capped(&r.as_ref().unwrap().answer)).count();
    assert_eq!((bought, refused), (20, 30));
    assert_eq!(house.available(&id).await, cr(4_000));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_refund_that_is_repeated_claws_back_once() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.run(&id, Command::Purchase(Box::new(buy(1, "p")))).await.unwrap();
    assert_eq!(house.available(&id).await, cr(150));
    let refund = || {
        Command::RefundPurchase(RefundPurchase {
            purchase: PurchaseId::from_parts(START, 1),
            kind: RefundKind::Admin,
            reason: Some("asked for".into()),
            credits: None,
        })
    };
    let (one, other) = futures_util::future::join(house.run(&id, refund()), house.run(&id, refund())).await;
    assert_eq!(one.unwrap().answer, other.unwrap().answer);
    assert_eq!(house.available(&id).await, cr(100));
    let clawed_back = house.ledger(&id).await.into_iter().filter(|row| row.kind == Kind::ClawBack).count();
    assert_eq!(clawed_back, 1);
    let (owner, row) = house.engine.purchase(PurchaseId::from_parts(START, 1)).await.unwrap().unwrap();
    assert_eq!((owner, row.clawed_back), (id.clone(), cr(50)));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_members_limit_counts_what_was_settled_before_it_was_set() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    let member = MemberId::new("ada").unwrap();
    let submit = async || {
        let Command::Submit(mut submit) = house.job() else { unreachable!() };
        submit.member = Some(member.clone());
        house.run(&id, Command::Submit(submit)).await.unwrap().answer
    };
    assert!(matches!(submit().await, Answer::Admitted(_)));
    let lease = house.lease(1, 10_000).await[0].lease;
    house.complete(lease).await;
    let limit = Some(MemberLimit { amount: cr(5), window: MemberWindow::BillingMonth });
    let limited = house.engine.limit_member(&id, member.clone(), limit, Call::default()).await.unwrap();
    assert!(matches!(limited.answer, Answer::Workspace(_)), "{:?}", limited.answer);
    assert!(matches!(submit().await, Answer::Admitted(_)));
    assert!(matches!(submit().await, Answer::Refused(Refusal::LimitReached { .. })), "2 + 2 + 2 is above 5");
    let members = house.engine.members(&id).await.unwrap().unwrap();
    assert_eq!((members[0].settled, members[0].held), (cr(2), cr(2)));
    house.engine.limit_member(&id, member.clone(), None, Call::default()).await.unwrap();
    assert!(matches!(submit().await, Answer::Admitted(_)), "lifted");
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_members_limit_is_set_although_a_renewal_is_due_and_others_spend() {
    let house = house().await;
    let id = house.open("acme", "creator").await;
    house.clock.advance_ms(40 * DAY_MS);
    let limit = Some(MemberLimit { amount: cr(5), window: MemberWindow::Day });
    let member = MemberId::new("ada").unwrap();
    let spend = futures_util::future::join_all((0..10).map(|_| house.run(&id, house.job())));
    let set = house.engine.limit_member(&id, member, limit, Call::default());
    let (_, limited) = futures_util::future::join(spend, set).await;
    assert!(matches!(limited.unwrap().answer, Answer::Workspace(_)));
    house.assert_sound(&id).await;
}

#[actix_rt::test]
async fn a_limit_in_a_workspace_that_is_not_there_is_refused() {
    let house = house().await;
    let limit = Some(MemberLimit { amount: cr(5), window: MemberWindow::Day });
    let member = MemberId::new("ada").unwrap();
    let executed = house.engine.limit_member(&ws("nobody"), member, limit, Call::default()).await.unwrap();
    assert!(matches!(executed.answer, Answer::Refused(Refusal::NoSuchWorkspace { .. })));
}

#[actix_rt::test]
async fn a_balance_is_told_for_the_past_for_now_and_for_later() {
    let house = manual_house().await;
    let id = house.open_on("acme", ("kive", "basic"), None).await;
    house.advance_days(1).await;
    house.run(&id, kive_pack(1, 500)).await.unwrap();
    house.advance_days(1).await;
    let at = async |days: i64| {
        let at = START.plus_ms(days * DAY_MS);
        let balance = house.engine.balance_at(&id, at).await.unwrap().unwrap().unwrap();
        assert_eq!(balance.as_of, at);
        balance.view.available
    };
    assert_eq!(
        (at(-1).await, at(0).await, at(1).await, at(2).await),
        (cr(0), cr(1_000), cr(1_500), cr(1_500))
    );
    assert_eq!((at(31).await, at(62).await), (cr(2_500), cr(3_500)), "renewals to come");
    let next = house.engine.balance(&id).await.unwrap().unwrap().next.unwrap();
    assert_eq!((next.kind, next.amount), (Kind::Grant, cr(1_000)));
    assert_eq!(house.available(&id).await, cr(1_500), "a forecast changes nothing");
    let far = house.engine.balance_at(&id, START.plus_ms(4_000 * DAY_MS)).await.unwrap().unwrap();
    assert!(matches!(far, Err(Refusal::Invalid { .. })));
    // Nobody touched it for two months, and the past between is known all the same.
    house.advance_days(60).await;
    assert_eq!(at(31).await, cr(2_500));
    house.run(&id, Command::Wake).await.unwrap();
    assert_eq!(at(31).await, cr(2_500), "also once it is written");
}

#[actix_rt::test]
async fn kv_27_a_promotion_doubles_purchases_while_it_runs() {
    let house = manual_house().await;
    let id = house.open_on("acme", ("kive", "pro"), None).await;
    let promotion = |catalog: &str, source: &str| Promotion {
        id: Arc::from("spring"),
        catalog: catalog.parse().unwrap(),
        source: source.parse().unwrap(),
        from: START,
        to: START.plus_ms(DAY_MS),
        factor: serde_json::from_str("2").unwrap(),
    };
    for bad in [promotion("nothing", "promo"), promotion("kive", "pack")] {
        assert!(house.engine.put_promotion(bad).await.unwrap().is_err());
    }
    house.engine.put_promotion(promotion("kive", "promo")).await.unwrap().unwrap();
    assert_eq!(house.engine.promotions().len(), 1);
    house.run(&id, kive_pack(1, 100)).await.unwrap();
    assert_eq!(house.available(&id).await, cr(2_200));
    house.advance_days(1).await;
    house.run(&id, kive_pack(2, 100)).await.unwrap();
    assert_eq!(house.available(&id).await, cr(2_300), "at its end exactly it is over");
    assert_eq!(house.engine.balance(&id).await.unwrap().unwrap().view.debt, Credits::ZERO);
}
