//! The life of a key: made, used, expired, revoked, and what ends with it.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{key, key_of};
use crate::fixture::{Api, Hand, Server, Tenant, image, pause_ms, spawn, within};

/// What the list says of a key.
async fn listed(admin: &Api, id: &str) -> Value {
    let page = admin.get("/v1/keys").await.ok(200);
    let found = page["data"].as_array().unwrap().iter().find(|key| key["id"] == id).cloned();
    found.unwrap_or_default()
}

/// An open stream, past its first bytes.
async fn stream(api: &Api, path: &str) -> Response {
    let mut response = api.request(Method::GET, path).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{path}");
    assert!(within("the first event", 20, response.chunk()).await.unwrap().is_some());
    response
}

/// Waits for the end of a stream.
async fn end(mut response: Response) {
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    within("the end of a stream", 10, rest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_of_a_key_is_listed_and_outlives_the_server() {
    let mut server = Server::start();
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let (used, secret) = key(&admin, json!({"role": "workspace", "workspace": "acme", "name": "app"})).await;
    let (idle, _) = key_of(&admin, "acme").await;
    assert_eq!(listed(&admin, &used).await["last_used_at"], Value::Null);
    admin.with_key(Some(&secret)).get("/v1/workspaces/acme").await.ok(200);
    let exact = listed(&admin, &used).await["last_used_at"].as_str().unwrap().to_owned();
    assert_eq!(listed(&admin, &idle).await["last_used_at"], Value::Null);
    server.terminate(30).await;
    server.up();
    let admin = server.admin();
    let after = listed(&admin, &used).await;
    let minute = after["last_used_at"].as_str().unwrap();
    assert_eq!((&minute[..16], &minute[16..]), (&exact[..16], ":00.000Z"), "the store has the minute");
    assert_eq!(after["name"], "app");
    assert_eq!(listed(&admin, &idle).await["last_used_at"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_what_it_opened_at_once() {
    let server = Server::start();
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    let job = tenant.admitted(image(1)).await;
    Hand::new(&server.worker_api(), "hand").one().await;
    let (id, secret) = key_of(&admin, "acme").await;
    let (worker_id, worker_secret) = key(&admin, json!({"role": "worker"})).await;
    let app = admin.with_key(Some(&secret));
    let of_job = stream(&app, &format!("/v1/jobs/{job}/events")).await;
    let of_workspace = stream(&app, "/v1/workspaces/acme/events").await;
    let path = format!("/v1/jobs/{job}?wait=60");
    let waits = spawn(async move { app.get(&path).await });
    let hand = Hand::new(&admin.with_key(Some(&worker_secret)), "other");
    let leases = spawn(async move { hand.api.post("/v1/worker/leases", hand.lease_body(1, 60)).await });
    // There is no sign from outside that a long poll has begun; when it has not, it is refused all the same.
    pause_ms(300).await;
    assert!(!waits.is_finished() && !leases.is_finished());
    for id in [id, worker_id] {
        assert_eq!(admin.delete(&format!("/v1/keys/{id}")).await.status, 204);
    }
    end(of_job).await;
    end(of_workspace).await;
    within("a job's long poll", 10, waits).await.unwrap().problem(401, "unauthorized");
    within("a worker's long poll", 10, leases).await.unwrap().problem(401, "unauthorized");
    // The job is nobody's worse for it.
    assert_eq!(tenant.job(&job).await["status"], "running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_ends_at_its_instant_and_so_does_what_it_opened() {
    let server = Server::at("2026-03-01T00:00:00Z");
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let until = |at: &str| json!({"role": "workspace", "workspace": "acme", "expires_at": at});
    let past = admin.post("/v1/keys", until("2026-03-01T00:00:00Z")).await.problem(422, "invalid_request");
    assert_eq!(past["errors"][0]["pointer"], "/expires_at");
    let (id, secret) = key(&admin, until("2026-03-01T00:10:00Z")).await;
    let app = admin.with_key(Some(&secret));
    let open = stream(&app, "/v1/workspaces/acme/events").await;
    admin.clock("2026-03-01T00:09:59Z").await;
    app.get("/v1/workspaces/acme").await.ok(200);
    admin.clock("2026-03-01T00:10:00Z").await;
    app.get("/v1/workspaces/acme").await.problem(401, "unauthorized");
    end(open).await;
    assert_eq!(listed(&admin, &id).await["expires_at"], "2026-03-01T00:10:00.000Z");
    assert_eq!(admin.delete(&format!("/v1/keys/{id}")).await.status, 204, "it can be tidied away");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_listed_and_revoked_on_the_command_line() {
    let server = Server::start();
    let admin = server.admin();
    Tenant::large(&admin, "acme").await;
    let reeve = |args: &[&str]| {
        let mut command = server.command("key");
        command
            .args(args)
            .env("REEVE_URL", &server.url)
            .env("REEVE_KEY", "admin-key-of-the-tests-0123456789abcdef");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let bounds = ["--rate-per-second", "5", "--burst", "9", "--expires-at", "2100-01-01T00:00:00Z"];
    let made = reeve(
        &[&["create", "--role", "workspace", "--workspace", "acme", "--name", "cli"], &bounds[..]].concat(),
    );
    let app = admin.with_key(Some(made.trim()));
    assert_eq!(app.get("/v1/workspaces/acme").await.header("ratelimit-policy"), Some("\"key\";q=9;w=2"));
    let list: Value = serde_json::from_str(&reeve(&["list", "--json"])).unwrap();
    let id = list.as_array().unwrap().iter().find(|key| key["name"] == "cli").unwrap()["id"].clone();
    assert!(reeve(&["list"]).contains(id.as_str().unwrap()));
    reeve(&["revoke", id.as_str().unwrap()]);
    app.get("/v1/workspaces/acme").await.problem(401, "unauthorized");
}
