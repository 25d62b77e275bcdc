//! Every route with every caller, against the one table of `docs/security.md`.
//!
//! The table is what is tested, so it cannot drift: a route that it lacks, or an answer of another status, fails. To
//! write it anew from what the server answers: `REEVE_BLESS=1 cargo test -p reeve-tests --test it every_route`; then
//! read the difference. What no table may say is asserted beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{key, key_of};
use crate::fixture::{Api, Hand, Server, Tenant, image, landed};

const BEGIN: &str = "<!-- table of access: begin -->";
const END: &str = "<!-- table of access: end -->";
/// Columns of the table after method and path.
const CALLERS: [&str; 7] = ["none", "unknown", "revoked", "foreign", "worker", "own", "admin"];

/// Method and path with the statuses of all callers.
type Table = BTreeMap<(String, String), Vec<String>>;

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md")
}

/// The lines of the table in the page, without its head.
fn written(text: &str) -> Table {
    let inside = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END)).unwrap().0;
    let rows = inside.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut cells =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        ((cells.next().unwrap(), cells.next().unwrap()), cells.collect())
    })
    .collect()
}

fn shown(table: &Table) -> String {
    let head =
        format!("| method | path | {} |\n|---|---|{}\n", CALLERS.join(" | "), "---|".repeat(CALLERS.len()));
    let rows = table
        .iter()
        .map(|((method, path), cells)| format!("| `{method}` | `{path}` | {} |\n", cells.join(" | ")));
    format!("{BEGIN}\n{head}{}{END}", rows.collect::<String>())
}

/// A server, and callers of each kind but the owner, who is another one for each row.
struct Stage {
    server: Server,
    admin: Api,
    worker: Api,
    foreign: Api,
    strangers: [Api; 3],
    hand: Hand,
}

impl Stage {
    async fn new() -> Self {
        // Leases that lapse would come back in the middle of another row.
        let server = Server::with(&[
            ("REEVE__LIMITS__UNKNOWN_PER_SECOND", "0"),
            ("REEVE__LEASES__LEASE_MS", "600000"),
            ("REEVE__LEASES__LEASE_ACK_MS", "600000"),
        ]);
        let (admin, worker) = (server.admin(), server.worker_api());
        Tenant::large(&admin, "theirs").await;
        let (_, theirs) = key_of(&admin, "theirs").await;
        let (id, revoked) = key(&admin, json!({"role": "admin"})).await;
        assert_eq!(admin.delete(&format!("/v1/keys/{id}")).await.status, 204);
        let strangers = [None, Some("reeve_admin_guessed"), Some(&*revoked)].map(|key| admin.with_key(key));
        let (foreign, hand) = (admin.with_key(Some(&theirs)), Hand::new(&worker, "hand"));
        Self { server, admin, worker, foreign, strangers, hand }
    }
}

/// What one row is about: things of a workspace of its own, and the key of that.
struct Scene {
    tenant: Tenant,
    own: Api,
    /// What stands for each name of the path, and an id of the same kind that is nobody's.
    ids: Vec<(&'static str, String, String)>,
}

impl Scene {
    async fn new(stage: &Stage, n: usize, method: &str, path: &str) -> Self {
        let tenant = Tenant::on(&stage.admin, &format!("mine-{n}"), "pro").await;
        let (_, secret) = key_of(&stage.admin, &tenant.id).await;
        let own = stage.admin.with_key(Some(&secret));
        let mut scene = Self { own, ids: Vec::new(), tenant };
        let zeros = "0".repeat(32);
        scene.ids.push(("{ws}", scene.tenant.id.clone(), "nobodys".to_owned()));
        for (name, id) in [
            ("{n}", "0"),
            ("{name}", "kive"),
            ("{member}", "ann"),
            ("{addon}", "unit"),
            ("{worker}", "hand"),
            ("{pool}", "image"),
        ] {
            scene.ids.push((name, id.to_owned(), id.to_owned()));
        }
        if path.contains("{asset}") {
            let upload = stage.admin.request(Method::POST, &scene.tenant.path("/assets")).body("bytes");
            let made = stage.admin.send(upload).await.ok(201);
            scene.put("{asset}", &made["id"], format!("asset_{zeros}"));
        }
        if path.starts_with("/v1/purchases/") {
            let status = if path.ends_with("refund") || path.ends_with("won") { "paid" } else { "pending" };
            let body = json!({"credits": 1000, "payment": format!("pay-{n}"), "status": status});
            let made = scene.tenant.buy(body).await.ok(201);
            scene.put("{id}", &made["id"], format!("pur_{zeros}"));
        } else if path.starts_with("/v1/jobs/") || path.contains("{lease}") {
            let job = scene.tenant.admitted(image(1)).await;
            let lease = loop {
                // Rows before this one may have left jobs that wait.
                let lease = stage.hand.one().await;
                if lease.contains(job.trim_start_matches("job_")) {
                    break lease;
                }
            };
            if path.contains("/outputs/") && method == "GET" {
                stage.hand.put(&lease, 0, b"bytes").await.ok(201);
                let outputs = json!([{"index": 0, "outcome": "landed"}]);
                stage.hand.complete(&lease, outputs).await.ok(200);
            }
            scene.put("{id}", &job.into(), format!("job_{zeros}"));
            scene.put("{lease}", &lease.into(), format!("lease_{zeros}00000001"));
        } else if path.starts_with("/v1/keys/") {
            let (id, _) = key(&stage.admin, json!({"role": "worker"})).await;
            scene.put("{id}", &id.into(), format!("key_{zeros}"));
        } else if path.starts_with("/v1/webhooks/") {
            let hook = json!({"url": "https://hooks.example/"});
            let made = stage.admin.post("/v1/webhooks", hook).await.ok(201);
            scene.put("{id}", &made["webhook"]["id"], format!("wh_{zeros}"));
        }
        scene
    }

