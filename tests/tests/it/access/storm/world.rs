//! Three workspaces full of marked things, callers of every kind, and what each caller may not read.

use std::collections::BTreeSet;
use std::sync::Mutex;

use reqwest::Method;
use serde_json::{Value, json};

use super::request::Sent;
use crate::access::{key, key_of};
use crate::fixture::{Api, Hand, Server, Tenant, image};

/// Most ids that are kept to be asked for.
const IDS_MAX: usize = 4_000;
/// What ids start with.
const KINDS: [&str; 8] = ["job_", "lot_", "lease_", "pur_", "asset_", "key_", "wh_", "del_"];

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    Admin,
    Worker,
    /// The key of one of the workspaces.
    Tenant(usize),
    /// No key, one that nobody has, or a revoked one.
    Stranger(usize),
}

impl Caller {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Worker => "worker",
            Self::Tenant(_) => "tenant",
            Self::Stranger(_) => "stranger",
        }
    }
}

/// A workspace of which everything carries a mark.
pub struct Marked {
    pub id: String,
    pub mark: String,
    api: Api,
}

pub struct World {
    pub server: Server,
    pub admin: Api,
    pub tenants: Vec<Marked>,
    pub routes: Vec<(Method, String)>,
    worker: Api,
    strangers: Vec<Api>,
    /// Ids that were seen in answers, to be asked for by anybody.
    ids: Mutex<Vec<String>>,
    /// Ids made for one workspace before the storm: nobody else may read them.
    private: Vec<BTreeSet<String>>,
    /// Keys that the storm itself needs.
    keys: BTreeSet<String>,
}

impl World {
    pub async fn new() -> Self {
        let server = Server::with(&[
            ("REEVE__LIMITS__UNKNOWN_PER_SECOND", "0"),
            ("REEVE__LIMITS__WORKSPACE_PER_SECOND", "0"),
        ]);
        let (admin, worker) = (server.admin(), server.worker_api());
        let mut tenants = Vec::new();
        for n in 0..3_usize {
            tenants.push(marked(&server, n).await);
        }
        let (revoked_id, revoked) = key(&admin, json!({"role": "admin"})).await;
        assert_eq!(admin.delete(&format!("/v1/keys/{revoked_id}")).await.status, 204);
        let strangers =
            [None, Some("reeve_admin_nobodys"), Some(&*revoked)].map(|key| admin.with_key(key)).to_vec();
        let keys = ids_in(&admin.get("/v1/keys").await.json().to_string());
        let mut private = Vec::new();
        for tenant in &tenants {
            private.push(ids_of(&admin, &tenant.id).await);
        }
        let ids = Mutex::new(private.iter().flatten().cloned().collect());
        let routes = routes(&admin).await;
        Self { server, admin, tenants, routes, worker, strangers, ids, private, keys }
    }

    pub fn api(&self, caller: Caller) -> &Api {
        match caller {
            Caller::Admin => &self.admin,
            Caller::Worker => &self.worker,
            Caller::Tenant(n) => &self.tenants[n].api,
            Caller::Stranger(n) => &self.strangers[n % self.strangers.len()],
        }
    }

    /// An id that was seen, by a number drawn; never a key that the storm needs.
    pub fn id(&self, drawn: usize, kind: &str) -> String {
        let ids = self.ids.lock().unwrap();
        let fit: Vec<&String> =
            ids.iter().filter(|id| id.starts_with(kind) && !self.keys.contains(*id)).collect();
        fit.get(drawn % fit.len().max(1))
            .map_or_else(|| format!("{kind}{}", "0".repeat(32)), |id| (*id).clone())
    }

