//! Compares what clients know with what a server shows: nothing acknowledged is lost, nothing is there twice, nothing
//! is half there. It finds and lists; whoever asked decides what that means. `broken` tests it.

use std::collections::{BTreeMap, BTreeSet};

use reeve_client::Upload;
use serde_json::Value;

use super::history::{History, Known};
use super::world::{BUYER, WORKSPACES, World};
use crate::fixture::{Api, Books, Tenant, micros};

/// What an image costs, in micro-credits.
const IMAGE: i64 = 8_000_000;
/// What the pack of the buyer grants, in micro-credits.
const PACK: i64 = 200_000_000;

/// Everything that does not fit; nothing, when all is well. The server must be at rest.
pub async fn check(world: &World, api: &Api) -> Vec<String> {
    let mut found = Vec::new();
    for (n, id) in WORKSPACES.iter().enumerate() {
        let tenant = Tenant { api: api.clone(), id: (*id).to_owned() };
        let (books, faults) = Books::audit(&tenant).await;
        found.extend(faults);
        let jobs = list(&tenant, "/jobs").await;
        let history = world.history();
        admissions(&history, n, &jobs, &mut found);
        ends(&history, n, &jobs, &mut found);
        money(&books, &jobs, &mut found);
    }
    purchases(world, api, &mut found).await;
    bytes(world, api, &mut found).await;
    found
}

/// Every page of a list.
pub async fn list(tenant: &Tenant, what: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = tenant.api.get(&tenant.path(&format!("{what}?limit=500{cursor}"))).await.ok(200);
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn text<'a>(view: &'a Value, name: &str) -> &'a str {
    view[name].as_str().unwrap_or_default()
}

/// Each acknowledged submit is one job, each open one at most one, and there is no other.
fn admissions(history: &History, workspace: usize, jobs: &[Value], found: &mut Vec<String>) {
    let mut by_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for view in jobs {
        by_key
            .entry(view["metadata"]["key"].as_str().unwrap_or_default())
            .or_default()
            .push(text(view, "id"));
    }
    for (key, ids) in &by_key {
        if ids.len() > 1 {
            found.push(format!("twice: submit `{key}` made the jobs {ids:?}"));
        }
        match history.submits.get(*key) {
            None => found.push(format!("nobody's: the jobs {ids:?} of `{key}`")),
            Some(submit) if matches!(submit.known, Known::Refused(_)) => {
                found.push(format!("refused and there: submit `{key}` made {ids:?}"));
            }
            Some(_) => {}
        }
    }
    for (key, submit) in history.submits.iter().filter(|(_, submit)| submit.workspace == workspace) {
        let ids = by_key.get(key.as_str());
        match &submit.known {
            Known::Done(job) if !ids.is_some_and(|ids| ids.contains(&job.as_str())) => {
                found.push(format!("lost: submit `{key}` was acknowledged as job `{job}`"));
            }
            _ => {}
        }
    }
}

/// A cancel and a completion that were acknowledged are what the job shows.
fn ends(history: &History, workspace: usize, jobs: &[Value], found: &mut Vec<String>) {
    let by_id: BTreeMap<&str, &Value> = jobs.iter().map(|view| (text(view, "id"), view)).collect();
    for (job, cancel) in &history.cancels {
        let (Some(view), Some(answered)) = (by_id.get(job.as_str()), cancel.known.done()) else { continue };
        let kept = match answered.as_str() {
            "cancelling" => ["cancelling", "cancelled"].contains(&text(view, "status")),
            end => text(view, "status") == end,
        };
        if !kept {
            found.push(format!(
                "lost: the cancel of `{job}` was answered `{answered}`, it is {}",
                view["status"]
            ));
        }
    }
    for (id, lease) in &history.leases {
        let said = match &lease.closed {
            Known::Done(said) => said,
            // The attempt was lost before: another one ends the job.
            Known::Open | Known::Refused(409) => continue,
            Known::Refused(status) => {
                found.push(format!(
                    "refused: {status} to the completion of lease `{id}`, whose uploads landed"
                ));
                continue;
            }
        };
        if said["workspace"] != WORKSPACES[workspace] {
            continue;
        }
        let Some(view) = by_id.get(lease.job.as_str()) else {
            found.push(format!("lost: job `{}` of lease `{id}`", lease.job));
            continue;
        };
        for name in ["status", "credits", "finished_at", "attempt"] {
            if view[name] != said[name] {
                let (was, is) = (&said[name], &view[name]);
                found.push(format!("lost: the end of job `{}`: `{name}` was {was} and is {is}", lease.job));
            }
        }
    }
}

