//! Kaiber: credits that never expire, referrals, purchases of a thousand and more.

use serde_json::json;

use super::{ends_well, killed};
use crate::fixture::{Server, Tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ka_01_to_05_credits_stay_whatever_becomes_of_the_plan() {
    let mut server = Server::at("2026-01-15T00:00:00Z");
    let api = server.admin();
    let anna = json!({"id": "anna", "catalog": "kaiber", "owner": {"user": "anna"}});
    let anna = Tenant::open(&api, anna).await;
    let ben = json!({"id": "ben", "catalog": "kaiber", "plan": "pro", "owner": {"user": "ben"}});
    let ben = Tenant::open(&api, ben).await;
    assert_eq!(anna.available().await, 100, "KA-01");
    anna.buy(json!({"credits": 1000, "payment": "p0"})).await.problem(403, "not_entitled");
    let refer = async |tenant: &Tenant, friend: &str| {
        tenant.api.post(&tenant.path("/referrals"), json!({"friend": friend})).await
    };
    assert!(refer(&anna, "cleo").await.ok(201)["lot"].is_null(), "KA-04: nothing on the free plan");

    anna.subscribe(json!({"plan": "explorer"})).await;
    assert_eq!(anna.available().await, 1100);
    refer(&anna, "cleo").await.problem(409, "conflict");
    refer(&anna, "carl").await.ok(201);
    refer(&anna, "carl").await.problem(409, "conflict");
    refer(&ben, "carl").await.problem(409, "conflict");
    refer(&anna, "anna").await.problem(403, "not_entitled");
    assert_eq!(anna.available().await, 1400, "KA-04: once per friend over all");
    anna.buy(json!({"credits": 999, "payment": "p1"})).await.problem(422, "invalid_request");
    anna.buy(json!({"credits": 1000, "payment": "p1"})).await.ok(201);
    killed(&mut server, &[&anna, &ben], "2026-01-15T00:00:00Z").await;
    let api = server.admin();
    let (anna, ben) = (Tenant { api: api.clone(), ..anna }, Tenant { api: api.clone(), ..ben });

    api.clock("2026-03-15T00:00:00Z").await;
    assert_eq!(anna.available().await, 4400, "KA-02: two renewals, nothing lost");
    api.delete(&anna.path("/subscription")).await.ok(200);
    api.clock("2026-04-15T00:00:00Z").await;
    let after = anna.view().await;
    assert_eq!((&after["plan"], &after["balance"]["available"]), (&json!("free"), &json!(4400)), "KA-05");
    anna.buy(json!({"credits": 1000, "payment": "p2"})).await.problem(403, "not_entitled");
    assert_eq!(anna.available_at("2030-01-01T00:00:00Z").await, 4400);

    // KA-10: the worked example, paid from credits that outlived their plan.
    let video = json!({"action": "video.transform_1", "params": {"seconds": 30, "upscale": "4k"}});
    let quote = api.post(&anna.path("/quotes"), video.clone()).await.ok(200);
    assert_eq!(quote["credits"], 156);
    let job = anna.admitted(video).await;
    assert_eq!(anna.available().await, 4400 - 156);
    anna.cancel(&job).await.ok(200);
    assert_eq!(anna.available().await, 4400, "KA-12");
    ends_well(&[&anna, &ben]).await;
}
