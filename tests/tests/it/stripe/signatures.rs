//! Who may tell: only what is signed with a secret of the server, lately.

use serde_json::json;

use super::account::{Account, OPENED, OPENED_AT, PATH, PRICES, SECRET, event, server, session, signature};
use super::counted;
use crate::fixture::{Server, Tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_changes_nothing() {
    let server = server(PRICES);
    let acme = Tenant::open(&server.admin(), json!({"id": "acme", "catalog": "kive", "plan": "basic"})).await;
    let stripe = Account::of(&server);
    let event = event(1, "checkout.session.completed", session("acme", "pi_1", ("price_hundred", 1), "paid"));
    let body = event.to_string();
    let good = signature(SECRET, OPENED_AT, &body);
    let more = body.replace("\"reeve_quantity\":\"1\"", "\"reeve_quantity\":\"9\"");
    assert_ne!(more, body);
    let bad = [
        (String::new(), body.clone()),
        ("t=1,v1=00".to_owned(), body.clone()),
        (signature("whsec_of_somebody_else", OPENED_AT, &body), body.clone()),
        (good.clone(), more),
        (signature(SECRET, OPENED_AT - 301, &body), body.clone()),
        (signature(SECRET, OPENED_AT + 301, &body), body.clone()),
        (good.replace("v1=", "v0="), body.clone()),
    ];
    for (header, body) in bad {
        stripe.send_as(&header, body).await.problem(400, "invalid_signature");
    }
    let unsigned = stripe.api.post(PATH, event.clone()).await;
    unsigned.problem(400, "invalid_signature");
    // A key of the server signs nothing either.
    server.admin().post(PATH, event.clone()).await.problem(400, "invalid_signature");
    assert_eq!(counted(&stripe, "bad_signature").await, 9);
    assert_eq!(acme.available().await, 1_000);
    stripe.send_as(&good, body.clone()).await.ok(200);
    assert_eq!(acme.available().await, 1_100);
    // Signed, but no event.
    for (text, status) in [("not json", 400), ("{}", 422), ("{\"id\":\"evt 1\"}", 422), ("[]", 422)] {
        let header = signature(SECRET, OPENED_AT, text);
        stripe.send_as(&header, text.to_owned()).await.problem(status, "invalid_request");
    }
    let large = "x".repeat((1 << 20) + 1);
    stripe.send_as(&good, large).await.problem(413, "payload_too_large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_secret_is_replaced_both_sign() {
    let secrets = format!("whsec_of_tomorrow,{SECRET}");
    let server = Server::configured_at(PRICES, &[("REEVE_STRIPE_SECRET", &secrets)], OPENED);
    let stripe = Account::of(&server);
    for (n, secret) in ["whsec_of_tomorrow", SECRET].into_iter().enumerate() {
        let body = event(n as i64, "customer.created", json!({"id": "cus_1"})).to_string();
        let answer = stripe.send_as(&signature(secret, OPENED_AT, &body), body).await.ok(200);
        assert_eq!(answer["outcome"], "ignored");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_nothing_is_taken() {
    let server = Server::configured_at(PRICES, &[], OPENED);
    let stripe = Account::of(&server);
    let body = event(1, "customer.created", json!({})).to_string();
    stripe.send_as(&signature("", OPENED_AT, &body), body).await.problem(404, "not_found");
}
