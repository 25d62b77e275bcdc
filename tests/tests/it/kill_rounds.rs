//! SIGKILL at random moments, with submits in flight and a worker that goes on rendering: what was acknowledged is
//! there, once, and is charged once or released once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reeve_client::Upload;
use reeve_protocol::At;
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Api, Books, Server, Tenant, micros, now_ms, pause_ms, spawn, verify, within};

const ROUNDS: u32 = 24;
const WORKSPACES: usize = 5;
const SUBMITTERS: u64 = 3;
/// Longest time until everything is done after the last round.
const DRAIN_SECONDS_MAX: u64 = 150;
/// Longest time that one change is tried for.
const INSIST_SECONDS_MAX: u64 = 60;
/// Of so many jobs one has its receipt and its bytes looked at, too.
const LOOK_CLOSER_EVERY: usize = 4;
/// Leases that are short enough for a test and long enough for a busy machine.
const SETTINGS: [(&str, &str); 4] = [
    ("REEVE__LEASES__LEASE_MS", "8000"),
    ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
    ("REEVE__LEASES__LEASE_ACK_MS", "4000"),
    ("REEVE__RETRY__BACKOFF_MS", "100"),
];

/// What clients know for certain, because it was acknowledged.
#[derive(Default)]
struct History {
    /// Idempotency key to what was sent under it and the job that answered.
    admitted: BTreeMap<String, Admitted>,
    /// Job to the status that a cancel was answered with.
    cancelled: BTreeMap<String, String>,
    /// Requests that went unanswered at least once.
    unanswered: u64,
}

#[derive(Clone)]
struct Admitted {
    workspace: usize,
    body: Value,
    job: String,
}

/// The clients of a run.
struct Clients {
    tenants: Vec<Tenant>,
    history: Mutex<History>,
    stop: AtomicBool,
}

/// Reads `REEVE_TEST_SEED`, or draws a seed; printed, so that a failure can be run again.
fn seed() -> u64 {
    let given = std::env::var("REEVE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()) ^ now_ms().unsigned_abs());
    println!("REEVE_TEST_SEED={seed}");
    seed
}

impl Clients {
    /// Sends a change until it is answered: each time under the same key.
    async fn insist(&self, api: &Api, key: &str, path: &str, body: &Value) -> Value {
        within(&format!("an answer to `{key}`"), INSIST_SECONDS_MAX, async {
            loop {
                let request = api.request(Method::POST, path).header("Idempotency-Key", key).json(body);
                match api.try_send(request).await {
                    Ok(answer) if answer.status == 503 => pause_ms(30).await,
                    Ok(answer) => return answer.ok(if path.ends_with("/cancel") { 200 } else { 201 }),
                    Err(_) => {
                        self.history.lock().unwrap().unanswered += 1;
                        pause_ms(30).await;
                    }
                }
            }
        })
        .await
    }

    /// One client: submits, now and then cancels, until it is told to stop.
    async fn submit(self: Arc<Self>, client: u64, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(client));
        let mut n = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let workspace = random.random_range(0..self.tenants.len());
            let body = body(&mut random);
            let (key, tenant) = (format!("client-{client}-{n}"), &self.tenants[workspace]);
            let job = self.insist(&tenant.api, &key, &tenant.path("/jobs"), &body).await;
            let job = job["id"].as_str().unwrap().to_owned();
            let entry = Admitted { workspace, body, job: job.clone() };
            self.history.lock().unwrap().admitted.insert(key.clone(), entry);
            if random.random_range(0..10) == 0 {
                let view = self
                    .insist(
                        &tenant.api,
                        &format!("{key}-cancel"),
                        &format!("/v1/jobs/{job}/cancel"),
                        &json!({}),
                    )
                    .await;
                let status = view["status"].as_str().unwrap().to_owned();
                self.history.lock().unwrap().cancelled.insert(job, status);
            }
            pause_ms(random.random_range(10..120)).await;
            n += 1;
        }
    }

    /// Some keys that were acknowledged, the newest first: the likeliest to have been lost.
    fn sample(&self, most: usize) -> Vec<(String, Admitted)> {
        let history = self.history.lock().unwrap();
        let mut all: Vec<_> =
            history.admitted.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        all.sort_by(|(_, a), (_, b)| b.job.cmp(&a.job));
        all.truncate(most);
        all
    }
}

