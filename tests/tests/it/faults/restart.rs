//! The server killed full of work: a thousand jobs running, twenty thousand waiting, or as many more as
//! `REEVE_TEST_QUEUED` says: a hundred thousand take minutes without optimizations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::IMAGE;
use crate::fixture::{
    Api, Hand, Server, Tenant, eventually, image, landed, lease_of, micros, spawn, verify, within,
};

/// Each may run sixteen jobs at once: 1,008 jobs run.
const WORKSPACES: usize = 63;
const RUNNING_EACH: usize = 16;
/// Jobs that wait, unless told otherwise.
const QUEUED: usize = 20_000;
const RUNNING: usize = WORKSPACES * RUNNING_EACH;
/// Most leases of one request, and most entries of one batch of completions.
const BATCH: u32 = 1_000;
/// Clients that submit side by side; each has its own workspaces, so that it knows their order.
const CLIENTS: usize = 63;
/// Clients that look at the end side by side.
const READERS: usize = 4;

const SETTINGS: [(&str, &str); 3] = [
    // Nothing lapses by itself here, however slow the machine is: what comes back is handed back.
    ("REEVE__LEASES__LEASE_MS", "120000"),
    ("REEVE__LEASES__LEASE_ACK_MS", "120000"),
    ("REEVE__RETRY__BACKOFF_MS", "1"),
];

/// Jobs of each workspace that wait.
fn queued_each() -> usize {
    let asked = std::env::var("REEVE_TEST_QUEUED").map(|text| text.parse().unwrap());
    asked.unwrap_or(QUEUED).div_ceil(WORKSPACES)
}

/// Job ids of each workspace, in an order that matters.
type ByWorkspace = BTreeMap<String, Vec<String>>;

fn text(lease: &Value, name: &str) -> String {
    lease[name].as_str().unwrap().to_owned()
}

fn collect(into: &mut ByWorkspace, leases: &[Value]) {
    for lease in leases {
        into.entry(text(lease, "workspace")).or_default().push(text(lease, "job"));
    }
}

/// Everything submitted, each workspace in one line, so that acknowledgements tell the order of admission.
async fn admit(tenants: &Arc<Vec<Tenant>>, each: usize) -> ByWorkspace {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let tenants = Arc::clone(tenants);
            spawn(async move {
                let mut admitted = ByWorkspace::new();
                for _ in 0..each {
                    for tenant in tenants.iter().skip(client).step_by(CLIENTS) {
                        let job = tenant.admitted(image(1)).await;
                        admitted.entry(tenant.id.clone()).or_default().push(job);
                    }
                }
                admitted
            })
        })
        .collect();
    let mut admitted = ByWorkspace::new();
    for client in clients {
        admitted.append(&mut within("a client's submits", 900, client).await.unwrap());
    }
    admitted
}

async fn lease_up_to(hand: &Hand, count: usize) -> Vec<Value> {
    let mut leases = Vec::new();
    while leases.len() < count {
        let slots = u32::try_from(count - leases.len()).unwrap().min(BATCH);
        let more = hand.lease(slots, 10).await;
        assert!(!more.is_empty(), "{} of {count} leases, and no more come", leases.len());
        leases.extend(more);
    }
    leases
}

async fn complete(api: &Api, leases: &[Value]) {
    for batch in leases.chunks(BATCH as usize) {
        let entries: Vec<Value> = batch
            .iter()
            .map(|lease| json!({"lease": lease["lease"], "complete": {"outputs": [landed(0)]}}))
            .collect();
        let answer = api.post("/v1/worker/completions", json!({"entries": entries})).await.ok(200);
        let bad = answer["results"].as_array().unwrap().iter().find(|result| result["status"] != 200);
        assert!(bad.is_none(), "{bad:#?}");
    }
}

/// Leases and completes all that waits. One request comes after the other, so that the order is known; the batch
/// before is completed meanwhile. Half batches: two of them stay within what the workspaces may run.
async fn drain(hand: &Hand, jobs: usize) -> ByWorkspace {
    let mut order = ByWorkspace::new();
    let (mut left, mut completing) = (jobs, None);
    while left > 0 {
        let leases = hand.lease(BATCH / 2, 10).await;
        assert!(!leases.is_empty(), "{left} of {jobs} jobs never come");
        collect(&mut order, &leases);
        assert!(leases.len() <= left, "more come than were admitted");
        left -= leases.len();
        let api = hand.api.clone();
        let next = spawn(async move { complete(&api, &leases).await });
        if let Some(before) = completing.replace(next) {
            within("a batch of completions", 60, before).await.unwrap();
        }
    }
    if let Some(last) = completing {
        within("the last completions", 60, last).await.unwrap();
    }
    order
}

