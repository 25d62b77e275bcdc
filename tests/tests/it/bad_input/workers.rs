//! Workers that err, or lie.

use reqwest::Method;
use serde_json::json;

use super::Scene;
use crate::fixture::{landed, outcome};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_errs_or_lies_changes_nothing() {
    let scene = Scene::new().await;
    let (hand, lease) = (&scene.hand, scene.lease.as_str());
    let stale = format!("{}{:08x}", &lease[..lease.len() - 8], 7);
    let nobody = format!("lease_{}{:08x}", "0".repeat(32), 1);
    for wrong in [&stale, &nobody] {
        hand.complete(wrong, json!([landed(0), landed(1)])).await.problem(409, "stale_lease");
        hand.fail(wrong, "x", true).await.problem(409, "stale_lease");
        hand.progress(wrong, 0.5).await.problem(409, "stale_lease");
        hand.put(wrong, 0, b"bytes").await.problem(409, "stale_lease");
    }
    hand.complete("lease_nope", json!([landed(0)])).await.problem(404, "not_found");

    let no_digest = json!({"index": 0, "outcome": "landed", "url": "https://x.example/0"});
    let bad_units = json!({"index": 0, "outcome": "landed", "units": -1, "url": "https://x.example/0",
        "sha256": "00".repeat(32), "size": 1});
    let reports = [
        json!([]),
        json!([landed(0)]),
        json!([landed(0), landed(0)]),
        json!([landed(0), landed(1), landed(2)]),
        json!([landed(0), landed(99)]),
        json!([landed(0), outcome(1, "landed")]),
        json!([landed(0), outcome(1, "sold")]),
        json!([no_digest, landed(1)]),
        json!([bad_units, landed(1)]),
        json!([landed(0), {"index": -1, "outcome": "failed"}]),
        json!({"index": 0}),
    ];
    for outputs in reports {
        let answer = hand.complete(lease, outputs.clone()).await;
        assert_eq!(answer.status, 422, "{outputs}: {}", answer.text());
        answer.problem(422, "invalid_request");
    }
    hand.put(lease, 2, b"bytes").await.problem(422, "invalid_request");
    hand.put_as(lease, 0, b"bytes", Some(&format!("sha-256=:{}=:", "A".repeat(43))))
        .await
        .problem(422, "invalid_request");
    for digest in ["sha-256=abc", "sha-256=:!:", "sha-256", "x"] {
        let answer = hand.put_as(lease, 0, b"bytes", Some(digest)).await;
        assert!(matches!(answer.status, 400 | 422), "`{digest}`: {}", answer.text());
    }
    let path = format!("/v1/worker/leases/{lease}/outputs/nope");
    let put = hand.api.request(Method::PUT, &path).header("Content-Type", "image/png").body("x");
    hand.api.send(put).await.problem(404, "not_found");
    for fraction in [json!(2), json!(-0.5), json!("half")] {
        let path = format!("/v1/worker/leases/{lease}/progress");
        let answer = hand.api.post(&path, json!({"fraction": fraction})).await;
        assert!(answer.status < 500, "{fraction}: {}", answer.text());
    }
    for (name, value) in [
        ("slots", json!(0)),
        ("slots", json!(1_001)),
        ("slots", json!(-1)),
        ("pools", json!([])),
        ("pools", json!("image")),
        ("pools", json!(["No Such Pool"])),
        ("worker", json!("")),
        ("session", json!("")),
        ("session", json!("x".repeat(10_000))),
        ("wait_seconds", json!(-1)),
        ("unknown", json!(1)),
    ] {
        let mut body = hand.lease_body(1, 0);
        body[name] = value.clone();
        let answer = hand.api.post("/v1/worker/leases", body).await;
        assert_eq!(answer.status, 422, "{name} {value}: {}", answer.text());
    }
    scene.check().await;
}
