//! What operators do: pauses, and workers told to stop.

use serde_json::{Value, json};

use crate::fixture::{Answer, Api, Hand, Server, Tenant, image, landed, lease_of, verify};

async fn told(api: &Api, worker: &str, order: &str) -> Value {
    api.post(&format!("/v1/workers/{worker}/{order}"), json!({})).await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_pool_or_workspace_starts_nothing_until_it_is_resumed() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let pool = |word: &'static str| {
        let api = api.clone();
        async move { api.post(&format!("/v1/pools/image/{word}"), json!({})).await.ok(200)["paused"].clone() }
    };
    assert_eq!(pool("pause").await, true);
    assert_eq!(pool("pause").await, true, "again changes nothing");
    let job = tenant.admitted(image(1)).await;
    assert!(hand.lease(1, 0).await.is_empty());
    let place = tenant.job(&job).await["queue"].clone();
    assert_eq!((&place["waiting_for"], &place["eta_seconds"]), (&json!("paused"), &Value::Null));
    // Whoever waits gets it the moment the pool goes on.
    let (lease, resumed) = tokio::join!(hand.one(), async {
        crate::fixture::pause_ms(200).await;
        pool("resume").await
    });
    assert_eq!(resumed, false);

    let path = tenant.path("/pause");
    let paused = api.post_as("once", &path, &json!({})).await;
    assert_eq!(paused.ok(200)["paused"], true);
    assert!(api.post_as("once", &path, &json!({})).await.is_replay());
    api.post(&path, json!({})).await.ok(200);
    let next = tenant.admitted(image(1)).await;
    assert!(hand.lease(1, 0).await.is_empty());
    assert_eq!(tenant.job(&next).await["queue"]["waiting_for"], "paused");
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    assert_eq!(api.post(&tenant.path("/resume"), json!({})).await.ok(200)["paused"], false);
    assert_eq!(hand.lease(1, 10).await[0]["job"], next.as_str());

    api.post("/v1/pools/nowhere/pause", json!({})).await.problem(404, "not_found");
    api.post("/v1/workspaces/nobody/pause", json!({})).await.problem(404, "not_found");
    server.worker_api().post("/v1/pools/image/pause", json!({})).await.problem(403, "forbidden");
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_worker_finishes_and_a_quarantined_one_gives_back_without_losing_an_attempt() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let first = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    let worker_api = server.worker_api();
    // A request that waits already is answered, and the next one is held until its time is up.
    let (waiting, view) = tokio::join!(worker_api.post("/v1/worker/leases", hand.lease_body(1, 50)), async {
        crate::fixture::pause_ms(200).await;
        told(&api, "hand", "drain").await
    });
    assert_eq!(waiting.ok(200), json!({"leases": [], "drain": true}));
    assert_eq!(view["state"], "draining");
    let second = tenant.admitted(image(1)).await;
    assert!(hand.lease(1, 1).await.is_empty());
    let heard = hand.heartbeat(&[&lease]).await;
    assert_eq!((&heard["drain"], &heard["renewed"]), (&json!(true), &json!([lease])));
    hand.complete(&lease, json!([landed(0)])).await.ok(200);

    // Released while it asks: it gets the job at once.
    let (again, view) = tokio::join!(hand.lease(1, 50), async {
        crate::fixture::pause_ms(200).await;
        told(&api, "hand", "release").await
    });
    assert_eq!(view["state"], "active");
    assert_eq!(again[0]["job"], second.as_str());
    let lost = lease_of(&again[0]);
    hand.heartbeat(&[&lost]).await;

    assert_eq!(told(&api, "hand", "quarantine").await["state"], "quarantined");
    let other = Hand::new(&server.worker_api(), "other");
    let mine = other.one().await;
    hand.complete(&lost, json!([landed(0)])).await.problem(409, "stale_lease");
    assert_eq!(hand.heartbeat(&[&lost]).await["lost"], json!([lost]));
    assert!(hand.lease(1, 0).await.is_empty());
    other.complete(&mine, json!([landed(0)])).await.ok(200);
    assert_eq!(tenant.job(&second).await["status"], "succeeded");
    assert_eq!(tenant.job(&first).await["status"], "succeeded");
    api.post("/v1/workers/stranger/drain", json!({})).await.problem(404, "not_found");
    let workers = api.get("/v1/workers").await.ok(200);
    let state = |name: &str| {
        let data = workers["data"].as_array().unwrap().clone();
        data.into_iter().find(|worker| worker["worker"] == name).unwrap()["state"].clone()
    };
    assert_eq!((state("hand"), state("other")), (json!("quarantined"), json!("active")));
    verify(&api).await;
}

/// The first answer again, to the byte.
#[track_caller]
fn same(first: &Answer, again: &Answer) {
    assert!(again.is_replay() && !first.is_replay(), "{}", again.text());
    assert_eq!((again.status, &again.body), (first.status, &first.body), "{}", again.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_repeated_under_its_key_gets_its_first_answer_and_changes_nothing_more() {
    let server = Server::configured("");
    let api = server.admin();
    let hand = Hand::new(&server.worker_api(), "hand");
    hand.lease(1, 0).await;
    let calls = [
        ("/v1/pools/image/pause", "/v1/pools/image/resume"),
        ("/v1/workers/hand/drain", "/v1/workers/hand/release"),
        ("/v1/workers/hand/quarantine", "/v1/workers/hand/release"),
        ("/v1/workers/hand/release", "/v1/workers/hand/drain"),
        ("/v1/pools/image/resume", "/v1/pools/image/pause"),
        ("/v1/reload", "/v1/pools/video/pause"),
    ];
    for (n, (call, opposite)) in calls.into_iter().enumerate() {
        let key = format!("order-{n}");
        let first = api.post_as(&key, call, &json!({})).await;
        first.ok(200);
        // Somebody thinks otherwise meanwhile; the repeat is an answer, not an order.
        let opposed = api.post(opposite, json!({})).await.ok(200);
        same(&first, &api.post_as(&key, call, &json!({})).await);
        let now = api.post(opposite, json!({})).await.ok(200);
        assert_eq!((&now["paused"], &now["state"]), (&opposed["paused"], &opposed["state"]), "{call}");
        // Another call, and another scope.
        api.post_as(&key, opposite, &json!({})).await.problem(422, "idempotency_mismatch");
        let new_key = api.post("/v1/keys", json!({"role": "admin"})).await.ok(201);
        let other = api.with_key(new_key["key"].as_str()).post_as(&key, call, &json!({})).await;
        assert!(!other.is_replay(), "{call}: keys of another API key");
    }
    let first = api.post_as("nowhere", "/v1/pools/nowhere/pause", &json!({})).await;
    first.problem(404, "not_found");
    same(&first, &api.post_as("nowhere", "/v1/pools/nowhere/pause", &json!({})).await);
    api.post_as("bad key", "/v1/reload", &json!({})).await.problem(422, "invalid_request");
}
