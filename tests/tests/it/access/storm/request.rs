//! One random request: mostly nearly right, since what is all wrong is refused at the door.

use rand::RngExt as _;
use rand::rngs::StdRng;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::world::{Caller, World};
use crate::fixture::{image, landed};

/// Beyond the bound of JSON bodies.
const HUGE: usize = 2 << 20;

#[derive(Debug)]
pub struct Sent {
    pub caller: Caller,
    method: Method,
    path: String,
    route: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

fn pick<'a, T>(rng: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[rng.random_range(0..from.len())]
}

impl Sent {
    pub fn draw(world: &World, rng: &mut StdRng) -> Self {
        let caller = match rng.random_range(0..100) {
            0..28 => Caller::Admin,
            28..70 => Caller::Tenant(rng.random_range(0..world.tenants.len())),
            70..90 => Caller::Worker,
            _ => Caller::Stranger(rng.random_range(0..3)),
        };
        let (mut method, mut route) = pick(rng, &world.routes).clone();
        // Workers have few routes, and a check of the whole store is dear.
        for _ in 0..3 {
            let dull = caller == Caller::Worker && !route.starts_with("/v1/worker/")
                || method == Method::POST && route == "/v1/verify" && rng.random_bool(0.9);
            if dull {
                (method, route) = pick(rng, &world.routes).clone();
            }
        }
        if rng.random_bool(0.03) {
            method = pick(rng, &[Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::OPTIONS])
                .clone();
        }
        let ws = workspace(world, caller, &route, rng);
        let path = format!("{}{}", path(world, &route, &ws, rng), query(rng));
        let mark = match caller {
            Caller::Tenant(n) => world.tenants[n].mark.clone(),
            // What an admin writes into a workspace is marked as that one's; an id may be of any.
            _ => {
                let of = world.tenants.iter().find(|tenant| tenant.id == ws && route.contains("{ws}"));
                of.map_or_else(|| "unmarked".to_owned(), |tenant| tenant.mark.clone())
            }
        };
        let has_body = matches!(method, Method::POST | Method::PUT | Method::PATCH) || rng.random_bool(0.02);
        let body = if has_body { body(&route, &mark, rng) } else { None };
        Self { caller, method, path, route, headers: headers(rng), body }
    }

    pub fn build(&self, world: &World) -> RequestBuilder {
        let mut request = world.api(self.caller).request(self.method.clone(), &self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    /// All that it says, to know what an answer may say back.
    pub fn text(&self) -> String {
        let body = self.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        format!("{} {:?} {body}", self.path, self.headers)
    }

    /// A long poll, or a stream.
    pub fn may_be_held(&self) -> bool {
        self.route == "/v1/worker/leases" || self.route.ends_with("/events") || self.path.contains("wait=")
    }

    pub fn is_huge(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.len() >= HUGE)
    }
}

/// The workspace of the path: mostly the caller's own.
fn workspace(world: &World, caller: Caller, route: &str, rng: &mut StdRng) -> String {
    // What cannot be undone happens to workspaces that nobody else needs.
    if ["/close", "/erase"].iter().any(|end| route.ends_with(end)) {
        return format!("spare-{}", rng.random_range(0..20));
    }
    match (caller, rng.random_range(0..100)) {
        (Caller::Tenant(n), 0..65) => world.tenants[n].id.clone(),
        (_, 0..90) => pick(rng, &world.tenants).id.clone(),
        (_, 90..96) => format!("spare-{}", rng.random_range(0..20)),
        _ => (*pick(rng, &["..", "%2e%2e", "a%00b", "%F0%9F%92%A9", "x".repeat(200).as_str(), "a b"]))
            .to_owned(),
    }
}

fn path(world: &World, route: &str, ws: &str, rng: &mut StdRng) -> String {
    let parts = route.split('/').map(|part| {
        let kind = match part {
            "{ws}" => return ws.to_owned(),
            "{id}" if route.starts_with("/v1/jobs") => "job_",
            "{id}" if route.starts_with("/v1/purchases") => "pur_",
            "{id}" if route.starts_with("/v1/keys") => "key_",
            "{id}" if route.starts_with("/v1/webhooks") => "wh_",
            "{lease}" => "lease_",
            "{asset}" => "asset_",
            "{n}" => return (*pick(rng, &["0", "0", "0", "1", "-1", "99999999999", "x"])).to_owned(),
            "{pool}" => return (*pick(rng, &["image", "video", "none"])).to_owned(),
            "{worker}" => return (*pick(rng, &["hand-0", "hand-1", "none"])).to_owned(),
            "{name}" => return (*pick(rng, &["kive", "kira", "none"])).to_owned(),
            part if part.starts_with('{') => return (*pick(rng, &["ann", "unit", "x-1", "%22"])).to_owned(),
            part => return part.to_owned(),
        };
        match rng.random_range(0..20) {
            0 => (*pick(rng, &["nothing", "job_", "%00", "..", "job_zz"])).to_owned(),
            1 => format!("{kind}{:032x}", rng.random::<u128>()),
            _ => world.id(rng.random_range(0..1 << 20), kind),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn query(rng: &mut StdRng) -> String {
    let choices = [
        "?limit=3",
        "?limit=0",
        "?limit=-1",
        "?cursor=zzz",
        "?status=queued",
        "?status=%22",
        "?wait=1",
        "?wait=x",
        "?at=2030-01-01T00:00:00Z",
        "?at=never",
        "?group_by=member,action,day",
        "?dry_run=true",
        "?workspace=storm-0",
        "?workspace=storm-1&limit=500",
        "?expires=99999999999999&signature=AAAA",
        "?a=%00",
        "?kind=grant&limit=500",
        "?status=succeeded&action=image.generate",
        "?from=2020-01-01T00:00:00Z",
        "?member=%F0%9F%92%A9",
        "?&&&=",
    ];
    if rng.random_bool(0.3) { (*pick(rng, &choices)).to_owned() } else { String::new() }
}

fn headers(rng: &mut StdRng) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if rng.random_bool(0.3) {
        headers.push(("Idempotency-Key", format!("key-{}", rng.random_range(0..200))));
    }
    if rng.random_bool(0.15) {
        let (name, value) = *pick(
            rng,
            &[
                ("Last-Event-ID", "1-1"),
                ("Last-Event-ID", "zzz"),
                ("Range", "bytes=0-1"),
                ("Range", "bytes=9-2,zz"),
                ("Accept", "text/csv"),
                ("X-Request-Id", "storm request"),
                ("Content-Digest", "sha-256=:AAAA:"),
                ("If-None-Match", "*"),
                ("Accept-Encoding", "gzip, br"),
            ],
        );
        headers.push((name, value.to_owned()));
    }
    headers
}

/// A body that fits the route, as like as not with something wrong.
fn body(route: &str, mark: &str, rng: &mut StdRng) -> Option<Vec<u8>> {
    if rng.random_bool(0.01) {
        return Some(vec![b'x'; HUGE]);
    }
    let mut value = sample(route, mark, rng);
    let bytes = match rng.random_range(0..20) {
        0 => return None,
        1 => (0..rng.random_range(0..400)).map(|_| rng.random()).collect(),
        2 => format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)).into_bytes(),
        3 => format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000)).into_bytes(),
        4 => {
            let text = value.to_string();
            text.as_bytes()[..rng.random_range(0..=text.len())].to_vec()
        }
        5..9 => {
            damage(&mut value, rng);
            value.to_string().into_bytes()
        }
        _ => value.to_string().into_bytes(),
    };
    Some(bytes)
}

