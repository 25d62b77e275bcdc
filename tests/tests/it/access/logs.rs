//! A whole story at the most talkative level: what must not be in the log is not.

use reqwest::Method;
use serde_json::{Value, json};

use super::{key, key_of};
use crate::fixture::{Hand, Server, Tenant, eventually, image, lease_of, verify};
use crate::observed::Collector;

/// In every prompt.
const PROMPT: &str = "heliotrope-lighthouse-at-dusk";

fn job() -> Value {
    let mut job = image(1);
    job["params"]["prompt"] = PROMPT.into();
    job["metadata"] = json!({"note": PROMPT});
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_prompt_is_in_the_log_whatever_its_level() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = folder.path().join("talkative.toml");
    // Nobody listens there: what becomes of a delivery is told as well.
    let hooks = "[webhooks]\nallow_http = true\nallow_addresses = [\"127.0.0.1/32\"]\n";
    std::fs::write(&config, hooks).unwrap();
    let args = ["--config", config.to_str().unwrap()];
    let collector = Collector::start().await;
    let telemetry =
        [("REEVE__TELEMETRY__OTLP_URL", collector.url.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let mut server = Server::with_args(&[&[("REEVE__LOG__LEVEL", "trace")][..], &telemetry].concat(), &args);
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    let mut secrets: Vec<(&str, String)> = Vec::new();
    for (what, key) in [
        ("a key of a workspace", key_of(&admin, "acme").await),
        ("an admin's key", key(&admin, json!({"role": "admin", "name": "spare"})).await),
        ("a worker's key", key(&admin, json!({"role": "worker"})).await),
    ] {
        let used = admin.with_key(Some(&key.1));
        used.get("/v1/workspaces/acme").await;
        secrets.push((what, key.1));
    }
    let app = admin.with_key(Some(&secrets[0].1));
    let guess = "guessed-secret-of-a-stranger";
    admin.with_key(Some(guess)).get("/v1/workspaces/acme").await.problem(401, "unauthorized");

    let hook = json!({"url": "http://127.0.0.1:9/hook", "events": ["job.succeeded"]});
    let hook = admin.post("/v1/webhooks", hook).await.ok(201);
    secrets.push(("a webhook's secret", hook["secret"].as_str().unwrap().to_owned()));

    // An input behind a link, a job with it, a stream, an output.
    let upload = app.request(Method::POST, "/v1/workspaces/acme/assets").body("bytes of an input");
    let asset = app.send(upload).await.ok(201)["url"].as_str().unwrap().to_owned();
    let hand = Hand::new(&server.worker_api(), "hand");
    let mut edit = job();
    edit["action"] = "image.edit".into();
    edit["params"]["input"] = asset.into();
    let edited = app.post_as("idempotency-1", &tenant.path("/jobs"), &edit).await.ok(201);
    let lease = hand.lease(1, 20).await.remove(0);
    let link = lease["inputs"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(admin.with_key(None).get(&link).await.status, 200);
    assert_eq!(admin.with_key(None).get(&format!("{link}x")).await.status, 401);
    let signature = link.split_once("signature=").unwrap().1.to_owned();
    hand.put(&lease_of(&lease), 0, b"drawn").await.ok(201);
    hand.complete(&lease_of(&lease), json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    let events = format!("/v1/jobs/{}/events", edited["id"].as_str().unwrap());
    assert_eq!(app.get(&events).await.status, 200);

    // A real worker, whose log goes the same way; and what is refused: too dear, unknown, broken.
    let worker = server.worker(1);
    let drawn = tenant.admitted(job()).await;
    tenant.finished(&drawn, 60).await;
    worker.terminate(30).await;
    let mut dear = job();
    dear["max_credits"] = 1.into();
    assert_eq!(app.post(&tenant.path("/jobs"), dear).await.status, 409);
    let mut broken = job();
    broken["params"]["outputs"] = 1_000.into();
    assert_eq!(app.post(&tenant.path("/jobs"), broken).await.status, 422);
    verify(&admin).await;
    collector.sees("a webhook that failed", |span| span.name == "webhook.delivery" && span.is_error).await;
    eventually("lines of requests", 20, || async {
        server.whole_log().contains("request.id=").then_some(())
    })
    .await;
    server.terminate(30).await;

    let log = server.whole_log();
    assert!(log.contains(" TRACE ") && log.contains(" DEBUG "), "the level is not what it should be");
    let link_key = std::fs::read_to_string(server.data().join("link.key")).unwrap();
    secrets.extend([
        ("the first admin key", "admin-key-of-the-tests-0123456789abcdef".to_owned()),
        ("the first worker key", "worker-key-of-the-tests-0123456789abcdef".to_owned()),
        ("a stranger's guess", guess.to_owned()),
        ("a link's signature", signature),
        ("the key that signs links", link_key.trim().to_owned()),
        ("a prompt", PROMPT.to_owned()),
    ]);
    let traces = String::from_utf8_lossy(&collector.bytes()).into_owned();
    assert!(traces.contains("workspace.command") && traces.contains("GET /v1/workspaces/{ws}"));
    for (what, secret) in secrets {
        assert!(!traces.contains(&secret), "{what} was sent to the collector");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&secret)).collect();
        let shown: Vec<String> = lines.iter().take(3).map(|line| line.chars().take(600).collect()).collect();
        assert!(lines.is_empty(), "{what} is in {} lines, such as {shown:#?}", lines.len());
    }
}
