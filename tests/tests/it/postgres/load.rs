//! Clients that submit and a worker that completes, while the ground shakes; and what must hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::fixture::{
    Answer, Api, Hand, Server, Tenant, image, landed, micros, pause_ms, spawn, verify, within,
};

const TENANTS: usize = 4;
const SUBMITTERS: usize = 4;
/// Longest time that one change is tried for.
const INSIST_SECONDS_MAX: u64 = 60;
/// Longest time until everything admitted is done.
const DRAIN_SECONDS_MAX: u64 = 90;
const AGAIN_MS: u64 = 20;
/// Enough for every session of the readers to have one.
const READS_AT_ONCE: usize = 32;

/// What clients know for certain.
pub struct Load {
    /// Where requests go; the next one after each that failed.
    targets: Vec<(Api, Api)>,
    tenants: Vec<String>,
    /// Tenant and job by idempotency key.
    admitted: Mutex<BTreeMap<String, (usize, String)>>,
    /// Requests without an answer at all.
    pub unanswered: AtomicU64,
    /// Answers 503.
    pub put_off: AtomicU64,
    stop: AtomicBool,
}

/// A load under way.
pub struct Running {
    load: Arc<Load>,
    submitters: Vec<JoinHandle<()>>,
    worker: JoinHandle<()>,
}

impl Load {
    /// Starts on servers of one database; the first of them serves.
    pub async fn start(servers: &[&Server]) -> Running {
        let targets: Vec<(Api, Api)> =
            servers.iter().map(|server| (server.admin(), server.worker_api())).collect();
        let tenants: Vec<String> = (0..TENANTS).map(|n| format!("workspace-{n}")).collect();
        for tenant in &tenants {
            Tenant::large(&targets[0].0, tenant).await;
        }
        let load = Arc::new(Self {
            targets,
            tenants,
            admitted: Mutex::default(),
            unanswered: AtomicU64::new(0),
            put_off: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let submitters = (0..SUBMITTERS).map(|n| spawn(Arc::clone(&load).submit(n))).collect();
        let worker = spawn(Arc::clone(&load).work());
        Running { load, submitters, worker }
    }

    /// Sends a change until somebody answers other than "later": each time under the same key.
    async fn insist(&self, as_worker: bool, key: &str, (path, body): (&str, &Value)) -> Answer {
        within(&format!("an answer to `{key}`"), INSIST_SECONDS_MAX, async {
            for n in 0.. {
                let (admin, worker) = &self.targets[n % self.targets.len()];
                let api = if as_worker { worker } else { admin };
                let request = api.request(Method::POST, path).header("Idempotency-Key", key).json(body);
                match api.try_send(request).await {
                    Ok(answer) if answer.status == 503 => self.put_off.fetch_add(1, Ordering::Relaxed),
                    Ok(answer) => return answer,
                    Err(_) => self.unanswered.fetch_add(1, Ordering::Relaxed),
                };
                pause_ms(AGAIN_MS).await;
            }
            unreachable!("nobody counts that far")
        })
        .await
    }

    async fn submit(self: Arc<Self>, client: usize) {
        for n in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let (key, tenant) = (format!("client-{client}-{n}"), (client + n) % TENANTS);
            let path = format!("/v1/workspaces/{}/jobs", self.tenants[tenant]);
            let job = self.insist(false, &key, (&path, &image(1))).await.ok(201);
            let job = job["id"].as_str().unwrap().to_owned();
            self.admitted.lock().unwrap().insert(key, (tenant, job));
            pause_ms(3).await;
        }
    }

    async fn work(self: Arc<Self>) {
        let hand = Hand::new(&self.targets[0].1, "worker");
        for n in 0.. {
            let body = hand.lease_body(16, 1);
            let key = format!("lease-{n}");
            // Without an end by `stop`: what was admitted is to be done.
            let answer = self.insist(true, &key, ("/v1/worker/leases", &body)).await.ok(200);
            for lease in answer["leases"].as_array().unwrap() {
                let lease = lease["lease"].as_str().unwrap();
                let path = format!("/v1/worker/leases/{lease}/complete");
                let body = json!({"outputs": [landed(0)]});
                let done = self.insist(true, &format!("complete-{lease}"), (&path, &body)).await;
                // 409: it took so long that the lease lapsed.
                assert!(matches!(done.status, 200 | 409), "{}", done.text());
            }
        }
    }

    fn count(&self) -> usize {
        self.admitted.lock().unwrap().len()
    }
}

impl Running {
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Waits until so many more submits were acknowledged.
    pub async fn goes_on(&self, more: usize, seconds_max: u64) {
        let goal = self.load.count() + more;
        let look = || async { (self.load.count() >= goal).then_some(()) };
        crate::fixture::eventually(&format!("{more} more submits"), seconds_max, look).await;
    }

    /// No more submits; waits until all is done on `server`, and checks that everything acknowledged is there once, is
    /// charged once, and that nothing else is there.
    pub async fn end(self, server: &Server) -> usize {
        let Self { load, submitters, worker } = self;
        load.stop.store(true, Ordering::Relaxed);
        for submitter in submitters {
            within("the last submits", INSIST_SECONDS_MAX, submitter).await.unwrap();
        }
        let admitted = load.admitted.lock().unwrap().clone();
        let api = server.admin();
        reads_again(&api).await;
        for (n, id) in load.tenants.iter().enumerate() {
            let tenant = Tenant { api: api.clone(), id: id.clone() };
            let known: BTreeSet<String> =
                admitted.values().filter(|(owner, _)| *owner == n).map(|(_, job)| job.clone()).collect();
            check(&tenant, &known).await;
        }
        worker.abort();
        verify(&api).await;
        admitted.len()
    }
}

/// A session that was ended is found out by the read that gets it, whose caller is told to try again.
async fn reads_again(api: &Api) {
    within("reads that nobody has to repeat", INSIST_SECONDS_MAX, async {
        loop {
            let reads = (0..READS_AT_ONCE).map(|_| api.get("/v1/jobs?limit=1"));
            if join_all(reads).await.iter().all(|answer| answer.status == 200) {
                return;
            }
        }
    })
    .await;
}

async fn check(tenant: &Tenant, known: &BTreeSet<String>) {
    let mut views = Vec::new();
    for job in known {
        views.push(tenant.finished(job, DRAIN_SECONDS_MAX).await);
    }
    let books = tenant.books().await;
    let mut settled = 0;
    for view in &views {
        books.check_final(view);
        settled += books.job(view["id"].as_str().unwrap()).settled;
    }
    assert_eq!(&jobs_of(tenant).await, known, "jobs that nobody was told of, or that are gone");
    let granted = |row: &&Value| row["kind"] == "grant";
    let granted: i64 = books.rows.iter().filter(granted).map(|row| micros(&row["amount"])).sum();
    assert_eq!((books.available, books.held), (granted - settled, 0), "`{}`", tenant.id);
}

/// All jobs of a workspace; panics on one that is listed twice.
pub async fn jobs_of(tenant: &Tenant) -> BTreeSet<String> {
    let (mut jobs, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = tenant.api.get(&tenant.path(&format!("/jobs?limit=500{cursor}"))).await.ok(200);
        for job in page["data"].as_array().unwrap() {
            let id = job["id"].as_str().unwrap().to_owned();
            assert!(jobs.insert(id), "listed twice: {job:#}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return jobs,
        }
    }
}