/// One thing in it, or in what is inside it, is lost, added or replaced.
fn damage(value: &mut Value, rng: &mut StdRng) {
    let Value::Object(map) = value else { return };
    let names: Vec<String> = map.keys().cloned().collect();
    if names.is_empty() || rng.random_bool(0.15) {
        map.insert("unknown".to_owned(), json!(1));
        return;
    }
    let name = pick(rng, &names).clone();
    if map[&name].is_object() && rng.random_bool(0.6) {
        return damage(&mut map[&name], rng);
    }
    if rng.random_bool(0.25) {
        map.remove(&name);
        return;
    }
    let junk = [
        Value::Null,
        json!(-1),
        json!(0),
        json!(1e300),
        json!(9_223_372_036_854_775_807_i64),
        json!(0.000_000_1),
        json!("y".repeat(400)),
        json!("a\u{0}b"),
        json!("💩 \u{202e}"),
        json!([]),
        json!({}),
        json!(true),
        json!("2026-02-30T25:00:00Z"),
    ];
    map.insert(name, pick(rng, &junk).clone());
}

fn sample(route: &str, mark: &str, rng: &mut StdRng) -> Value {
    let small = rng.random_range(1..50);
    let mut job = image(rng.random_range(1..4));
    job["params"]["prompt"] = format!("a boat {mark}").into();
    job["metadata"] = json!({"note": mark});
    let end = route.rsplit('/').next().unwrap_or_default();
    match end {
        "jobs" | "quotes" if end == "jobs" || rng.random_bool(0.5) => job,
        "quotes" => json!({"action": "video.generate", "params": {"seconds": small}}),
        "workspaces" => json!({"id": format!("spare-{small}"), "catalog": "kive", "plan": "pro"}),
        "adjustments" => {
            let sign = if rng.random_bool(0.5) { 1 } else { -1 };
            json!({"amount": small * sign, "reason": format!("reason {mark}")})
        }
        "purchases" => json!({"credits": 1000 * small, "payment": format!("pay-{mark}-{small}")}),
        "refund" => json!({"kind": "admin", "reason": "x"}),
        "subscription" => json!({"plan": pick(rng, &["pro", "enterprise", "basic"])}),
        "renewals" => json!({"payment": format!("ren-{small}"), "status": pick(rng, &["paid", "failed"])}),
        "referrals" => json!({"friend": format!("spare-{small}")}),
        "keys" => json!({"role": "worker", "name": format!("storm {small}"), "rate_per_second": small}),
        "leases" => json!({
            "worker": format!("hand-{}", small % 4), "session": "storm", "pools": ["image"], "slots": 1 + small % 3,
            "wait_seconds": 0,
        }),
        "heartbeat" => json!({"worker": format!("hand-{}", small % 4), "session": "storm", "leases": []}),
        "complete" => json!({"outputs": [landed(0)]}),
        "fail" => json!({"reason": "storm", "retryable": rng.random_bool(0.5)}),
        "progress" => json!({"fraction": 0.5, "message": mark}),
        "completions" => json!({"entries": []}),
        "import" => json!([{"id": format!("spare-{small}"), "catalog": "kive", "plan": "free", "lots": []}]),
        "webhooks" => json!({"url": "https://127.0.0.1:9/x", "events": ["job.succeeded"]}),
        "{member}" => json!({"limit": {"amount": small, "window": "day"}}),
        "{addon}" => json!({"units": small % 4}),
        "{ws}" => json!({"name": format!("name {mark}"), "metadata": {"note": mark}}),
        "catalog" => json!({"name": "kive", "version": 1}),
        _ => json!({}),
    }
}
