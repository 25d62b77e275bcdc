//! What operators do and see: pauses, workers told to stop, figures.

use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, eventually, image, landed, lease_of, verify};

async fn told(api: &Api, worker: &str, order: &str) -> Value {
    api.post(&format!("/v1/workers/{worker}/{order}"), json!({})).await.ok(200)
}

fn image_pool(report: &Value) -> &Value {
    report["pools"].as_array().unwrap().iter().find(|pool| pool["pool"] == "image").unwrap()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_shows_waits_slots_and_estimates() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 1_000).await;
    let hand = Hand::new(&server.worker_api(), "hand");
    for _ in 0..3 {
        tenant.admitted(image(1)).await;
        let lease = hand.one().await;
        hand.complete(&lease, json!([landed(0)])).await.ok(200);
    }
    tenant.admitted(image(1)).await;
    let running = hand.one().await;
    let waits = tenant.admitted(image(1)).await;
    eventually("an estimate", 20, || async {
        let place = tenant.job(&waits).await["queue"].clone();
        let (p50, p90) = (place["eta_seconds"].as_u64(), place["eta_p90_seconds"].as_u64());
        assert_eq!(place["waiting_for"], "workspace_limit");
        p50.zip(p90).filter(|(p50, p90)| p90 >= p50)
    })
    .await;
    let quote = json!({"action": "image.generate", "params": {"outputs": 1}});
    let quote = api.post(&tenant.path("/quotes"), quote).await.ok(200);
    assert!(quote["queue"]["eta_p90_seconds"].is_u64(), "{quote}");

    let report = api.get("/v1/queue").await.ok(200);
    let pool = image_pool(&report);
    assert_eq!((&pool["busy"], &pool["slots"], &pool["workers"]), (&json!(1), &json!(1), &json!(1)));
    let free = pool["tiers"].as_array().unwrap().iter().find(|tier| tier["tier"] == "free").unwrap();
    let (p50, p99) = (free["p50_wait_seconds"].as_f64().unwrap(), free["p99_wait_seconds"].as_f64().unwrap());
    assert!(p50 >= 0.0 && p99 >= p50 && p99 < 60.0, "{free}");
    let (_, wanted) = tokio::join!(hand.lease(3, 2), async {
        crate::fixture::pause_ms(500).await;
        api.get("/v1/workers").await.ok(200)["data"][0]["sessions"][0]["wanted"].clone()
    });
    assert_eq!(wanted, 3);
    hand.complete(&running, json!([landed(0)])).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_name_what_the_queue_promises_and_its_drift_stays_zero() {
    let server = Server::with(&[("REEVE__ENGINE__AUDIT_MS", "50")]);
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    for _ in 0..20 {
        tenant.admitted(image(1)).await;
    }
    let leases = hand.lease(4, 10).await;
    hand.complete(&lease_of(&leases[0]), json!([landed(0)])).await.ok(200);
    let text = eventually("two audits", 30, || async {
        let answer = api.with_key(None).get("/metrics").await;
        assert_eq!(answer.status, 200);
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let audits = value(&text, "reeve_queue_audits_total");
        (audits >= 2.0).then_some(text)
    })
    .await;
    for name in NAMES {
        assert!(text.contains(&format!("# TYPE {name} ")), "{name} is missing:\n{text}");
    }
    assert_eq!(value(&text, "reeve_queue_drift_workspaces"), 0.0);
    assert_eq!(value(&text, "reeve_queue_drifts_total"), 0.0);
    assert_eq!(value(&text, "reeve_live_leases"), 3.0);
    assert_eq!(value(&text, "reeve_pool_idle_while_eligible_seconds_total{pool=\"image\"}"), 0.0);
    assert_eq!(value(&text, "reeve_queue_depth_jobs{pool=\"image\",tier=\"instant\"}"), 16.0);
    assert_eq!(value(&text, "reeve_queue_wait_seconds_count{pool=\"image\",tier=\"instant\"}"), 4.0);
    let turn = "reeve_queue_waiting_jobs{pool=\"image\",tier=\"instant\",reason=\"turn\"}";
    assert_eq!(value(&text, turn), 16.0);

    let closed = Server::with(&[("REEVE__SERVER__METRICS_OPEN", "false")]);
    closed.admin().with_key(None).get("/metrics").await.problem(401, "unauthorized");
    closed.worker_api().get("/metrics").await.problem(403, "forbidden");
    assert_eq!(closed.admin().get("/metrics").await.status, 200);
}

const NAMES: [&str; 24] = [
    "reeve_workspace_actors",
    "reeve_live_leases",
    "reeve_actor_rebuilds_total",
    "reeve_queue_syncs_total",
    "reeve_queue_give_backs_total",
    "reeve_queue_audits_total",
    "reeve_queue_drifts_total",
    "reeve_queue_drift_workspaces",
    "reeve_journal_depth_changes",
    "reeve_journal_can_commit_boolean",
    "reeve_pool_workers",
    "reeve_pool_open_slots",
    "reeve_pool_running_jobs",
    "reeve_pool_paused_boolean",
    "reeve_pool_idle_while_eligible_seconds_total",
    "reeve_eta_error_seconds",
    "reeve_eta_error_ratio",
    "reeve_queue_depth_jobs",
    "reeve_queue_running_jobs",
    "reeve_queue_oldest_wait_seconds",
    "reeve_queue_floor_lag_seconds",
    "reeve_queue_service_seconds_total",
    "reeve_queue_wait_seconds",
    "reeve_queue_waiting_jobs",
];

/// The value of a figure with exactly these labels.
fn value(text: &str, figure: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("`{figure}` is missing:\n{text}")).parse().unwrap()
}
