//! Stripe's webhook, end to end: what it sells, whose it is, disorder, repeats, crashes, forgeries.

mod account;
mod disorder;
mod mapping;
mod signatures;
mod whose;

use serde_json::{Value, json};

use crate::fixture::{Tenant, verify};
use account::{
    Account, OPENED_AT, PRICES, charge, dispute, event, invoice, items, server, session, subscription,
    updated,
};

/// A text of the provider's figures: how many events had this outcome.
async fn counted(account: &Account, outcome: &str) -> u64 {
    let page = account.api.get("/metrics").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let name = format!("reeve_stripe_events_total{{outcome=\"{outcome}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

async fn outcome(account: &Account, event: &Value) -> String {
    account.send(event).await.ok(200)["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_s_life_from_the_first_payment_to_the_last_day() {
    let server = server(PRICES);
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive"})).await;
    let mut stripe = Account::of(&server);

    // Awaits its first payment: nothing yet.
    let basic = [("price_basic", 1)];
    let made = event(1, "customer.subscription.created", subscription("acme", &basic, "incomplete"));
    assert_eq!(outcome(&stripe, &made).await, "done");
    assert_eq!(acme.view().await["plan"], "free");
    let active = subscription("acme", &basic, "active");
    stripe.send(&updated(2, active.clone(), json!({"status": "incomplete"}))).await.ok(200);
    assert_eq!(acme.available().await, 1_000);
    // The invoice of the first payment comes with it and grants nothing of its own.
    let mut first = invoice("acme", "in_1", "price_basic", OPENED_AT);
    first["billing_reason"] = json!("subscription_create");
    assert_eq!(outcome(&stripe, &event(3, "invoice.paid", first)).await, "ignored");

    // 3 x 100 credits, by a method that pays later.
    let bought = session("acme", "pi_1", ("price_hundred", 3), "unpaid");
    stripe.send(&event(4, "checkout.session.completed", bought.clone())).await.ok(200);
    assert_eq!(acme.available().await, 1_000, "KV-08");
    let mut paid = bought;
    paid["payment_status"] = json!("paid");
    stripe.send(&event(5, "checkout.session.async_payment_succeeded", paid)).await.ok(200);
    assert_eq!(acme.available().await, 1_300);

    // A third of the money back, then the bank takes it all, then the bank decides for the platform.
    stripe.send(&event(6, "charge.refunded", charge("pi_1", 333))).await.ok(200);
    assert_eq!(acme.available().await, json!(1_200.1));
    stripe.send(&event(7, "charge.dispute.created", dispute("pi_1", "needs_response"))).await.ok(200);
    assert_eq!(acme.available().await, 1_000);
    stripe.send(&event(8, "charge.dispute.closed", dispute("pi_1", "won"))).await.ok(200);
    assert_eq!(acme.available().await, json!(1_200.1), "what was given back stays given back");
    let inquiry = dispute("pi_1", "warning_needs_response");
    assert_eq!(outcome(&stripe, &event(9, "charge.dispute.created", inquiry)).await, "ignored");

    // Up, then leaving, then staying.
    let pro = [("price_pro", 1)];
    let higher = subscription("acme", &pro, "active");
    stripe.send(&updated(10, higher.clone(), json!({"items": items(&basic)}))).await.ok(200);
    assert_eq!(acme.available().await, json!(6_200.1));
    let mut leaving = higher.clone();
    leaving["cancel_at_period_end"] = json!(true);
    stripe.send(&updated(11, leaving.clone(), json!({"cancel_at_period_end": false}))).await.ok(200);
    assert_eq!(acme.view().await["status"], "canceling");
    stripe.send(&updated(12, higher.clone(), json!({"cancel_at_period_end": true}))).await.ok(200);
    assert_eq!(acme.view().await["status"], "active");

    // A renewal by itself; its invoice grants no second time.
    api.clock("2026-02-10T01:00:00Z").await;
    stripe.now = OPENED_AT + 31 * 86_400 + 3_600;
    assert_eq!(acme.available().await, json!(11_200.1));
    let renewed = invoice("acme", "in_2", "price_pro", OPENED_AT + 31 * 86_400);
    stripe.send(&event(31 * 86_400 + 3_600, "invoice.paid", renewed)).await.ok(200);
    assert_eq!(acme.available().await, json!(11_200.1));

    // The last day: the provider ends it, the credits last as long as the catalog says (KV-12).
    stripe.send(&updated(32 * 86_400, leaving, json!({"cancel_at_period_end": false}))).await.ok(200);
    api.clock("2026-03-10T00:00:05Z").await;
    stripe.now = OPENED_AT + 59 * 86_400 + 5;
    assert_eq!((acme.view().await["plan"].clone(), acme.available().await), (json!("free"), json!(0)));
    let ended = subscription("acme", &pro, "canceled");
    stripe.send(&event(59 * 86_400, "customer.subscription.deleted", ended)).await.ok(200);
    assert_eq!(acme.view().await["status"], "active");
    assert_eq!(counted(&stripe, "ignored").await, 2);
    assert_eq!(counted(&stripe, "refused").await + counted(&stripe, "waiting").await, 0);
    acme.books().await;
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_units_and_packs_follow_their_prices() {
    let server = server(PRICES);
    let api = server.admin();
    let team = Tenant::open(&api, json!({"id": "team", "catalog": "ai-studios"})).await;
    let shop = Tenant::open(&api, json!({"id": "shop", "catalog": "kreatorflow"})).await;
    let stripe = Account::of(&server);
    let four = [("price_team", 4), ("price_unit", 1), ("price_of_another_product", 9)];
    let made = subscription("team", &four, "trialing");
    stripe.send(&event(1, "customer.subscription.created", made)).await.ok(200);
    let view = team.view().await;
    assert_eq!((&view["plan"], &view["seats"]), (&json!("team"), &json!(4)));
    assert_eq!(team.available().await, 800, "AS-04: 4 x 150, AS-07: and 200");
    let bought = session("shop", "pi_1", ("price_creator_pack", 1), "paid");
    stripe.send(&event(2, "checkout.session.completed", bought)).await.ok(200);
    assert_eq!(shop.available().await, 220);
    let two = session("shop", "pi_2", ("price_creator_pack", 2), "paid");
    stripe.send(&event(3, "checkout.session.completed", two)).await.problem(422, "invalid_request");
    // A price of one catalog does not sell to a workspace on another.
    let wrong = session("shop", "pi_3", ("price_hundred", 1), "paid");
    stripe.send(&event(4, "checkout.session.completed", wrong)).await.problem(409, "conflict");
    assert_eq!(shop.available().await, 220);
    verify(&api).await;
}
