//! Events twice, late and out of order, while the server is killed: the same books as in order.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::account::{
    Account, PRICES, charge, dispute, event, items, server, session, subscription, updated,
};
use crate::fixture::{Server, Tenant, pause_ms, spawn, verify};

/// A month of a customer, as the provider has it.
fn story() -> Vec<Value> {
    let (basic, pro) = ([("price_basic", 1)], [("price_pro", 1)]);
    let of = |prices: &[(&str, u32)]| subscription("acme", prices, "active");
    let buy = |payment: &str, status: &str| session("acme", payment, ("price_hundred", 2), status);
    let mut leaving = of(&pro);
    leaving["cancel_at_period_end"] = json!(true);
    vec![
        event(1, "customer.subscription.created", subscription("acme", &basic, "incomplete")),
        updated(1, of(&basic), json!({"status": "incomplete"})).tap_id("evt_1b"),
        event(2, "checkout.session.completed", buy("pi_1", "unpaid")),
        event(3, "checkout.session.async_payment_succeeded", buy("pi_1", "paid")),
        updated(4, of(&pro), json!({"items": items(&basic)})),
        event(5, "checkout.session.completed", buy("pi_2", "paid")),
        event(6, "charge.refunded", charge("pi_1", 250)),
        event(7, "charge.refunded", charge("pi_1", 500)),
        event(8, "charge.dispute.created", dispute("pi_2", "needs_response")),
        event(9, "charge.dispute.closed", dispute("pi_2", "won")),
        event(10, "checkout.session.completed", buy("pi_3", "unpaid")),
        event(11, "checkout.session.async_payment_failed", buy("pi_3", "unpaid")),
        updated(12, leaving.clone(), json!({"cancel_at_period_end": false})),
        updated(13, of(&pro), json!({"cancel_at_period_end": true})),
        event(14, "charge.dispute.created", dispute("pi_1", "under_review")),
        event(15, "charge.dispute.closed", dispute("pi_1", "lost")),
    ]
}

trait TapId {
    fn tap_id(self, id: &str) -> Self;
}

impl TapId for Value {
    /// Two events of one second need two ids.
    fn tap_id(mut self, id: &str) -> Self {
        self["id"] = json!(id);
        self
    }
}

