//! Payment events as they really come: twice, out of order, for somebody else, while the server is killed.

use serde_json::{Value, json};

use crate::fixture::{Answer, Server, Tenant, verify};

/// What a platform's payment provider tells, one call each.
struct Events<'a> {
    tenant: &'a Tenant,
    id: String,
}

impl Events<'_> {
    async fn tell(&self, what: &str, body: Value) -> Answer {
        self.tenant.api.post(&format!("/v1/purchases/{}/{what}", self.id), body).await
    }
}

async fn pending<'a>(tenant: &'a Tenant, payment: &str) -> Events<'a> {
    let made = tenant.buy(json!({"pack": "creator", "payment": payment, "status": "pending"})).await.ok(201);
    Events { tenant, id: made["id"].as_str().unwrap().to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bug_19_whatever_order_events_come_in_a_payment_grants_once() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kreatorflow"})).await;
    let chargeback = json!({"kind": "chargeback", "reason": "bank"});

    let one = pending(&acme, "p1").await;
    one.tell("dispute_won", json!({})).await.problem(409, "conflict");
    one.tell("refund", chargeback.clone()).await.problem(409, "conflict");
    one.tell("fail", json!({})).await.ok(200);
    one.tell("fail", json!({})).await.ok(200);
    assert_eq!(acme.available().await, 20);
    one.tell("confirm", json!({})).await.ok(200);
    one.tell("confirm", json!({})).await.ok(200);
    assert_eq!(acme.available().await, 220, "the money is there: it counts more than the failure told first");
    one.tell("fail", json!({})).await.problem(409, "conflict");
    one.tell("refund", chargeback.clone()).await.ok(200);
    assert_eq!(acme.available().await, 20);
    one.tell("confirm", json!({})).await.problem(409, "conflict");
    for _ in 0..2 {
        assert_eq!(one.tell("dispute_won", json!({})).await.ok(200)["status"], "paid");
    }
    assert_eq!(acme.available().await, 220, "bug 51: won once");

    // Two confirmations and a purchase told `paid` at the same time.
    let two = pending(&acme, "p2").await;
    let paid = json!({"pack": "creator", "payment": "p2"});
    let (a, b, c) =
        tokio::join!(two.tell("confirm", json!({})), two.tell("confirm", json!({})), acme.buy(paid));
    assert_eq!((a.status, b.status, c.status), (200, 200, 200), "{} {} {}", a.text(), b.text(), c.text());
    assert_eq!(acme.available().await, 420, "bug 18");
    acme.books().await;
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_belongs_to_one_workspace_and_nobody_hears_whose() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kreatorflow"})).await;
    let other = Tenant::open(&api, json!({"id": "other", "catalog": "kreatorflow"})).await;
    let body = json!({"pack": "starter", "payment": "p1"});
    let first = acme.buy(body.clone()).await;
    first.ok(201);
    let again = acme.buy(body.clone()).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    let stolen = other.buy(body.clone()).await.problem(409, "conflict");
    assert!(!stolen["detail"].as_str().unwrap().contains("acme"), "{stolen}");
    acme.buy(json!({"pack": "pro", "payment": "p1"})).await.problem(409, "conflict");
    let both = json!({"pack": "pro", "payment": "p2"});
    let (a, b) = tokio::join!(acme.buy(both.clone()), other.buy(both));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "the same payment at the same time, for two");
    let none = api.post("/v1/purchases/pur_00000000000000000000000000000001/confirm", json!({})).await;
    none.problem(404, "not_found");
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_money_is_repeated_not_done_again_also_after_a_crash() {
    let mut server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive", "plan": "pro"})).await;
    let trial = Tenant::open(&api, json!({"id": "trial", "catalog": "kive"})).await;
    let events = acme.buy(json!({"credits": 100, "payment": "p0", "status": "pending"})).await.ok(201);
    let purchase = format!("/v1/purchases/{}", events["id"].as_str().unwrap());
    let changes = [
        (acme.path("/purchases"), json!({"credits": 50, "payment": "p1"}), 201),
        (format!("{purchase}/confirm"), json!({}), 200),
        (format!("{purchase}/refund"), json!({"kind": "chargeback", "reason": "bank"}), 200),
        (format!("{purchase}/dispute_won"), json!({}), 200),
        (acme.path("/subscription"), json!({"plan": "pro", "allotment": 5000}), 200),
        (acme.path("/subscription"), json!({"plan": "basic"}), 200),
        (acme.path("/subscription/resume"), json!({}), 200),
        (acme.path("/renewals"), json!({"payment": "r1", "status": "paid"}), 200),
        (trial.path("/trial"), json!({}), 201),
        (acme.path("/adjustments"), json!({"amount": 5, "reason": "sorry"}), 201),
        (acme.path("/subscription"), json!({"plan": "none"}), 422),
        (acme.path("/trial"), json!({}), 403),
    ];
    let mut firsts = Vec::new();
    for (n, (path, body, status)) in changes.iter().enumerate() {
        let first = api.post_as(&format!("change-{n}"), path, body).await;
        assert_eq!(first.status, *status, "{path}: {}", first.text());
        firsts.push(first);
    }
    let books = acme.books().await;
    for restart in [false, true] {
        if restart {
            tokio::task::block_in_place(|| server.restart());
        }
        for (n, (path, body, _)) in changes.iter().enumerate() {
            let again = server.admin().post_as(&format!("change-{n}"), path, body).await;
            assert!(again.is_replay(), "{path}: {}", again.text());
            assert_eq!((again.status, &again.text()), (firsts[n].status, &firsts[n].text()), "{path}");
            assert_eq!(again.body, firsts[n].body, "{path}");
        }
    }
    let acme = Tenant { api: server.admin(), ..acme };
    assert_eq!(acme.books().await, books);
    verify(&acme.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_09_two_purchases_at_once_cannot_pass_the_cap_together() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive", "plan": "pro"})).await;
    acme.buy(json!({"credits": 1500, "payment": "p0"})).await.ok(201);
    let buys = (0..8).map(|n| acme.buy(json!({"credits": 500, "payment": format!("p-{n}")})));
    let answers = futures_util::future::join_all(buys).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    answers.iter().filter(|answer| answer.status != 201).for_each(|answer| {
        answer.problem(403, "limit_reached");
    });
    assert_eq!(acme.available().await, 4000);
    api.clock("2026-02-01T00:00:00Z").await;
    acme.buy(json!({"credits": 2000, "payment": "february"})).await.ok(201);
    acme.books().await;
    verify(&api).await;
}
