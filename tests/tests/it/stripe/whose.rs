//! Whose an event is: as it says itself, as its payment says, or as its customer was told to be.

use serde_json::{Value, json};

use super::account::{Account, PRICES, event, server, session, subscription};
use super::{counted, outcome};
use crate::fixture::{Tenant, verify};

/// An event that says nothing of this server.
fn without_name(mut event: Value) -> Value {
    let metadata = event["data"]["object"]["metadata"].as_object_mut().unwrap();
    metadata.remove("reeve_workspace");
    event
}

fn customer(name: &str) -> String {
    format!("/v1/integrations/stripe/customers/{name}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_customer_is_refused_until_somebody_says_whose_it_is() {
    let server = server(PRICES);
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive"})).await;
    let other = Tenant::open(&api, json!({"id": "other", "catalog": "kive"})).await;
    let stripe = Account::of(&server);
    let made =
        event(1, "customer.subscription.created", subscription("acme", &[("price_basic", 1)], "active"));
    let made = without_name(made);
    let refused = stripe.send(&made).await.problem(404, "not_found");
    assert!(refused["detail"].as_str().unwrap().contains("cus_acme"), "{refused}");
    assert_eq!(counted(&stripe, "unmatched").await, 1);
    api.get(&customer("cus_acme")).await.problem(404, "not_found");

    let put = api.put(&customer("cus_acme"), json!({"workspace": "acme"})).await.ok(200);
    assert_eq!(put, json!({"customer": "cus_acme", "workspace": "acme"}));
    assert_eq!(outcome(&stripe, &made).await, "done", "the very same event");
    assert_eq!(acme.available().await, 1_000);
    assert_eq!(api.get(&customer("cus_acme")).await.ok(200)["workspace"], "acme");

    // Moved, and forgotten.
    api.put(&customer("cus_acme"), json!({"workspace": "other"})).await.ok(200);
    assert_eq!(api.get(&customer("cus_acme")).await.ok(200)["workspace"], "other");
    let bought =
        event(2, "checkout.session.completed", session("acme", "pi_1", ("price_hundred", 1), "paid"));
    stripe.send(&without_name(bought.clone())).await.problem(403, "not_entitled");
    assert_eq!(other.available().await, 0);
    // What an event says itself goes first.
    stripe.send(&bought).await.ok(200);
    assert_eq!(acme.available().await, 1_100);
    assert_eq!(api.delete(&customer("cus_acme")).await.status, 204);
    api.delete(&customer("cus_acme")).await.problem(404, "not_found");
    api.put(&customer("cus_acme"), json!({"workspace": "nobody"})).await.problem(422, "invalid_request");
    let workspace_key = api.post("/v1/keys", json!({"role": "workspace", "workspace": "acme"})).await.ok(201);
    let own = api.with_key(workspace_key["key"].as_str());
    own.get(&customer("cus_acme")).await.problem(403, "forbidden");
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_learned_from_what_names_its_workspace() {
    let mut server = server(PRICES);
    let acme = Tenant::open(&server.admin(), json!({"id": "acme", "catalog": "kive"})).await;
    let stripe = Account::of(&server);
    let mut checkout = session("acme", "unused", ("price_basic", 1), "paid");
    checkout["mode"] = json!("subscription");
    stripe.send(&event(1, "checkout.session.completed", checkout)).await.ok(200);
    tokio::task::block_in_place(|| server.restart());
    let stripe = Account { api: server.admin().with_key(None), ..stripe };
    let made = event(2, "customer.subscription.created", subscription("acme", &[("price_pro", 1)], "active"));
    stripe.send(&without_name(made)).await.ok(200);
    let acme = Tenant { api: server.admin(), ..acme };
    assert_eq!(acme.available().await, 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sold_by_nothing_here_is_nobody_s() {
    let server = server(PRICES);
    let stripe = Account::of(&server);
    let theirs = [("price_of_another_product", 1)];
    let made = event(1, "customer.subscription.created", subscription("acme", &theirs, "active"));
    let bought = event(2, "checkout.session.completed", session("acme", "pi_1", theirs[0], "paid"));
    let mut plain = bought.clone();
    plain["data"]["object"]["metadata"] = Value::Null;
    for event in [without_name(made.clone()), without_name(bought.clone()), plain] {
        assert_eq!(outcome(&stripe, &event).await, "ignored");
    }
    // Named, it is ours, and something is missing.
    for event in [made, bought] {
        let refused = stripe.send(&event).await.problem(422, "invalid_request");
        assert!(refused["detail"].as_str().unwrap().contains("price_of_another_product"), "{refused}");
    }
    let known =
        event(3, "customer.subscription.created", subscription("nobody", &[("price_pro", 1)], "active"));
    stripe.send(&known).await.problem(404, "not_found");
}
