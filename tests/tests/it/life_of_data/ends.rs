//! A workspace's end: closed, erased, killed on the way.

use serde_json::{Value, json};

use super::super::fixture::{Api, Hand, Server, Tenant, eventually, image, landed, pause_ms, verify};
use super::{OFTEN, cli, job, stdout, stored};

const SECRET: &str = "ada-lovelace-at-home";

/// A workspace that says much of a person, with one landed output, one failed job and an asset.
async fn telling(server: &Server, id: &str) -> (Tenant, String, String) {
    let api = server.admin();
    let body = json!({
        "id": id, "catalog": "kive", "plan": "basic", "name": SECRET,
        "owner": {"user": SECRET}, "metadata": {"mail": SECRET},
    });
    let tenant = Tenant::open(&api, body).await;
    let asset = api.request(reqwest::Method::POST, &tenant.path("/assets"));
    let asset = api.send(asset.header("Content-Type", "image/png").body(SECRET.as_bytes().to_vec())).await;
    asset.ok(201);
    let mut wanted = image(1);
    wanted["params"]["prompt"] = json!(SECRET);
    wanted["metadata"] = json!({"who": SECRET});
    let worker = Hand::new(&server.worker_api(), "hand");
    let landed = tenant.api.post_as("k1", &tenant.path("/jobs"), &wanted).await.ok(201);
    let lease = worker.one().await;
    worker.put(&lease, 0, SECRET.as_bytes()).await.ok(201);
    worker.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    let failed = tenant.admitted(wanted).await;
    let lease = worker.one().await;
    worker.fail(&lease, SECRET, false).await.ok(200);
    (tenant, landed["id"].as_str().unwrap().to_owned(), failed)
}

async fn erased(api: &Api, tenant: &Tenant) -> Value {
    eventually("the end of erasing", 20, || async {
        let view = api.get(&tenant.path("")).await.ok(200);
        view["erased_at"].is_string().then_some(view)
    })
    .await
}

#[tokio::test]
async fn a_closed_workspace_ends_in_order_and_refuses_what_is_new() {
    let server = Server::with(&[OFTEN]);
    let api = server.admin();
    let tenant = Tenant::on(&api, "acme", "basic").await;
    let running = tenant.admitted(image(1)).await;
    let worker = Hand::new(&server.worker_api(), "hand");
    let lease = worker.one().await;
    let waits = tenant.admitted(image(1)).await;
    let refused = cli(&server, &["workspace", "close", "acme"]);
    assert_eq!(refused.status.code(), Some(2), "it wants to be sure: {refused:?}");
    let view = api.post_as("close", &tenant.path("/close"), &json!({})).await.ok(200);
    assert_eq!(view["status"], "closed");
    assert!(view["closed_at"].is_string() && view["erased"] == false);
    assert!(api.post_as("close", &tenant.path("/close"), &json!({})).await.is_replay());
    assert_eq!(job(&api, &waits).await["status"], "cancelled");
    assert_eq!(job(&api, &running).await["status"], "running");
    for (path, body) in [
        ("/jobs", image(1)),
        ("/purchases", json!({"credits": 100, "payment": "pay_1"})),
        ("/adjustments", json!({"amount": 5, "reason": "x"})),
        ("/subscription", json!({"plan": "pro"})),
    ] {
        api.post(&tenant.path(path), body).await.problem(409, "workspace_closed");
    }
    let asset = api.request(reqwest::Method::POST, &tenant.path("/assets")).body("x");
    api.send(asset).await.problem(409, "workspace_closed");
    api.post(&tenant.path("/erase"), json!({})).await.problem(409, "conflict");
    worker.complete(&lease, json!([landed(0)])).await.ok(200);
    let books = tenant.books().await;
    books.check_final(&job(&api, &running).await);
    verify(&api).await;
}

