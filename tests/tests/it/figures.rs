//! What operators see: waits and estimates, counts of what finished, evenness, metrics.

use serde_json::{Value, json};

use crate::fixture::{Hand, Server, Tenant, eventually, image, landed, lease_of, outcome, verify};

fn image_pool(report: &Value) -> &Value {
    report["pools"].as_array().unwrap().iter().find(|pool| pool["pool"] == "image").unwrap()
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
async fn the_queue_counts_what_finished_and_shows_how_evenly_a_tier_was_served() {
    let server = Server::start();
    let api = server.admin();
    let (greedy, modest) = (Tenant::large(&api, "greedy").await, Tenant::large(&api, "modest").await);
    let hand = Hand::new(&server.worker_api(), "hand");
    let before = api.get("/v1/queue").await.ok(200);
    assert_eq!(before["jain_window_seconds"], 60);
    assert_eq!(before["finished"]["succeeded"], 0);
    assert_eq!(image_tier(&before, "instant")["jain_permille"], Value::Null, "nothing was served yet");
    let perform = async |tenant: &Tenant, outputs: Value| {
        tenant.admitted(image(1)).await;
        hand.complete(&hand.one().await, outputs).await.ok(200);
    };
    for _ in 0..7 {
        perform(&greedy, json!([landed(0)])).await;
    }
    let report = api.get("/v1/queue").await.ok(200);
    let tier = image_tier(&report, "instant");
    assert_eq!((&tier["jain_permille"], &tier["jain_workspaces"]), (&json!(1_000), &json!(1)));
    perform(&modest, json!([outcome(0, "filtered")])).await;
    greedy.admitted(image(1)).await;
    hand.fail(&hand.one().await, "broken", false).await.ok(200);
    for _ in 0..2 {
        let job = modest.admitted(image(1)).await;
        api.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await.ok(200);
        // The same call again ends nothing.
        api.post(&format!("/v1/jobs/{job}/cancel"), json!({})).await.ok(200);
    }
    let report = api.get("/v1/queue").await.ok(200);
    let finished = &report["finished"];
    let count = |word: &str| finished[word].as_u64().unwrap();
    assert_eq!([count("succeeded"), count("failed"), count("content_filtered")], [7, 1, 1], "{finished}");
    assert_eq!([count("cancelled"), count("expired")], [2, 0], "{finished}");
    // Eight jobs to one. A job is charged by what those before it took, so how fast the machine is decides how little
    // the other's one is; where it is next to nothing, one of two has everything: 1,000 / 2.
    let tier = image_tier(&report, "instant");
    assert_eq!(tier["jain_workspaces"], 2, "{tier}");
    let permille = tier["jain_permille"].as_u64().unwrap();
    assert!((500..900).contains(&permille), "{tier}");
    verify(&api).await;
}

fn image_tier(report: &Value, name: &str) -> Value {
    let tiers = image_pool(report)["tiers"].as_array().unwrap();
    tiers.iter().find(|tier| tier["tier"] == name).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_job_shows_its_place_and_its_estimate_is_held_against_its_start() {
    let server = Server::start();
    let api = server.admin();
    // One at a time each, so that everything goes by turns.
    let tenants = [
        Tenant::with_credits(&api, "a", 1_000).await,
        Tenant::with_credits(&api, "b", 1_000).await,
        Tenant::with_credits(&api, "c", 1_000).await,
    ];
    let hand = Hand::new(&server.worker_api(), "hand");
    let metrics = async || {
        let answer = api.with_key(None).get("/metrics").await;
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let compared = async || value(&metrics().await, "reeve_eta_error_seconds_count{pool=\"image\"}");
    for _ in 0..3 {
        tenants[0].admitted(image(1)).await;
        hand.complete(&hand.one().await, json!([landed(0)])).await.ok(200);
    }
    assert_eq!(compared().await, 0.0, "nothing could be foretold of the first ones");
    tenants[0].admitted(image(1)).await;
    let mut running = hand.one().await;
    // Jobs of others ahead of it, one each; the mean length is known once the gauges have looked.
    eventually("an estimate", 20, || async {
        let quote = json!({"action": "image.generate", "params": {"outputs": 1}});
        let quote = api.post(&tenants[1].path("/quotes"), quote).await.ok(200);
        quote["queue"]["eta_seconds"].as_u64()
    })
    .await;
    let mut jobs = Vec::new();
    for tenant in [&tenants[1], &tenants[2], &tenants[1]] {
        jobs.push((tenant, tenant.admitted(image(1)).await));
    }
    // Of each other workspace as many as stand beside it, and those before it in its own.
    for (position, (tenant, job)) in [1, 1, 2].into_iter().zip(&jobs) {
        let queue = tenant.job(job).await["queue"].clone();
        assert_eq!(queue["position"], position, "{queue}");
        assert_eq!(queue["waiting_for"], "turn", "{queue}");
        let (p50, p90) = (queue["eta_seconds"].as_u64().unwrap(), queue["eta_p90_seconds"].as_u64().unwrap());
        assert!(p50 <= p90, "{queue}");
    }
    for (n, (tenant, job)) in jobs.iter().enumerate() {
        hand.complete(&running, json!([landed(0)])).await.ok(200);
        running = hand.one().await;
        let view = tenant.job(job).await;
        assert_eq!((&view["status"], &view["queue"]), (&json!("running"), &Value::Null), "{view}");
        assert_eq!(compared().await, (n + 1) as f64, "each start is compared");
    }
    hand.complete(&running, json!([landed(0)])).await.ok(200);
    let text = metrics().await;
    let off = |quantile: &str| {
        value(&text, &format!("reeve_eta_error_seconds{{pool=\"image\",quantile=\"{quantile}\"}}"))
    };
    assert!(off("0.5") <= off("0.9") && off("0.9") < 60.0, "{text}");
    verify(&api).await;
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
    assert_eq!(value(&text, "reeve_jobs_finished_total{outcome=\"succeeded\"}"), 1.0);
    assert_eq!(value(&text, "reeve_jobs_finished_total{outcome=\"failed\"}"), 0.0);
    assert_eq!(value(&text, "reeve_queue_jain_ratio{pool=\"image\",tier=\"instant\"}"), 1.0, "only one");
    let turn = "reeve_queue_waiting_jobs{pool=\"image\",tier=\"instant\",reason=\"turn\"}";
    assert_eq!(value(&text, turn), 16.0);

    let closed = Server::with(&[("REEVE__SERVER__METRICS_OPEN", "false")]);
    closed.admin().with_key(None).get("/metrics").await.problem(401, "unauthorized");
    closed.worker_api().get("/metrics").await.problem(403, "forbidden");
    assert_eq!(closed.admin().get("/metrics").await.status, 200);
}

const NAMES: [&str; 30] = [
    "reeve_webhook_oldest_seconds",
    "reeve_webhook_tries_total",
    "reeve_requests_limited_total",
    "reeve_stripe_events_total",
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
    "reeve_queue_jain_ratio",
    "reeve_jobs_finished_total",
    "reeve_queue_wait_seconds",
    "reeve_queue_waiting_jobs",
];

/// The value of a figure with exactly these labels.
fn value(text: &str, figure: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("`{figure}` is missing:\n{text}")).parse().unwrap()
}
