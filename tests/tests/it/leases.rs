//! Leases: one at a time, and whoever lost one changes nothing any more.

use serde_json::json;

use crate::fixture::{Hand, Server, Tenant, eventually, image, landed, lease_of, outcome, verify};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_the_queue_and_no_job_goes_to_both() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let (one, two) = (Hand::new(&server.worker_api(), "one"), Hand::new(&server.worker_api(), "two"));
    let mut jobs = Vec::new();
    for _ in 0..10 {
        jobs.push(tenant.admitted(image(1)).await);
    }
    let (first, second) = tokio::join!(one.lease(5, 10), two.lease(5, 10));
    let mut leased: Vec<String> =
        first.iter().chain(&second).map(|lease| lease["job"].as_str().unwrap().to_owned()).collect();
    leased.sort();
    jobs.sort();
    assert_eq!(leased, jobs);
    assert!(one.lease(1, 0).await.is_empty(), "nothing is left");

    // Not one's own lease is still the lease: who holds it is what counts, not who asks.
    for (hand, leases) in [(&one, &first), (&two, &second)] {
        for lease in leases {
            assert_eq!(
                hand.complete(&lease_of(lease), json!([landed(0)])).await.ok(200)["status"],
                "succeeded"
            );
        }
    }
    let books = tenant.books().await;
    for job in &jobs {
        books.check_final(&tenant.job(job).await);
    }
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_a_heartbeat_no_longer_lists_comes_back_and_the_old_one_is_stale() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let (kept, dropped) = (tenant.admitted(image(1)).await, tenant.admitted(image(1)).await);
    let leases = hand.lease(2, 10).await;
    let by_job = |job: &str| lease_of(leases.iter().find(|lease| lease["job"] == job).unwrap());
    let (kept_lease, dropped_lease) = (by_job(&kept), by_job(&dropped));
    let heard = hand.heartbeat(&[&kept_lease, &dropped_lease]).await;
    assert_eq!(heard["renewed"].as_array().unwrap().len(), 2, "{heard}");

    let heard = hand.heartbeat(&[&kept_lease]).await;
    assert_eq!(heard["renewed"], json!([kept_lease]));
    // Back in the queue after its pause, for whoever asks.
    let other = Hand::new(&server.worker_api(), "other");
    let again = other.one().await;
    assert_eq!(tenant.job(&dropped).await["attempt"], 2);
    assert_ne!(again, dropped_lease);

    let before = tenant.books().await;
    hand.complete(&dropped_lease, json!([landed(0)])).await.problem(409, "stale_lease");
    hand.fail(&dropped_lease, "too late", false).await.problem(409, "stale_lease");
    hand.progress(&dropped_lease, 0.5).await.problem(409, "stale_lease");
    hand.put(&dropped_lease, 0, b"too late").await.problem(409, "stale_lease");
    assert_eq!(hand.heartbeat(&[&kept_lease, &dropped_lease]).await["lost"], json!([dropped_lease]));
    assert_eq!(tenant.books().await, before);
    assert_eq!(tenant.job(&dropped).await["status"], "running");

    other.complete(&again, json!([landed(0)])).await.ok(200);
    hand.complete(&kept_lease, json!([landed(0)])).await.ok(200);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_worker_loses_its_lease_and_the_next_one_finishes() {
    let server = Server::with(&[
        ("REEVE__LEASES__LEASE_MS", "1500"),
        ("REEVE__LEASES__HEARTBEAT_MS", "500"),
        ("REEVE__LEASES__LEASE_ACK_MS", "1000"),
        ("REEVE__RETRY__BACKOFF_MS", "100"),
    ]);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let job = tenant.admitted(image(1)).await;
    let silent = Hand::new(&server.worker_api(), "silent");
    let lost = silent.one().await;
    silent.heartbeat(&[&lost]).await;
    let next = Hand::new(&server.worker_api(), "next");
    let lease = next.one().await;
    silent.complete(&lost, json!([landed(0)])).await.problem(409, "stale_lease");
    next.complete(&lease, json!([landed(0)])).await.ok(200);
    let view = tenant.job(&job).await;
    assert_eq!((&view["status"], &view["attempt"]), (&json!("succeeded"), &json!(2)), "{view:#}");
    tenant.books().await.check_final(&view);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_that_repeats_itself_gets_its_first_answer() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(2)).await;
    let lease = hand.one().await;
    let outputs = json!([landed(0), outcome(1, "failed")]);
    let first = hand.complete(&lease, outputs.clone()).await;
    assert_eq!(first.ok(200)["status"], "succeeded");
    let books = tenant.books().await;
    assert_eq!(hand.complete(&lease, outputs.clone()).await.ok(200), first.json());
    // Another story about the same lease changes nothing: the first one stands.
    hand.complete(&lease, json!([landed(0), landed(1)])).await;
    hand.fail(&lease, "changed my mind", true).await;
    server.restart();
    assert_eq!(hand.complete(&lease, outputs).await.ok(200), first.json());
    assert_eq!(tenant.books().await, books);
    assert_eq!(tenant.job(&job).await["status"], "succeeded");
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_are_read_after_the_close_and_not_before() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(2)).await;
    let lease = hand.one().await;
    let read = |n: u32| {
        let (api, path) = (tenant.api.clone(), format!("/v1/jobs/{job}/outputs/{n}"));
        async move { api.get(&path).await }
    };

    let uploaded = hand.put(&lease, 0, b"first bytes").await.ok(201);
    assert_eq!((&uploaded["index"], &uploaded["size"]), (&json!(0), &json!(11)));
    read(0).await.problem(404, "not_found");
    // The same bytes again are fine, others replace them until the close.
    assert_eq!(hand.put(&lease, 0, b"first bytes").await.ok(201), uploaded);
    hand.put(&lease, 0, b"better bytes").await.ok(201);
    let claimed = hand.complete(&lease, json!([outcome(0, "landed"), outcome(1, "landed")])).await;
    claimed.problem(422, "invalid_request");
    let outputs = json!([outcome(0, "landed"), outcome(1, "filtered")]);
    assert_eq!(hand.complete(&lease, outputs).await.ok(200)["status"], "succeeded");
    assert_eq!(&read(0).await.body[..], b"better bytes");
    read(1).await.problem(404, "not_found");
    read(2).await.problem(404, "not_found");
    hand.put(&lease, 0, b"too late").await.problem(409, "stale_lease");
    assert_eq!(&read(0).await.body[..], b"better bytes");
    tenant.books().await.check_final(&tenant.job(&job).await);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_arrives_after_a_cancel_ends_cancelled_and_costs_nothing() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let before = tenant.balance().await;
    let job = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    hand.put(&lease, 0, b"bytes").await.ok(201);
    assert_eq!(tenant.cancel(&job).await.ok(200)["status"], "cancelling");
    assert_eq!(hand.heartbeat(&[&lease]).await["cancel"], json!([lease]));
    assert_eq!(hand.progress(&lease, 0.9).await.ok(200)["cancel"], true);
    // An upload that was under way may still end well; it lands nothing.
    let late = hand.put(&lease, 0, b"other bytes").await;
    assert!(matches!(late.status, 201 | 409), "{}", late.text());
    assert_eq!(hand.complete(&lease, json!([outcome(0, "landed")])).await.ok(200)["status"], "cancelled");
    tenant.api.get(&format!("/v1/jobs/{job}/outputs/0")).await.problem(404, "not_found");
    assert_eq!(tenant.balance().await, before);
    tenant.books().await.check_final(&tenant.job(&job).await);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_completions_is_judged_one_by_one() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    for _ in 0..3 {
        tenant.admitted(image(1)).await;
    }
    let leases: Vec<String> = hand.lease(3, 10).await.iter().map(lease_of).collect();
    let stale = format!("lease_{}{:08x}", "0".repeat(32), 1);
    let entries = json!([
        {"lease": leases[0], "complete": {"outputs": [landed(0)]}},
        {"lease": stale, "complete": {"outputs": [landed(0)]}},
        {"lease": leases[1], "complete": {"outputs": [landed(7)]}},
        {"lease": leases[2], "fail": {"reason": "no", "retryable": false}},
    ]);
    let answer = hand.api.post("/v1/worker/completions", json!({"entries": entries})).await.ok(200);
    let results = answer["results"].as_array().unwrap();
    let seen: Vec<&serde_json::Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(seen, [200, 409, 422, 200], "{answer:#}");
    assert_eq!(results[1]["problem"]["code"], "stale_lease");
    assert_eq!(results[3]["job"]["status"], "failed");
    hand.complete(&leases[1], json!([landed(0)])).await.ok(200);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_is_answered_when_a_job_comes() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let (leases, job) = tokio::join!(hand.lease(1, 30), async {
        let api = server.admin();
        eventually("a waiting worker", 30, || async {
            let queue = api.get("/v1/queue").await.ok(200);
            let waits =
                queue["pools"].as_array().unwrap().iter().any(|pool| pool["workers"].as_u64() > Some(0));
            waits.then_some(())
        })
        .await;
        tenant.admitted(image(1)).await
    });
    assert_eq!(leases[0]["job"], job.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_survives_a_crash_of_the_server() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(2)).await;
    let lease = hand.one().await;
    hand.put(&lease, 0, b"before the crash").await.ok(201);
    server.restart();
    assert_eq!(hand.heartbeat(&[&lease]).await["renewed"], json!([lease]));
    hand.put(&lease, 1, b"after the crash").await.ok(201);
    let done = hand.complete(&lease, json!([outcome(0, "landed"), outcome(1, "landed")])).await.ok(200);
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)), "{done:#}");
    let bytes = tenant.api.get(&format!("/v1/jobs/{job}/outputs/0")).await.body;
    assert_eq!(&bytes[..], b"before the crash");
    tenant.books().await.check_final(&tenant.job(&job).await);
    verify(&tenant.api).await;
}
