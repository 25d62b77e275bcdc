//! Age: content and outputs of old jobs go, receipts stay; answers are forgotten after their time.

use serde_json::{Value, json};

use super::super::fixture::{Hand, Server, Tenant, eventually, image, verify};
use super::{OFTEN, job, stored};

const START: &str = "2026-01-01T00:00:00Z";

/// A server whose clock stands, with a retention of its own.
fn server() -> Server {
    let env = [
        OFTEN,
        ("REEVE__RETENTION__JOBS_DAYS", "30"),
        ("REEVE__RETENTION__OUTPUTS_DAYS", "7"),
        ("REEVE__RETENTION__ANSWERS_HOURS", "24"),
    ];
    Server::at_with(START, &env)
}

#[tokio::test]
async fn old_jobs_lose_outputs_then_content_and_keep_their_receipts() {
    let server = server();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    let worker = Hand::new(&server.worker_api(), "hand");
    let old = tenant.admitted(image(1)).await;
    let lease = worker.one().await;
    worker.put(&lease, 0, b"bytes of an output").await.ok(201);
    worker.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    let waiting = tenant.admitted(json!({
        "action": "image.generate", "params": {"outputs": 1, "prompt": "later"}, "not_before": "2026-03-01T00:00:00Z",
    })).await;
    let receipt = api.get(&format!("/v1/jobs/{old}/receipt")).await.ok(200);
    api.clock("2026-01-07T23:59:59Z").await;
    api.get(&format!("/v1/jobs/{old}/outputs/0")).await;
    assert_eq!(job(&api, &old).await["outputs_removed"], false);
    api.clock("2026-01-08T00:00:01Z").await;
    eventually("outputs removed", 20, || async {
        (job(&api, &old).await["outputs_removed"] == true).then_some(())
    })
    .await;
    eventually("files removed", 20, || async { (stored(&server) == 0).then_some(()) }).await;
    api.get(&format!("/v1/jobs/{old}/outputs/0")).await.problem(410, "gone");
    assert_eq!(job(&api, &old).await["params"]["prompt"], "a lighthouse");
    api.clock("2026-02-01T00:00:00Z").await;
    eventually("content removed", 20, || async {
        (job(&api, &old).await["content_removed"] == true).then_some(())
    })
    .await;
    let view = job(&api, &old).await;
    assert_eq!((&view["params"], &view["status"]), (&json!({}), &json!("succeeded")));
    assert_eq!(view["credits"]["settled"], 8);
    let after = api.get(&format!("/v1/jobs/{old}/receipt")).await.ok(200);
    assert_eq!((&after["ledger"], &after["lots"]), (&receipt["ledger"], &receipt["lots"]));
    assert_eq!(
        (&after["outputs"][0]["sha256"], &after["outputs"][0]["url"]),
        (&receipt["outputs"][0]["sha256"], &Value::Null)
    );
    let live = job(&api, &waiting).await;
    assert_eq!((&live["params"]["prompt"], &live["content_removed"]), (&json!("later"), &json!(false)));
    verify(&api).await;
}

#[tokio::test]
async fn an_answer_is_remembered_for_its_time_and_not_for_ever() {
    let server = server();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    let path = tenant.path("/jobs");
    let first = api.post_as("k", &path, &image(1)).await.ok(201);
    api.clock("2026-01-01T23:00:00Z").await;
    let repeat = api.post_as("k", &path, &image(1)).await;
    assert!(repeat.is_replay());
    assert_eq!(repeat.ok(201)["id"], first["id"]);
    api.clock("2026-01-02T00:00:01Z").await;
    // Forgotten, the key is as good as new.
    eventually("a forgotten answer", 20, || async {
        let answer = api.post_as("k", &path, &image(1)).await;
        (!answer.is_replay()).then(|| assert_ne!(answer.ok(201)["id"], first["id"]))
    })
    .await;
    verify(&api).await;
}
