//! Keys: who may call what, and what a stranger learns.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, image, landed};

/// A call of each family of routes that are about a workspace.
fn tenant_calls(ws: &str, job: &str) -> Vec<(Method, String, Value)> {
    let get = |path: String| (Method::GET, path, Value::Null);
    vec![
        get(format!("/v1/workspaces/{ws}")),
        get(format!("/v1/workspaces/{ws}/balance")),
        get(format!("/v1/workspaces/{ws}/ledger")),
        get(format!("/v1/workspaces/{ws}/jobs")),
        get(format!("/v1/workspaces/{ws}/purchases")),
        get(format!("/v1/workspaces/{ws}/events")),
        get(format!("/v1/jobs/{job}")),
        get(format!("/v1/jobs/{job}/events")),
        get(format!("/v1/jobs/{job}/outputs/0")),
        get(format!("/v1/jobs/{job}/receipt")),
        (Method::POST, format!("/v1/workspaces/{ws}/quotes"), image(1)),
        (Method::POST, format!("/v1/workspaces/{ws}/jobs"), image(1)),
        (Method::POST, format!("/v1/jobs/{job}/cancel"), json!({})),
    ]
}

fn admin_calls(ws: &str) -> Vec<(Method, String, Value)> {
    let get = |path: &str| (Method::GET, path.to_owned(), Value::Null);
    vec![
        get("/v1/workspaces"),
        get("/v1/jobs"),
        get("/v1/queue"),
        get("/v1/workers"),
        get("/v1/keys"),
        get("/v1/verify"),
        (Method::POST, "/v1/workspaces".to_owned(), json!({"catalog": "kive"})),
        (Method::POST, "/v1/keys".to_owned(), json!({"role": "admin"})),
        (Method::POST, "/v1/verify".to_owned(), json!({})),
        (Method::POST, format!("/v1/workspaces/{ws}/adjustments"), json!({"amount": 1, "reason": "x"})),
        (Method::POST, format!("/v1/workspaces/{ws}/purchases"), json!({"credits": 1000, "payment": "p"})),
    ]
}

fn worker_calls(lease: &str) -> Vec<(Method, String, Value)> {
    let leases = json!({"worker": "w", "session": "s", "pools": ["image"], "slots": 1});
    let beat = json!({"worker": "w", "session": "s", "leases": []});
    let at = |rest: &str| format!("/v1/worker/leases/{lease}/{rest}");
    vec![
        (Method::POST, "/v1/worker/leases".to_owned(), leases),
        (Method::POST, "/v1/worker/heartbeat".to_owned(), beat),
        (Method::POST, "/v1/worker/completions".to_owned(), json!({"entries": []})),
        (Method::POST, at("progress"), json!({"fraction": 0.5})),
        (Method::POST, at("complete"), json!({"outputs": [landed(0)]})),
        (Method::POST, at("fail"), json!({"reason": "x", "retryable": true})),
        (Method::PUT, at("outputs/0"), json!("bytes")),
    ]
}

/// Every call is refused in the same way.
async fn refused(api: &Api, calls: Vec<(Method, String, Value)>, status: u16, code: &str) {
    for (method, path, body) in calls {
        let request = api.request(method.clone(), &path);
        let request = if method == Method::GET { request } else { request.json(&body) };
        let answer = api.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.problem(status, code);
        assert!(answer.header("x-request-id").is_some());
    }
}

struct Scene {
    server: Server,
    mine: Tenant,
    theirs: Tenant,
    job: String,
    lease: String,
    their_key: String,
}

/// A running job of `mine`, and the key of somebody else.
async fn scene() -> Scene {
    let server = Server::start();
    let api = server.admin();
    let (mine, theirs) = (Tenant::large(&api, "mine").await, Tenant::large(&api, "theirs").await);
    let job = mine.admitted(image(1)).await;
    let lease = Hand::new(&server.worker_api(), "hand").one().await;
    let made = api.post("/v1/keys", json!({"role": "workspace", "workspace": "theirs"})).await.ok(201);
    let their_key = made["key"].as_str().unwrap().to_owned();
    Scene { server, mine, theirs, job, lease, their_key }
}

fn all(scene: &Scene) -> Vec<(Method, String, Value)> {
    [tenant_calls("mine", &scene.job), admin_calls("mine"), worker_calls(&scene.lease)].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_known_key_nothing_is_answered() {
    let scene = scene().await;
    let before = scene.mine.books().await;
    for key in [None, Some("wrong"), Some(""), Some("admin-key-of-the-tests-0123456789abcde")] {
        refused(&scene.mine.api.with_key(key), all(&scene), 401, "unauthorized").await;
    }
    let basic =
        scene.mine.api.with_key(None).request(Method::GET, "/v1/workspaces").basic_auth("a", Some("b"));
    scene.mine.api.send(basic).await.problem(401, "unauthorized");
    assert_eq!(scene.mine.books().await, before);
    let open = scene.mine.api.with_key(None);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        open.get(path).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_key_sees_its_own_workspace_and_no_other() {
    let scene = scene().await;
    let theirs = scene.mine.api.with_key(Some(&scene.their_key));
    let before = scene.mine.books().await;
    refused(&theirs, tenant_calls("mine", &scene.job), 404, "not_found").await;
    refused(&theirs, admin_calls("mine"), 403, "forbidden").await;
    refused(&theirs, worker_calls(&scene.lease), 403, "forbidden").await;
    assert_eq!(scene.mine.books().await, before);
    // A foreign id and one that is nobody's cannot be told apart.
    let foreign = theirs.get(&format!("/v1/jobs/{}", scene.job)).await.problem(404, "not_found");
    let nobodys = theirs.get(&format!("/v1/jobs/job_{}", "0".repeat(32))).await.problem(404, "not_found");
    assert_eq!((&foreign["detail"], &foreign["title"]), (&nobodys["detail"], &nobodys["title"]));

    let own = Tenant { api: theirs, id: "theirs".to_owned() };
    let job = own.admitted(image(1)).await;
    assert_eq!(own.job(&job).await["workspace"], "theirs");
    own.cancel(&job).await.ok(200);
    assert_eq!(own.books().await, scene.theirs.books().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_key_works_and_does_nothing_else() {
    let scene = scene().await;
    let worker = scene.server.worker_api();
    refused(&worker, tenant_calls("mine", &scene.job), 403, "forbidden").await;
    refused(&worker, admin_calls("mine"), 403, "forbidden").await;
    worker.post("/v1/worker/completions", json!({"entries": []})).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_is_unknown_and_stays_so_after_a_restart() {
    let mut scene = scene().await;
    let theirs = scene.mine.api.with_key(Some(&scene.their_key));
    theirs.get("/v1/workspaces/theirs").await.ok(200);
    scene.server.restart();
    theirs.get("/v1/workspaces/theirs").await.ok(200);
    let listed = scene.mine.api.get("/v1/keys").await.ok(200);
    assert!(!listed.to_string().contains(&scene.their_key), "secrets are shown once");
    let keys = listed["data"].as_array().unwrap();
    let id = keys.iter().find(|key| key["workspace"] == "theirs").unwrap()["id"].as_str().unwrap().to_owned();
    let delete = scene.mine.api.request(Method::DELETE, &format!("/v1/keys/{id}"));
    let answer = scene.mine.api.send(delete).await;
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
    theirs.get("/v1/workspaces/theirs").await.problem(401, "unauthorized");
    scene.server.restart();
    theirs.get("/v1/workspaces/theirs").await.problem(401, "unauthorized");
}