/// What the books say, without ids.
async fn told(tenant: &Tenant) -> Value {
    let view = tenant.view().await;
    let purchases = tenant.api.get(&tenant.path("/purchases")).await.ok(200);
    let mut purchases: Vec<Value> = purchases["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["payment"], row["status"], row["refunded"], row["credits"], row["restored"]]))
        .collect();
    purchases.sort_by_key(Value::to_string);
    json!([tenant.available().await, view["plan"], view["allotment"], view["status"], purchases])
}

async fn opened(server: &Server) -> Tenant {
    Tenant::open(&server.admin(), json!({"id": "acme", "catalog": "kive"})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_with_repeats_leads_to_the_same_books() {
    let ordered = server(PRICES);
    let acme = opened(&ordered).await;
    Account::of(&ordered).deliver(&story()).await;
    let expected = told(&acme).await;
    // 6,000 of the plans; half of 200 given back and the rest charged back and lost; 200 won.
    assert_eq!(expected[0], 6_200, "{expected}");
    let mut dice = StdRng::seed_from_u64(7);
    for _ in 0..4 {
        let other = server(PRICES);
        let acme = opened(&other).await;
        let mut events = story();
        for _ in 0..6 {
            events.push(events[dice.random_range(0..events.len())].clone());
        }
        events.shuffle(&mut dice);
        let stripe = Account::of(&other);
        stripe.deliver(&events).await;
        assert_eq!(told(&acme).await, expected);
        // All of it once more.
        for event in story() {
            assert_eq!(stripe.send(&event).await.status, 200);
        }
        assert_eq!(told(&acme).await, expected);
        acme.books().await;
        verify(&acme.api).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_or_inside_deliveries_changes_nothing() {
    let ordered = server(PRICES);
    let expected = {
        let acme = opened(&ordered).await;
        Account::of(&ordered).deliver(&story()).await;
        told(&acme).await
    };
    drop(ordered);
    let mut server = server(PRICES);
    let acme = opened(&server).await;
    let mut dice = StdRng::seed_from_u64(11);
    let mut events = story();
    events.shuffle(&mut dice);
    for chunk in events.chunks(4) {
        let stripe = Account::of(&server);
        // All at once, and the server dies at some moment of it.
        let sent: Vec<_> = chunk
            .iter()
            .cloned()
            .map(|event| {
                let stripe = stripe.clone();
                spawn(async move {
                    let body = event.to_string();
                    let header = super::account::signature(super::account::SECRET, stripe.now, &body);
                    let request = stripe.api.request(reqwest::Method::POST, super::account::PATH);
                    let request = request.header("Stripe-Signature", header).timeout(Duration::from_secs(20));
                    drop(stripe.api.try_send(request.body(body)).await);
                })
            })
            .collect();
        pause_ms(dice.random_range(0..25)).await;
        tokio::task::block_in_place(|| server.restart());
        for sending in sent {
            sending.await.unwrap();
        }
    }
    // The provider never heard of most of them, so it sends all of them again.
    Account::of(&server).deliver(&events).await;
    let acme = Tenant { api: server.admin(), ..acme };
    assert_eq!(told(&acme).await, expected);
    acme.books().await;
    verify(&acme.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_event_many_times_at_once_is_taken_once() {
    let server = server(PRICES);
    let acme = opened(&server).await;
    let stripe = Account::of(&server);
    let made = event(1, "customer.subscription.created", subscription("acme", &[("price_pro", 1)], "active"));
    let answers = futures_util::future::join_all((0..16).map(|_| stripe.send(&made))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    // Two events about one payment, each several times.
    let bought = session("acme", "pi_1", ("price_hundred", 5), "paid");
    let kinds = ["checkout.session.completed", "checkout.session.async_payment_succeeded"];
    let events = [event(2, kinds[0], bought.clone()), event(3, kinds[1], bought)];
    let answers = futures_util::future::join_all((0..16).map(|n| stripe.send(&events[n % 2]))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(acme.available().await, 5_500);
    assert_eq!(acme.api.get(&acme.path("/purchases")).await.ok(200)["data"].as_array().unwrap().len(), 1);
    verify(&acme.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_comes_is_waited_for_an_hour() {
    let server = server(PRICES);
    let acme = opened(&server).await;
    let mut stripe = Account::of(&server);
    let (basic, pro) = ([("price_basic", 1)], [("price_pro", 1)]);
    let changed = updated(4, subscription("acme", &pro, "active"), json!({"items": items(&basic)}));
    let refund = event(5, "charge.refunded", charge("pi_of_another_product", 1_000));
    for early in [&changed, &refund] {
        stripe.send(early).await.problem(409, "conflict");
    }
    acme.api.clock("2026-01-10T01:00:06Z").await;
    stripe.now += 3_606;
    assert_eq!(stripe.send(&changed).await.ok(200)["outcome"], "done", "as told");
    assert_eq!(acme.available().await, 5_000);
    assert_eq!(stripe.send(&refund).await.ok(200)["outcome"], "ignored", "nobody's");
    let mut theirs = event(2, "charge.refunded", charge("pi_unknown", 1_000));
    theirs["data"]["object"]["metadata"]["reeve_workspace"] = json!("acme");
    assert_eq!(stripe.send(&theirs).await.ok(200)["outcome"], "given_up");
    // The one that should have come first is an echo by now.
    let made = event(1, "customer.subscription.created", subscription("acme", &basic, "active"));
    stripe.send(&made).await.ok(200);
    assert_eq!(acme.available().await, 5_000);
}