    /// What the answer shows although its caller may not know of it: a mark of another workspace, or an id of one.
    /// What the request itself said may be said back.
    pub fn leak(&self, sent: &Sent, answer: &str) -> Option<String> {
        let own = match sent.caller {
            // Admins read everything, and leases tell a worker what to draw.
            Caller::Admin | Caller::Worker => return None,
            Caller::Tenant(n) => Some(n),
            Caller::Stranger(_) => None,
        };
        let others = || (0..self.tenants.len()).filter(move |n| Some(*n) != own);
        let asked = sent.text();
        let shows = |word: &str| answer.contains(word) && !asked.contains(word);
        let mark = others().map(|n| &self.tenants[n].mark).find(|mark| shows(mark));
        let ids = ids_in(answer);
        let id = || others().flat_map(|n| &self.private[n]).find(|id| ids.contains(*id) && shows(id));
        mark.or_else(id).cloned()
    }

    /// Keeps ids of an answer, to be asked for later by anybody.
    pub fn remember(&self, sent: &Sent, answer: &str) {
        if matches!(sent.caller, Caller::Stranger(_)) {
            return;
        }
        let mut ids = self.ids.lock().unwrap();
        for id in ids_in(answer).into_iter().take(8) {
            if ids.len() < IDS_MAX && !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
}

/// A workspace with jobs in every state, an input, an output, a purchase, a member and a key, all of them marked.
async fn marked(server: &Server, n: usize) -> Marked {
    let (id, mark) =
        (format!("storm-{n}"), format!("mark-{n}-{:08x}", 0x9e37_79b9_u32.rotate_left(n as u32 * 5)));
    let admin = server.admin();
    let body = json!({
        "id": id, "name": format!("name {mark}"), "catalog": "kive", "plan": "pro", "metadata": {"note": mark},
    });
    let tenant = Tenant::open(&admin, body).await;
    let (_, secret) = key_of(&admin, &id).await;
    let own = admin.with_key(Some(&secret));
    let hand = Hand::new(&server.worker_api(), &format!("hand-{n}"));
    for what in ["landed", "running", "queued"] {
        let mut job = image(1);
        job["params"]["prompt"] = format!("{what} {mark}").into();
        job["metadata"] = json!({"note": mark});
        job["member"] = format!("member-{mark}").into();
        own.post(&tenant.path("/jobs"), job).await.ok(201);
        if what == "queued" {
            break;
        }
        let lease = hand.one().await;
        if what == "landed" {
            hand.put(&lease, 0, format!("bytes {mark}").as_bytes()).await.ok(201);
            hand.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
        }
    }
    // Out of the way of the next workspace's leases.
    let queued = admin.get(&tenant.path("/jobs?status=queued")).await.ok(200);
    for job in queued["data"].as_array().unwrap() {
        tenant.cancel(job["id"].as_str().unwrap()).await.ok(200);
    }
    let upload = own.request(Method::POST, &tenant.path("/assets")).body(format!("bytes {mark}"));
    own.send(upload).await.ok(201);
    tenant.buy(json!({"credits": 1000, "payment": format!("pay-{mark}")})).await.ok(201);
    let reason = json!({"amount": 5, "reason": format!("reason {mark}")});
    admin.post(&tenant.path("/adjustments"), reason).await.ok(201);
    Marked { id, mark, api: own }
}

/// Every id that belongs to a workspace, as an admin reads it.
async fn ids_of(admin: &Api, id: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for part in ["/jobs", "/balance", "/ledger?limit=500", "/purchases"] {
        let text = admin.get(&format!("/v1/workspaces/{id}{part}")).await.json().to_string();
        // Who did it is not the workspace's own: one admin key serves all.
        ids.extend(ids_in(&text).into_iter().filter(|id| !id.starts_with("key_")));
    }
    ids
}

/// Texts that look like ids.
pub fn ids_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let is_id = |word: &&str| {
        KINDS.iter().any(|kind| {
            word.strip_prefix(kind)
                .is_some_and(|body| body.len() >= 32 && body.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
    };
    words.filter(is_id).map(str::to_owned).collect()
}

async fn routes(api: &Api) -> Vec<(Method, String)> {
    let document = api.get("/openapi.json").await.ok(200);
    let paths: Vec<(String, Value)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, item)| (path.clone(), item.clone()))
        .collect();
    let mut routes = Vec::new();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            if ["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                routes.push((Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path.clone()));
            }
        }
    }
    routes
}