/// A small job: most are quick, some take longer than a round, some are filtered in part.
fn body(random: &mut StdRng) -> Value {
    let outputs = random.random_range(1..=3_u32);
    let slow_ms = if random.random_range(0..4) == 0 { random.random_range(300..1_500_u64) } else { 0 };
    let filter: Vec<u32> = if random.random_range(0..6) == 0 { vec![0] } else { Vec::new() };
    let params = json!({
        "prompt": "a storm", "outputs": outputs, "width": 16, "height": 16,
        "sketch": {"slow_ms": slow_ms, "filter": filter},
    });
    json!({"action": "image.generate", "params": params})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_done_twice_however_often_the_server_is_killed() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::with(&SETTINGS);
    let api = server.admin();
    let mut tenants = Vec::new();
    for n in 0..WORKSPACES {
        tenants.push(Tenant::large(&api, &format!("workspace-{n}")).await);
    }
    let clients = Arc::new(Clients { tenants, history: Mutex::default(), stop: AtomicBool::new(false) });
    let mut worker = server.worker(8);
    let submitters: Vec<_> =
        (0..SUBMITTERS).map(|client| spawn(Arc::clone(&clients).submit(client, seed))).collect();

    let mut kills = Vec::new();
    for round in 0..ROUNDS {
        pause_ms(random.random_range(20..900)).await;
        kills.push(now_ms());
        server.kill9();
        tokio::task::block_in_place(|| server.up());
        for (key, entry) in clients.sample(5) {
            let tenant = &clients.tenants[entry.workspace];
            let again = tenant.api.post_as(&key, &tenant.path("/jobs"), &entry.body).await;
            assert_eq!(again.ok(201)["id"], entry.job.as_str(), "`{key}` in round {round}");
            assert!(again.is_replay(), "`{key}` in round {round}");
            assert_eq!(tenant.job(&entry.job).await["id"], entry.job.as_str());
        }
    }
    clients.stop.store(true, Ordering::Relaxed);
    for submitter in submitters {
        within("the last submits", INSIST_SECONDS_MAX, submitter).await.unwrap();
    }
    assert!(worker.is_running(), "the worker outlives its server:\n{}", server.log());
    let rendered_through = check(&clients, &kills).await;
    println!("{rendered_through} jobs were rendered through a crash");
    assert!(rendered_through > 0, "no job ran while the server was down: this tested nothing");
    assert!(clients.history.lock().unwrap().unanswered > 0, "no request was in flight: this tested nothing");
    verify(&api).await;
    assert_eq!(server.terminate(30).await.code(), Some(0));
    let verified = server.verify_folder();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// Waits for all jobs and compares the books with what clients know. Returns how many jobs ran over a kill and ended
/// on their first attempt.
async fn check(clients: &Clients, kills: &[i64]) -> usize {
    let (admitted, cancelled, unanswered) = {
        let history = clients.history.lock().unwrap();
        (history.admitted.clone(), history.cancelled.clone(), history.unanswered)
    };
    println!(
        "{} jobs acknowledged, {} cancels, {unanswered} requests unanswered",
        admitted.len(),
        cancelled.len()
    );
    let mut rendered_through = 0;
    for (n, tenant) in clients.tenants.iter().enumerate() {
        let known: BTreeSet<&str> =
            admitted.values().filter(|entry| entry.workspace == n).map(|entry| entry.job.as_str()).collect();
        let mut settled = 0;
        let mut views = Vec::new();
        for job in &known {
            views.push(tenant.finished(job, DRAIN_SECONDS_MAX).await);
        }
        let books = tenant.books().await;
        for (n, view) in views.iter().enumerate() {
            books.check_final(view);
            if n % LOOK_CLOSER_EVERY == 0 {
                check_closely(tenant, &books, view).await;
            }
            settled += books.job(view["id"].as_str().unwrap()).settled;
            rendered_through += usize::from(ran_through(view, kills));
            if let Some(answered) = cancelled.get(view["id"].as_str().unwrap()) {
                let expected = if answered == "cancelling" { "cancelled" } else { answered };
                assert_eq!(
                    view["status"], expected,
                    "after a cancel that was answered `{answered}`: {view:#}"
                );
            }
        }
        let listed = all_jobs(tenant).await;
        assert_eq!(
            listed.iter().map(String::as_str).collect::<BTreeSet<_>>(),
            known,
            "a job nobody knows of"
        );
        assert_eq!(listed.len(), known.len(), "a job listed twice");
        let granted: i64 =
            books.rows.iter().filter(|row| row["kind"] == "grant").map(|row| micros(&row["amount"])).sum();
        assert_eq!((books.available, books.held), (granted - settled, 0), "`{}`", tenant.id);
    }
    rendered_through
}

/// The receipt says what the ledger says, and every landed output is there with the digest that was acknowledged.
async fn check_closely(tenant: &Tenant, books: &Books, view: &Value) {
    let job = view["id"].as_str().unwrap();
    let receipt = tenant.api.get(&format!("/v1/jobs/{job}/receipt")).await.ok(200);
    let sum = |name: &str| -> i64 {
        receipt["lots"].as_array().unwrap().iter().map(|lot| micros(&lot[name])).sum()
    };
    let sums = books.job(job);
    assert_eq!(
        (sum("held"), sum("settled"), sum("released")),
        (sums.held, sums.settled, sums.released),
        "{receipt:#}"
    );
    for output in view["outputs"].as_array().unwrap().iter().filter(|output| output["status"] == "landed") {
        let bytes = tenant.api.get(output["url"].as_str().unwrap()).await.body;
        let digest = Upload::new(bytes, "image/png").sha256.to_string();
        assert_eq!(output["sha256"], digest.as_str(), "{view:#}");
    }
}

fn ran_through(view: &Value, kills: &[i64]) -> bool {
    let at = |name: &str| view[name].as_str().and_then(|text| text.parse::<At>().ok()).map(|at| at.0.value());
    let (Some(started), Some(finished)) = (at("started_at"), at("finished_at")) else { return false };
    let over = kills.iter().any(|kill| started < *kill && *kill < finished);
    over && view["attempt"] == 1 && view["status"] == "succeeded"
}

async fn all_jobs(tenant: &Tenant) -> Vec<String> {
    let mut jobs = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = tenant.api.get(&tenant.path(&format!("/jobs?limit=500{cursor}"))).await.ok(200);
        jobs.extend(
            page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return jobs,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_rendered_through_a_crash_completes_on_its_first_attempt() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(2);
    let params = json!({"outputs": 2, "width": 32, "height": 32, "sketch": {"slow_ms": 1_500}});
    let job = tenant.admitted(json!({"action": "image.generate", "params": params})).await;
    server.job_is(&job, "running", 30).await;
    server.restart();
    let view = tenant.finished(&job, 60).await;
    assert_eq!((&view["status"], &view["attempt"]), (&json!("succeeded"), &json!(1)), "{view:#}");
    tenant.books().await.check_final(&view);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_loses_its_attempt_and_another_one_ends_the_job() {
    let server = Server::with(&[
        ("REEVE__LEASES__LEASE_MS", "2000"),
        ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
        ("REEVE__LEASES__LEASE_ACK_MS", "2000"),
        ("REEVE__RETRY__BACKOFF_MS", "100"),
    ]);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let first = server.worker(1);
    let params = json!({"outputs": 1, "width": 32, "height": 32, "sketch": {"slow_ms": 3_000}});
    let job = tenant.admitted(json!({"action": "image.generate", "params": params})).await;
    server.job_is(&job, "running", 30).await;
    // Heard of at least once: from then on a silent end costs the attempt.
    pause_ms(1_500).await;
    first.kill9();
    let _second = server.worker(1);
    let view = tenant.finished(&job, 60).await;
    assert_eq!((&view["status"], &view["attempt"]), (&json!("succeeded"), &json!(2)), "{view:#}");
    tenant.books().await.check_final(&view);
}