fn ids(leases: &[Value]) -> Vec<String> {
    leases.iter().map(lease_of).collect()
}

async fn heartbeat(hand: &Hand, leases: &[String]) -> Value {
    hand.heartbeat(&leases.iter().map(String::as_str).collect::<Vec<_>>()).await
}

fn sorted(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_jobs_running_and_queued_all_are_charged_once_in_their_order() {
    let queued_each = queued_each();
    let mut server = Server::with(&SETTINGS);
    let mut tenants = Vec::new();
    for n in 0..WORKSPACES {
        tenants.push(Tenant::large(&server.admin(), &format!("workspace-{n:02}")).await);
    }
    let tenants = Arc::new(tenants);
    let admitted = admit(&tenants, RUNNING_EACH + queued_each).await;
    let (lives, dies) = (Hand::new(&server.worker_api(), "lives"), Hand::new(&server.worker_api(), "dies"));
    let on_lives = lease_up_to(&lives, RUNNING / 2).await;
    let on_dies = lease_up_to(&dies, RUNNING / 2).await;
    let mut started = ByWorkspace::new();
    collect(&mut started, &on_lives);
    collect(&mut started, &on_dies);
    for (workspace, jobs) in &started {
        assert_eq!(jobs[..], admitted[workspace][..RUNNING_EACH], "the first of `{workspace}` run, in order");
    }
    assert!(lives.lease(1, 0).await.is_empty(), "every workspace runs all it may");

    tokio::task::block_in_place(|| server.restart());

    // One worker outlived the server: its leases are as they were, and end on their first attempt.
    let heard = heartbeat(&lives, &ids(&on_lives)).await;
    assert_eq!(sorted(&heard["renewed"]), ids(&on_lives).into_iter().collect(), "of those that live on");
    // The other came back empty-handed: its jobs take their old places again.
    assert_eq!(dies.heartbeat(&[]).await["lost"], json!([]));
    come_back(&server, &on_dies).await;
    complete(&lives.api, &on_lives).await;
    // The half that ran on is done; the other half waits with the rest.
    let order = drain(&lives, RUNNING / 2 + WORKSPACES * queued_each).await;
    assert!(lives.lease(1, 0).await.is_empty(), "more came than were admitted");
    for batch in ids(&on_dies).chunks(BATCH as usize) {
        let entries: Vec<Value> =
            batch.iter().map(|id| json!({"lease": id, "complete": {"outputs": [landed(0)]}})).collect();
        let late = dies.api.post("/v1/worker/completions", json!({"entries": entries})).await.ok(200);
        assert!(late["results"].as_array().unwrap().iter().all(|result| result["status"] == 409), "{late:#}");
    }

    let retried: BTreeSet<String> = on_dies.iter().map(|lease| text(lease, "job")).collect();
    check_charges(&tenants, &admitted, &Arc::new(retried.clone())).await;
    verify(&server.admin()).await;
    let first_time: BTreeSet<String> = on_lives.iter().map(|lease| text(lease, "job")).collect();
    for (workspace, jobs) in &admitted {
        let expected: Vec<&String> = jobs.iter().filter(|job| !first_time.contains(*job)).collect();
        check_order(workspace, &expected, &order[workspace], &retried);
    }
}

/// Leased as they were admitted; those that came back stand first.
fn check_order(workspace: &str, expected: &[&String], leased: &[String], retried: &BTreeSet<String>) {
    let waited = |job: &&&String| !retried.contains(**job);
    let leased: Vec<&String> = leased.iter().collect();
    same_order(workspace, expected.iter().filter(waited), leased.iter().filter(waited));
    same_order(workspace, expected.iter(), leased.iter());
}

fn same_order<'a>(
    workspace: &str,
    expected: impl Iterator<Item = &'a &'a String>,
    leased: impl Iterator<Item = &'a &'a String>,
) {
    let (expected, leased): (Vec<_>, Vec<_>) = (expected.collect(), leased.collect());
    assert_eq!(leased.len(), expected.len(), "jobs of `{workspace}`");
    let Some(n) = (0..leased.len()).find(|n| leased[*n] != expected[*n]) else { return };
    let (turn, place) = (expected[n], leased.iter().position(|job| *job == expected[n]));
    panic!("`{workspace}`: lease {n} is `{}`; it was the turn of `{turn}`, leased as {place:?}", leased[n]);
}