    fn put(&mut self, name: &'static str, id: &Value, nobodys: String) {
        self.ids.push((name, id.as_str().unwrap().to_owned(), nobodys));
    }

    /// The path with its ids; what is left unnamed gets a word that fits most names.
    fn path(&self, path: &str, nobodys: bool) -> String {
        let fill = |path: String, (name, id, other): &(&str, String, String)| {
            path.replace(name, if nobodys { other } else { id })
        };
        let filled = self.ids.iter().fold(path.to_owned(), fill);
        let parts = filled.split('/').map(|part| if part.starts_with('{') { "none" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// A request that would be served if its caller may make it.
fn body(stage: &Stage, method: &Method, path: &str, scene: &Scene) -> Option<Value> {
    let sum = json!({"amount": 1, "reason": "x"});
    let body = match (method.as_str(), path) {
        ("GET" | "DELETE", _) => return None,
        (_, "/v1/workspaces") => json!({"catalog": "kive"}),
        (_, "/v1/workspaces/import") => json!([]),
        ("POST", "/v1/workspaces/{ws}/jobs" | "/v1/workspaces/{ws}/quotes") => image(1),
        (_, "/v1/workspaces/{ws}/purchases") => {
            json!({"credits": 1000, "payment": format!("buy-{}", scene.tenant.id)})
        }
        (_, "/v1/workspaces/{ws}/adjustments") => sum,
        (_, "/v1/workspaces/{ws}/subscription") => json!({"plan": "pro"}),
        (_, "/v1/workspaces/{ws}/subscription/refund") => json!({"payment": "p", "reason": "x"}),
        (_, "/v1/workspaces/{ws}/renewals") => json!({"payment": "p", "status": "paid"}),
        (_, "/v1/workspaces/{ws}/referrals") => json!({"friend": "theirs"}),
        (_, "/v1/workspaces/{ws}/addons/{addon}") => json!({"units": 1}),
        (_, "/v1/purchases/{id}/refund") => json!({"kind": "admin", "reason": "x"}),
        (_, "/v1/keys") => json!({"role": "worker"}),
        (_, "/v1/webhooks") => json!({"url": "https://hooks.example/"}),
        (_, "/v1/webhooks/{id}/redeliver") => json!({"since": "2026-03-01T00:00:00Z"}),
        (_, "/v1/worker/leases") => stage.hand.lease_body(1, 0),
        (_, "/v1/worker/heartbeat") => json!({"worker": "other", "session": "s", "leases": []}),
        (_, "/v1/worker/completions") => json!({"entries": []}),
        (_, "/v1/worker/leases/{lease}/progress") => json!({"fraction": 0.5}),
        (_, "/v1/worker/leases/{lease}/complete") => json!({"outputs": [landed(0)]}),
        (_, "/v1/worker/leases/{lease}/fail") => json!({"reason": "x", "retryable": false}),
        _ => json!({}),
    };
    Some(body)
}

fn request(api: &Api, method: &Method, path: &str, body: Option<&Value>) -> RequestBuilder {
    let request = api.request(method.clone(), path);
    match body {
        // Bytes, and of a kind of their own.
        Some(_) if path.ends_with("/assets") || path.contains("/outputs/") => {
            request.header("Content-Type", "image/png").body("bytes")
        }
        Some(body) => request.json(body),
        None => request,
    }
}

/// Status and body; a stream is not read, since it does not end.
async fn answered(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    if kind.is_some_and(|kind| kind.starts_with("text/event-stream")) {
        return (status, Value::Null);
    }
    let bytes = response.bytes().await.unwrap();
    let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some(problem) = body.as_object_mut() {
        problem.remove("instance");
    }
    (status, body)
}

/// One row as the server answers it, and what no table may say.
async fn row(stage: &Stage, n: usize, method: &Method, path: &str) -> Vec<String> {
    let scene = Scene::new(stage, n, method.as_str(), path).await;
    let body = body(stage, method, path, &scene);
    let (real, nobodys) = (scene.path(path, false), scene.path(path, true));
    let call = async |api: &Api, path: &str| answered(request(api, method, path, body.as_ref())).await;
    let mut statuses = Vec::new();
    let mut bodies = Vec::new();
    // The strangers first: they must change nothing for those who come after them.
    let [none, unknown, revoked] = &stage.strangers;
    for api in [none, unknown, revoked, &stage.foreign, &stage.worker, &scene.own, &stage.admin] {
        let (status, body) = call(api, &real).await;
        statuses.push(status);
        bodies.push(body);
    }
    let what = format!("{method} {path}");
    // Routes without a key, and those whose body is signed: who calls makes no difference.
    let is_open = statuses.iter().all(|status| *status == statuses[0]);
    assert!(
        statuses[..3].iter().all(|status| *status == statuses[0]),
        "{what}: strangers differ: {statuses:?}"
    );
    assert!(is_open || statuses[0] == 401, "{what}: {statuses:?}");
    if !is_open {
        // Someone else's thing and nobody's thing are one and the same to who may see neither.
        let foreign = (statuses[3], bodies[3].clone());
        if real != nobodys {
            assert_eq!(foreign, call(&stage.foreign, &nobodys).await, "{what}: a foreign id shows");
            assert!(matches!(foreign.0, 403 | 404), "{what}: {foreign:?}");
        }
        let is_of_workers = path.starts_with("/v1/worker/");
        assert_eq!(statuses[4] == 403, !is_of_workers, "{what}: a worker's key: {statuses:?}");
        assert!(!is_of_workers || statuses[5] == 403, "{what}: a workspace's key: {statuses:?}");
        // A plan may say no where a key does not.
        assert!(
            !["unauthorized", "forbidden"].iter().any(|code| bodies[6]["code"] == *code),
            "{what}: {statuses:?}"
        );
    }
    assert!(statuses.iter().all(|status| *status < 500), "{what}: {statuses:?}");
    statuses.iter().map(ToString::to_string).collect()
}

/// All routes that the server says it has.
async fn routes(api: &Api) -> Vec<(Method, String)> {
    let document = api.get("/openapi.json").await.ok(200);
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes())
                && ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str())
            {
                routes.push((method, path.clone()));
            }
        }
    }
    routes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_every_caller_as_the_page_says() {
    let stage = Stage::new().await;
    let mut seen = Table::new();
    for (n, (method, path)) in routes(&stage.admin).await.iter().enumerate() {
        let row = row(&stage, n, method, path).await;
        seen.insert((method.to_string(), path.clone()), row);
    }
    assert!(seen.len() >= 70, "{}", seen.len());
    crate::fixture::verify(&stage.admin).await;
    assert!(stage.server.pid() > 0);
    let text = std::fs::read_to_string(page()).unwrap();
    if std::env::var_os("REEVE_BLESS").is_some() {
        let (before, after) = (text.split_once(BEGIN).unwrap().0, text.split_once(END).unwrap().1);
        std::fs::write(page(), format!("{before}{}{after}", shown(&seen))).unwrap();
        return;
    }
    let mut wrong = Vec::new();
    let written = written(&text);
    for (route, cells) in &seen {
        match written.get(route) {
            Some(said) if said == cells => {}
            said => wrong.push(format!("{route:?}: the page says {said:?}, the server {cells:?}")),
        }
    }
    wrong.extend(
        written.keys().filter(|route| !seen.contains_key(route)).map(|route| format!("{route:?} is gone")),
    );
    assert!(wrong.is_empty(), "docs/security.md differs; see the head of this file:\n{}", wrong.join("\n"));
}