/// Each landed output is charged once, a final job holds nothing, and what live jobs hold is what is held.
fn money(books: &Books, jobs: &[Value], found: &mut Vec<String>) {
    let mut held = 0;
    for view in jobs {
        let job = text(view, "id");
        if view["finished_at"].is_null() {
            let sums = books.job(job);
            let open = micros(&view["credits"]["held"]);
            held += open;
            if (sums.held, sums.settled, sums.released) != (open, 0, 0) {
                found.push(format!(
                    "half: job `{job}` is `{}` and its ledger says {sums:?}",
                    text(view, "status")
                ));
            }
            continue;
        }
        found.extend(books.faults_of_final(view));
        let landed = view["outputs"].as_array().unwrap().iter().filter(|output| output["status"] == "landed");
        let (landed, settled) = (landed.count() as i64, books.job(job).settled);
        if settled != landed * IMAGE {
            found.push(format!("charge: job `{job}` landed {landed} outputs and was charged {settled}"));
        }
    }
    if held != books.held {
        found.push(format!("half: live jobs hold {held}, the balance says {}", books.held));
    }
    let known: BTreeSet<&str> = jobs.iter().map(|view| text(view, "id")).collect();
    for job in books.jobs.keys().filter(|job| !known.contains(job.as_str())) {
        found.push(format!("half: the ledger knows job `{job}`, the list does not"));
    }
}

/// Each acknowledged purchase granted once, each open one at most once.
async fn purchases(world: &World, api: &Api, found: &mut Vec<String>) {
    let tenant = Tenant { api: api.clone(), id: BUYER.to_owned() };
    let (books, faults) = Books::audit(&tenant).await;
    found.extend(faults);
    let mut by_payment: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for view in list(&tenant, "/purchases").await {
        by_payment.entry(text(&view, "payment").to_owned()).or_default().push(text(&view, "id").to_owned());
    }
    let history = world.history();
    for (payment, ids) in &by_payment {
        if ids.len() > 1 || !history.purchases.contains_key(payment) {
            found.push(format!("twice or nobody's: payment `{payment}` made {ids:?}"));
        }
    }
    for (payment, purchase) in &history.purchases {
        match (&purchase.known, by_payment.get(payment)) {
            (Known::Done(id), ids) if !ids.is_some_and(|ids| ids.contains(id)) => {
                found.push(format!("lost: payment `{payment}` was acknowledged as purchase `{id}`"));
            }
            (Known::Refused(status), _) => found.push(format!("refused: {status} to payment `{payment}`")),
            _ => {}
        }
    }
    let bought: i64 =
        books.rows.iter().filter(|row| row["kind"] == "grant").map(|row| micros(&row["amount"])).sum();
    let base = books.rows.first().map_or(0, |row| micros(&row["amount"]));
    let expected = base + by_payment.len() as i64 * PACK;
    if bought != expected {
        found.push(format!("half: {} purchases granted {bought}, not {expected}", by_payment.len()));
    }
}

/// Every output that landed by upload has the bytes that were acknowledged.
async fn bytes(world: &World, api: &Api, found: &mut Vec<String>) {
    let landed: Vec<(String, u32, String)> = {
        let history = world.history();
        let closed = history
            .leases
            .values()
            .filter(|lease| lease.closed.done().is_some_and(|view| view["status"] == "succeeded"));
        closed
            .flat_map(|lease| {
                lease.uploaded.iter().map(|(n, digest)| (lease.job.clone(), *n, digest.clone()))
            })
            .collect()
    };
    // The newest are the likeliest to have been lost; to read all of them each time would be most of the test.
    for (job, n, digest) in landed.iter().rev().take(40) {
        let answer = api.get(&format!("/v1/jobs/{job}/outputs/{n}")).await;
        let got = Upload::new(answer.body.clone(), "image/png").sha256.to_string();
        if answer.status != 200 || got != *digest {
            found.push(format!("lost: output {n} of job `{job}`: status {}, digest {got}", answer.status));
        }
    }
}

/// What the server's own verification finds.
pub async fn verify(api: &Api) -> Vec<String> {
    let report = api.post("/v1/verify?wait=60", serde_json::json!({})).await.ok(200);
    if report["status"] == "done" && report["ok"] == true {
        return Vec::new();
    }
    let bad = report["checks"].as_array().unwrap().iter().filter(|check| check["ok"] != true);
    bad.map(|check| format!("verify: {}: {}", check["name"], check["detail"])).collect()
}
