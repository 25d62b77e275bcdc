//! `/readyz` names what it looked at, and is not ready where one thing fails; `/healthz` only says that it lives.

use serde_json::Value;

use crate::fixture::{Server, Tenant, image};

/// Names of the checks that hold, and of those that do not.
fn parted(answer: &Value) -> (Vec<String>, Vec<String>) {
    let checks = answer["checks"].as_array().unwrap_or_else(|| panic!("no checks: {answer}"));
    let (fine, failed): (Vec<&Value>, Vec<&Value>) = checks.iter().partition(|check| check["ok"] == true);
    let names = |of: Vec<&Value>| of.iter().map(|check| check["name"].as_str().unwrap().to_owned()).collect();
    (names(fine), names(failed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ready_server_says_what_it_looked_at() {
    let server = Server::start();
    let api = server.admin().with_key(None);
    let told = api.get("/readyz").await.ok(200);
    let (fine, failed) = parted(&told);
    assert_eq!(
        (fine.join(" ").as_str(), failed.len()),
        ("running database loaded journal disk", 0),
        "{told}"
    );
    assert_eq!(api.get("/healthz").await.ok(200)["checks"], Value::Null, "liveness looks at nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full_is_not_ready_and_yet_alive_and_at_work() {
    // No disk has as much room.
    let server = Server::with(&[("REEVE__DATA__FREE_BYTES_MIN", "9000000000000000000")]);
    let api = server.admin();
    let told = api.get("/readyz").await.problem(503, "not_ready");
    let (_, failed) = parted(&told);
    assert_eq!(failed, ["disk"], "{told}");
    assert!(told["detail"].as_str().unwrap().contains("data.free_bytes_min"), "{told}");
    api.get("/healthz").await.ok(200);
    // Whoever asks all the same is served: what was begun can be finished.
    Tenant::large(&api, "acme").await.admitted(image(1)).await;
}
