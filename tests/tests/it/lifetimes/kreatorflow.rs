//! KreatorFlow: packs that go back within a day while they are unused, and plans that go back by the month.

use serde_json::json;

use super::{ends_well, killed};
use crate::fixture::{Hand, Server, Tenant, landed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kf_01_06_08_09_11_packs_go_back_to_the_second_and_not_once_they_are_used() {
    let mut server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kreatorflow"})).await;
    let buy = async |tenant: &Tenant, payment: &str| {
        let made = tenant.buy(json!({"pack": "starter", "payment": payment})).await.ok(201);
        format!("/v1/purchases/{}/refund", made["id"].as_str().unwrap())
    };
    let first = buy(&acme, "p1").await;
    api.clock("2026-01-01T12:00:00Z").await;
    let second = buy(&acme, "p2").await;
    assert_eq!(acme.available().await, 120, "KF-06");
    let requested = json!({"kind": "requested", "reason": "not needed"});
    api.clock("2026-01-02T00:00:00Z").await;
    let back = api.post(&first, requested.clone()).await.ok(200);
    assert_eq!(
        (&back["status"], &back["clawed_back"]),
        (&json!("refunded"), &json!(50)),
        "KF-08: to the second"
    );
    killed(&mut server, &[&acme], "2026-01-02T00:00:00Z").await;
    let api = server.admin();
    let acme = Tenant { api: api.clone(), ..acme };
    assert_eq!(api.post(&first, requested.clone()).await.ok(200), back, "again is the same");
    api.clock("2026-01-02T12:00:01Z").await;
    api.post(&second, requested.clone()).await.problem(409, "refund_refused");
    let partly = json!({"kind": "admin", "reason": "goodwill", "credits": 20});
    let given = api.post(&second, partly).await.ok(200);
    assert_eq!((&given["status"], &given["refunded"]), (&json!("paid"), &json!(20)));
    assert_eq!(acme.available().await, 50);

    // KF-01, KF-11: deducted at the start, and given back in full when it fails.
    let other = Tenant::open(&api, json!({"id": "other", "catalog": "kreatorflow"})).await;
    let third = buy(&other, "p3").await;
    other.spend(20).await;
    let image = json!({"action": "image.generate", "params": {"quality": "high", "prompt": "a fox"}});
    let job = other.admitted(image.clone()).await;
    let during = api.get(&other.path("/balance")).await.ok(200);
    assert_eq!(
        (&during["available"], &during["held"], &during["spent_shown"]),
        (&json!(46), &json!(4), &json!(4))
    );
    api.post(&third, requested.clone()).await.problem(409, "refund_refused");
    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.one().await;
    hand.fail(&lease, "out of memory", false).await.ok(200);
    assert_eq!(other.job(&job).await["status"], "failed");
    assert_eq!(other.available().await, 50);
    other.admitted(image).await;
    let lease = hand.one().await;
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    api.post(&third, requested).await.problem(409, "refund_refused");
    ends_well(&[&acme, &other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kf_10_12_a_year_goes_back_by_its_unused_months_and_packs_outlive_it() {
    let server = Server::at("2026-01-31T00:00:00Z");
    let api = server.admin();
    let body = json!({"id": "acme", "catalog": "kreatorflow", "plan": "pro", "interval": "year"});
    let acme = Tenant::open(&api, body).await;
    acme.buy(json!({"pack": "creator", "payment": "p1"})).await.ok(201);
    acme.spend(100).await;
    for (month, when) in ["2026-02-28", "2026-03-31", "2026-04-30"].iter().enumerate() {
        api.clock(&format!("{when}T00:00:00Z")).await;
        assert_eq!(acme.available().await, 500, "KF-12: month {month}");
    }
    let proposal = api.get(&acme.path("/subscription/refund_proposal")).await.ok(200);
    assert_eq!(
        proposal,
        json!({"unused_months": 8, "of_months": 12, "credits_to_retire": 300, "in_full": false})
    );
    let refund = json!({"payment": "year-1", "reason": "moved away"});
    let first = api.post_as("refund-1", &acme.path("/subscription/refund"), &refund).await;
    first.ok(200);
    let again = api.post_as("refund-1", &acme.path("/subscription/refund"), &refund).await;
    assert!(again.is_replay() && again.body == first.body, "{}", again.text());
    assert_eq!((&acme.view().await["plan"], acme.available().await), (&json!("free"), json!(200)));
    api.clock("2027-06-01T00:00:00Z").await;
    assert_eq!(acme.available().await, 200);
    ends_well(&[&acme]).await;
}