/// What was running takes its old place once its worker gives it back, whether or not the server was killed between.
async fn comes_back_to_its_place(killed: bool) {
    let mut server = Server::with(&SETTINGS);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let mut jobs = Vec::new();
    for priority in [0, 0, 0, 5] {
        let mut body = image(1);
        body["priority"] = json!(priority);
        jobs.push(tenant.admitted(body).await);
    }
    // The urgent one first, then in order of admission.
    let expected = [3, 0, 1, 2].map(|n: usize| jobs[n].clone());
    let held = lease_up_to(&hand, 2).await;
    assert_eq!(held.iter().map(|lease| text(lease, "job")).collect::<Vec<_>>(), [&jobs[3][..], &jobs[0][..]]);
    heartbeat(&hand, &ids(&held)).await;
    if killed {
        tokio::task::block_in_place(|| server.restart());
    }
    hand.heartbeat(&[]).await;
    come_back(&server, &held).await;
    let leases = lease_up_to(&hand, 4).await;
    assert_eq!(leases.iter().map(|lease| text(lease, "job")).collect::<Vec<_>>(), expected);
    complete(&hand.api, &leases).await;
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_given_back_takes_its_old_place() {
    comes_back_to_its_place(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_given_back_after_a_kill_takes_its_old_place() {
    comes_back_to_its_place(true).await;
}

/// Waits until jobs that were handed back may be leased again.
async fn come_back(server: &Server, leases: &[Value]) {
    let api = server.admin();
    for lease in leases {
        let path = format!("/v1/jobs/{}", text(lease, "job"));
        eventually("a job handed back", 60, || async {
            let view = api.get(&path).await.ok(200);
            let ready = view["status"] == "queued" && view["queue"]["waiting_for"] != "retry_backoff";
            ready.then_some(())
        })
        .await;
    }
}

async fn check_charges(tenants: &Arc<Vec<Tenant>>, admitted: &ByWorkspace, retried: &Arc<BTreeSet<String>>) {
    let checks: Vec<_> = (0..READERS)
        .map(|reader| {
            let (tenants, retried) = (Arc::clone(tenants), Arc::clone(retried));
            let admitted = admitted.clone();
            spawn(async move {
                for tenant in tenants.iter().skip(reader).step_by(READERS) {
                    let jobs: BTreeSet<String> = admitted[&tenant.id].iter().cloned().collect();
                    check_charges_of(tenant, &jobs, &retried).await;
                }
            })
        })
        .collect();
    for check in checks {
        within("a look at a workspace's jobs", 600, check).await.unwrap();
    }
}

/// Each job ended well and paid once; nothing else was paid.
async fn check_charges_of(tenant: &Tenant, jobs: &BTreeSet<String>, retried: &BTreeSet<String>) {
    let books = tenant.books().await;
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let page = tenant.api.get(&tenant.path(&format!("/jobs?limit=500{cursor}"))).await.ok(200);
        for view in page["data"].as_array().unwrap() {
            let job = text(view, "id");
            let attempt = if retried.contains(&job) { 2 } else { 1 };
            assert_eq!(
                (&view["status"], &view["attempt"]),
                (&json!("succeeded"), &json!(attempt)),
                "{view:#}"
            );
            assert_eq!(micros(&view["credits"]["settled"]), IMAGE, "{view:#}");
            books.check_final(view);
            assert!(seen.insert(job), "listed twice: {view:#}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, *jobs, "the jobs of `{}`", tenant.id);
    let settled: i64 = books.jobs.values().map(|sums| sums.settled).sum();
    assert_eq!((books.jobs.len(), settled), (jobs.len(), jobs.len() as i64 * IMAGE), "`{}`", tenant.id);
    assert_eq!(books.held, 0);
}
