//! Lease requests that make no sense, and workers that were told to stop.
//!
//! `bad_input` has the shapes; here it is what the answer says, and that the job goes to who asks properly.

use serde_json::{Value, json};

use super::check_end;
use crate::fixture::{Hand, Server, Tenant, eventually, image, landed, lease_of, verify};

/// Answers of requests that must not wait.
const AT_ONCE_SECONDS_MAX: u64 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_request_that_makes_no_sense_is_told_which_field_is_wrong() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let wrong = [
        ("slots", json!(0)),
        ("slots", json!(-3)),
        ("slots", json!(1_001)),
        ("slots", json!(4_294_967_296_u64)),
        ("slots", json!(1.5)),
        ("slots", json!("two")),
        ("wait_seconds", json!(-1)),
        ("wait_seconds", json!(-9_223_372_036_854_775_808_i64)),
        ("wait_seconds", json!(1e300)),
        ("wait_seconds", json!(0.5)),
        ("wait_seconds", json!("for ever")),
        ("pools", json!([])),
        ("pools", json!(["Not A Name"])),
        ("pools", Value::Null),
    ];
    for (field, value) in wrong {
        let mut body = hand.lease_body(1, 30);
        body[field] = value.clone();
        let problem = hand.api.post("/v1/worker/leases", body).await.problem(422, "invalid_request");
        let errors = problem["errors"].as_array().unwrap();
        let pointer = errors[0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with(&format!("/{field}")), "{field} {value}: {problem:#}");
        assert!(!errors[0]["detail"].as_str().unwrap().is_empty(), "{field} {value}: {problem:#}");
    }
    // None of them took the job.
    hand.complete(&hand.one().await, json!([landed(0)])).await.ok(200);
    check_end(&tenant, &job, ("succeeded", 1, 1)).await;
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_beyond_all_bounds_is_cut_and_still_answered_by_the_first_job() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "patient");
    for wait_seconds in [61, 1_000_000_000, u64::MAX] {
        tenant.admitted(image(1)).await;
        let asked = hand.lease(1, wait_seconds);
        let leases = crate::fixture::within("a lease", AT_ONCE_SECONDS_MAX, asked).await;
        hand.complete(&lease_of(&leases[0]), json!([landed(0)])).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_nobody_knows_is_refused_at_once_also_beside_one_that_is_known() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let asking = async |pools: Value, wait_seconds: u64| {
        let mut body = hand.lease_body(1, wait_seconds);
        body["pools"] = pools;
        let asked = hand.api.post("/v1/worker/leases", body);
        crate::fixture::within("an answer", AT_ONCE_SECONDS_MAX, asked).await
    };
    for (pools, unknown, pointers) in [
        (json!(["imgae"]), json!(["imgae"]), vec!["/pools/0"]),
        (json!(["image", "imgae"]), json!(["imgae"]), vec!["/pools/1"]),
        (json!(["a", "image", "b"]), json!(["a", "b"]), vec!["/pools/0", "/pools/2"]),
    ] {
        let problem = asking(pools.clone(), 60).await.problem(422, "invalid_request");
        assert_eq!(problem["unknown_pools"], unknown, "{problem:#}");
        assert_eq!(problem["known_pools"], json!(["image", "video"]), "{problem:#}");
        let errors = problem["errors"].as_array().unwrap();
        let told: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(told, pointers, "{problem:#}");
        for words in [&problem["detail"], &errors[0]["detail"]] {
            let words = words.as_str().unwrap();
            let name = unknown[0].as_str().unwrap();
            assert!(words.contains(&format!("`{name}`")) && words.contains("`video`"), "{problem:#}");
        }
    }
    assert_eq!(tenant.api.get("/v1/workers").await.ok(200)["data"], json!([]), "it serves nothing");
    let problem = tenant.api.post("/v1/pools/imgae/pause", json!({})).await.problem(404, "not_found");
    assert_eq!(problem["known_pools"], json!(["image", "video"]), "{problem:#}");
    // The job is still there for who asks properly.
    let leases = asking(json!(["video", "image"]), 10).await.ok(200)["leases"].clone();
    assert_eq!(leases[0]["job"], job.as_str());
    hand.complete(&lease_of(&leases[0]), json!([landed(0)])).await.ok(200);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_started_before_its_catalog_says_so_and_works_once_that_is_published() {
    let server = Server::start();
    let api = server.admin();
    let mut worker = server.worker_of("image,studio", 1);
    eventually("the worker's complaint", 30, || async {
        let log = server.log();
        (log.contains("does not know these pools") && log.contains("`studio`")).then_some(())
    })
    .await;
    let text = include_str!("../../../../config/catalogs/kira.toml");
    let text = text.replace("version = 1\n", "version = 2\n");
    let text = text.replacen("pool = \"image\"", "pool = \"studio\"", 1);
    let put = api.request(reqwest::Method::PUT, "/v1/catalogs/kira");
    api.send(put.header("Content-Type", "application/toml").body(text)).await.ok(200);
    assert!(worker.is_running());
    let tenant = Tenant::open(&api, json!({"id": "acme", "catalog": "kira", "plan": "plus"})).await;
    let params = json!({"prompt": "a lighthouse", "width": 32, "height": 32, "seed": 1});
    let job = tenant.admitted(json!({"action": "image.generate", "params": params})).await;
    assert_eq!(tenant.job(&job).await["pool"], "studio");
    server.job_is(&job, "succeeded", 60).await;
    assert!(worker.terminate(30).await.is_some_and(|status| status.success()));
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_worker_finishes_what_it_has_gets_nothing_new_and_works_again_once_released() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let (hand, other) = (Hand::new(&server.worker_api(), "tired"), Hand::new(&server.worker_api(), "fresh"));
    let order = async |worker: &str, what: &str| {
        tenant.api.post(&format!("/v1/workers/{worker}/{what}"), json!({})).await
    };
    order("nobody", "drain").await.problem(404, "not_found");
    let job = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    assert_eq!(hand.heartbeat(&[&lease]).await["drain"], false);
    order("tired", "drain").await.ok(200);
    let next = tenant.admitted(image(1)).await;

    // It is told with every heartbeat, and asked for work it hears "nothing", not an error: it did no wrong.
    let heard = hand.heartbeat(&[&lease]).await;
    assert_eq!((&heard["drain"], &heard["renewed"]), (&json!(true), &json!([lease])), "{heard}");
    for wait_seconds in [0, 1] {
        let answer = hand.api.post("/v1/worker/leases", hand.lease_body(1, wait_seconds)).await.ok(200);
        assert_eq!((&answer["leases"], &answer["drain"]), (&json!([]), &json!(true)), "and it is told why");
    }
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    check_end(&tenant, &job, ("succeeded", 1, 1)).await;
    // The other workers are not told anything.
    let taken = other.one().await;
    assert_eq!(other.heartbeat(&[&taken]).await["drain"], false);
    other.complete(&taken, json!([landed(0)])).await.ok(200);
    check_end(&tenant, &next, ("succeeded", 1, 1)).await;

    // A request that is held back is answered as soon as the worker is released.
    let last = tenant.admitted(image(1)).await;
    let (leases, ()) = tokio::join!(hand.lease(1, 30), async {
        eventually("the order", AT_ONCE_SECONDS_MAX, || async {
            let view = tenant.job(&last).await;
            (view["status"] == "queued").then_some(())
        })
        .await;
        order("tired", "release").await.ok(200);
    });
    assert_eq!(leases[0]["job"], last.as_str());
    hand.complete(&lease_of(&leases[0]), json!([landed(0)])).await.ok(200);
    verify(&tenant.api).await;
}