#[tokio::test]
async fn erasing_takes_what_is_said_of_people_and_keeps_the_books() {
    let server = Server::with(&[OFTEN]);
    let api = server.admin();
    let (tenant, landed, failed) = telling(&server, "acme").await;
    let hears = |workspace| json!({"url": "https://receiver.invalid/hook", "workspace": workspace});
    let own = api.post("/v1/webhooks", hears(json!("acme"))).await.ok(201);
    let receipt = api.get(&format!("/v1/jobs/{landed}/receipt")).await.ok(200);
    let books = tenant.books().await;
    assert!(stored(&server) > 0);
    api.post(&tenant.path("/erase"), json!({})).await.problem(409, "conflict");
    api.post(&tenant.path("/close"), json!({})).await.ok(200);
    let closed = tenant.books().await;
    let begun = api.post(&tenant.path("/erase"), json!({})).await.ok(202);
    assert_eq!((&begun["erased"], &begun["name"]), (&json!(true), &Value::Null));
    let view = erased(&api, &tenant).await;
    assert_eq!((&view["metadata"], &view["status"]), (&Value::Null, &json!("closed")));
    api.post(&tenant.path("/erase"), json!({})).await.ok(200);
    assert_eq!(stored(&server), 0);
    api.get(&format!("/v1/jobs/{landed}/outputs/0")).await.problem(410, "gone");
    api.post(&format!("/v1/jobs/{failed}/retry"), json!({})).await.problem(409, "conflict");
    for id in [&landed, &failed] {
        let view = job(&api, id).await;
        assert_eq!((&view["content_removed"], &view["outputs_removed"]), (&json!(true), &json!(true)));
        assert_eq!((&view["params"], &view["metadata"]), (&json!({}), &Value::Null));
        assert!(!view.to_string().contains(SECRET), "{view}");
    }
    let after = api.get(&format!("/v1/jobs/{landed}/receipt")).await.ok(200);
    assert_eq!(
        (&after["ledger"], &after["lots"], &after["quote"]),
        (&receipt["ledger"], &receipt["lots"], &receipt["quote"])
    );
    assert_eq!(after["outputs"][0]["sha256"], receipt["outputs"][0]["sha256"]);
    assert_eq!(after["outputs"][0]["url"], Value::Null);
    assert_eq!(tenant.books().await, closed, "the books are as they were at the close");
    assert_eq!(closed.rows[..books.rows.len()], books.rows[..]);
    verify(&api).await;
    // The answers of its idempotency keys are gone too.
    let again = api.post_as("k1", &tenant.path("/jobs"), &image(1)).await;
    again.problem(409, "workspace_closed");
    // Whoever heard of it alone is forgotten.
    let id = own["webhook"]["id"].as_str().unwrap();
    api.get(&format!("/v1/webhooks/{id}")).await.problem(404, "not_found");
    let shown = cli(&server, &["workspace", "show", "acme"]);
    assert!(stdout(&shown).contains("erased at"), "{shown:?}");
}

#[tokio::test]
async fn a_kill_while_erasing_is_made_good_by_the_next_start() {
    let mut server = Server::with(&[("REEVE__RETENTION__TICK_MS", "400")]);
    let mut tenants = Vec::new();
    for n in 0..3 {
        tenants.push(telling(&server, &format!("acme-{n}")).await.0);
    }
    let api = server.admin();
    for tenant in &tenants {
        api.post(&tenant.path("/close"), json!({})).await.ok(200);
        api.post(&tenant.path("/erase"), json!({})).await.ok(202);
    }
    // Before, within or between the three: whatever was begun is found again.
    server.restart();
    let api = server.admin();
    pause_ms(410).await;
    server.restart();
    for tenant in &tenants {
        erased(&api, tenant).await;
    }
    assert_eq!(stored(&server), 0);
    verify(&api).await;
    server.terminate(20).await;
    let checked = server.verify_folder();
    assert!(checked.status.success(), "{checked:?}");
}
