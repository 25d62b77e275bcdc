//! Each call of the document that takes an idempotency key is sent, repeated, and repeated after a SIGKILL.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Answer, Api, Hand, Server, Tenant, image, verify};

/// Orders that no workspace owns: their answers are kept in memory, since doing them again does no harm.
const KEPT_IN_MEMORY: &[&str] = &[
    "POST /v1/clock",
    "POST /v1/reload",
    "POST /v1/pools/{pool}/pause",
    "POST /v1/pools/{pool}/resume",
    "POST /v1/workers/{worker}/drain",
    "POST /v1/workers/{worker}/quarantine",
    "POST /v1/workers/{worker}/release",
];

/// Covered with an end of its own in `life_of_data`, because what follows it in the background changes its answer.
const COVERED_ELSEWHERE: &[&str] = &["POST /v1/workspaces/{ws}/erase"];

/// A change and where it is sent.
struct Change {
    call: &'static str,
    path: String,
    body: Value,
}

fn change(call: &'static str, path: impl Into<String>, body: Value) -> Change {
    Change { call, path: path.into(), body }
}

/// Method and path of every call that takes a key.
async fn keyed_calls(api: &Api) -> BTreeSet<String> {
    let document = api.get("/openapi.json").await.ok(200);
    let mut calls = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["parameters"].to_string().contains("IdempotencyKey") {
                calls.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    calls
}

async fn send(api: &Api, n: usize, change: &Change) -> Answer {
    let method: Method = change.call.split(' ').next().unwrap().parse().unwrap();
    let request = api.request(method, &change.path).header("Idempotency-Key", format!("change-{n}"));
    let request = match &change.body {
        Value::Null => request,
        Value::String(bytes) => request.header("Content-Type", "image/png").body(bytes.clone()),
        body => request.json(body),
    };
    api.send(request).await
}

/// A purchase that waits for its payment.
async fn pending(tenant: &Tenant, payment: &str) -> String {
    let body = json!({"credits": 100, "payment": payment, "status": "pending"});
    let made = tenant.buy(body).await.ok(201);
    format!("/v1/purchases/{}", made["id"].as_str().unwrap())
}

/// All changes, in an order in which each is possible.
async fn changes(server: &Server) -> Vec<Change> {
    let api = server.admin();
    let open = async |body: Value| Tenant::open(&api, body).await;
    let acme = open(json!({"id": "acme", "catalog": "kive", "plan": "pro"})).await;
    let trial = open(json!({"id": "trial", "catalog": "kive", "owner": {"user": "ann"}})).await;
    let kai = open(json!({"id": "kai", "catalog": "kaiber", "plan": "pro", "owner": {"user": "ben"}})).await;
    let flow = open(json!({"id": "flow", "catalog": "kreatorflow", "plan": "creator"})).await;
    let team = open(json!({"id": "team", "catalog": "ai-studios", "plan": "team"})).await;
    let ends = open(json!({"id": "ends", "catalog": "kive"})).await;
    // Known, and without work: a job in its hands would not be cancelled at once.
    assert!(Hand::new(&server.worker_api(), "hand").lease(1, 0).await.is_empty());
    let job = acme.admitted(image(1)).await;
    let (first, second) = (pending(&acme, "p1").await, pending(&acme, "p2").await);
    let none = || json!({});
    vec![
        change("POST /v1/workspaces", "/v1/workspaces", json!({"id": "made", "catalog": "kive"})),
        change("POST /v1/workspaces/{ws}/jobs", acme.path("/jobs"), image(1)),
        change("POST /v1/jobs/{id}/cancel", format!("/v1/jobs/{job}/cancel"), none()),
        change("POST /v1/jobs/{id}/retry", format!("/v1/jobs/{job}/retry"), none()),
        change("POST /v1/workspaces/{ws}/jobs/cancel", acme.path("/jobs/cancel"), none()),
        change("POST /v1/workspaces/{ws}/assets", acme.path("/assets"), json!("the bytes of an input")),
        change(
            "POST /v1/workspaces/{ws}/purchases",
            acme.path("/purchases"),
            json!({"credits": 50, "payment": "p3"}),
        ),
        change("POST /v1/purchases/{id}/confirm", format!("{first}/confirm"), none()),
        change("POST /v1/purchases/{id}/refund", format!("{first}/refund"), json!({"kind": "chargeback"})),
        change("POST /v1/purchases/{id}/dispute_won", format!("{first}/dispute_won"), none()),
        change("POST /v1/purchases/{id}/fail", format!("{second}/fail"), none()),
        change(
            "POST /v1/workspaces/{ws}/adjustments",
            acme.path("/adjustments"),
            json!({"amount": 5, "reason": "sorry"}),
        ),
        change(
            "POST /v1/workspaces/{ws}/subscription",
            acme.path("/subscription"),
            json!({"plan": "pro", "allotment": 5000}),
        ),
        change("DELETE /v1/workspaces/{ws}/subscription", acme.path("/subscription"), Value::Null),
        change("POST /v1/workspaces/{ws}/subscription/resume", acme.path("/subscription/resume"), none()),
        change(
            "POST /v1/workspaces/{ws}/renewals",
            acme.path("/renewals"),
            json!({"payment": "r1", "status": "paid"}),
        ),
        change("POST /v1/workspaces/{ws}/referrals", kai.path("/referrals"), json!({"friend": "cleo"})),
        change(
            "POST /v1/workspaces/{ws}/subscription/refund",
            flow.path("/subscription/refund"),
            json!({"payment": "s1", "reason": "asked for"}),
        ),
        change("POST /v1/workspaces/{ws}/trial", trial.path("/trial"), none()),
        change("PUT /v1/workspaces/{ws}/addons/{addon}", team.path("/addons/unit"), json!({"units": 2})),
        change("DELETE /v1/workspaces/{ws}/addons/{addon}", team.path("/addons/unit"), Value::Null),
        change(
            "PUT /v1/workspaces/{ws}/members/{member}",
            acme.path("/members/ann"),
            json!({"limit": {"amount": 10, "window": "day"}}),
        ),
        change(
            "POST /v1/workspaces/{ws}/catalog",
            acme.path("/catalog"),
            json!({"name": "kive", "version": 1}),
        ),
        change("PATCH /v1/workspaces/{ws}", acme.path(""), json!({"name": "Acme"})),
        change("POST /v1/workspaces/{ws}/pause", acme.path("/pause"), none()),
        change("POST /v1/workspaces/{ws}/resume", acme.path("/resume"), none()),
        change("POST /v1/workspaces/{ws}/close", ends.path("/close"), none()),
        change("POST /v1/pools/{pool}/pause", "/v1/pools/image/pause", none()),
        change("POST /v1/pools/{pool}/resume", "/v1/pools/image/resume", none()),
        change("POST /v1/workers/{worker}/drain", "/v1/workers/hand/drain", none()),
        change("POST /v1/workers/{worker}/quarantine", "/v1/workers/hand/quarantine", none()),
        change("POST /v1/workers/{worker}/release", "/v1/workers/hand/release", none()),
        change("POST /v1/reload", "/v1/reload", none()),
        change("POST /v1/clock", "/v1/clock", json!({"advance_seconds": 60})),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_takes_a_key_happens_once_also_over_a_kill() {
    let mut server = Server::at("2026-01-01T00:00:00Z");
    let mut changes = changes(&server).await;
    let api = server.admin();
    let listed: BTreeSet<String> = changes.iter().map(|change| change.call.to_owned()).collect();
    let elsewhere = COVERED_ELSEWHERE.iter().map(|call| (*call).to_owned()).collect();
    let missing: Vec<_> = keyed_calls(&api).await.difference(&listed).cloned().collect();
    let missing: Vec<_> =
        missing.into_iter().collect::<BTreeSet<_>>().difference(&elsewhere).cloned().collect();
    assert!(missing.is_empty(), "these take a key, too: add them here: {missing:#?}");

    let mut firsts = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        let first = send(&api, n, change).await;
        assert!((200..300).contains(&first.status), "{}: {} {}", change.call, first.status, first.text());
        assert!(!first.is_replay(), "{}", change.call);
        firsts.push(first);
    }
    for killed in [false, true] {
        if killed {
            tokio::task::block_in_place(|| server.restart());
            let durable = |change: &Change| !KEPT_IN_MEMORY.contains(&change.call);
            let kept: Vec<bool> = changes.iter().map(durable).collect();
            // They stand at the end, so that the others keep their numbers.
            let durable_len = kept.iter().take_while(|kept| **kept).count();
            assert!(kept[durable_len..].iter().all(|kept| !kept));
            changes.truncate(durable_len);
        }
        let api = server.admin();
        for (n, change) in changes.iter().enumerate() {
            let again = send(&api, n, change).await;
            assert!(
                again.is_replay(),
                "{} (killed: {killed}): {} {}",
                change.call,
                again.status,
                again.text()
            );
            assert_eq!(again.status, firsts[n].status, "{}", change.call);
            assert_eq!(again.body, firsts[n].body, "{}: {}", change.call, again.text());
        }
    }
    verify(&server.admin()).await;
}
