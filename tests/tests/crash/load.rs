//! Clients at work: they submit, cancel, buy, lease, upload and complete until their server is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use reeve_client::Upload;
use reqwest::Method;
use serde_json::{Value, json};

use super::history::{Cancel, Known, Lease, Purchase, Submit};
use super::process::Life;
use super::world::{BUYER, WORKSPACES, World, id_of, status_of};
use crate::fixture::{Api, Hand, landed, outcome, pause_ms, spawn, within};

/// Longest time until a fault strikes, and until all jobs are done at the end.
const STRIKES_SECONDS_MAX: u64 = 60;
const DRAIN_SECONDS_MAX: u64 = 30;
/// Each look finds as many jobs as workspaces may have under way, of some hundreds that wait.
const DRAIN_LOOKS_MAX: u64 = 300;
/// More than an artifact store gathers before it writes: goes through the staging area.
const LARGE_BYTES: usize = (4 << 20) + 4_096;

/// How many clients of each kind.
#[derive(Clone, Copy)]
pub struct Crowd {
    pub submitters: u32,
    pub hands: u32,
    /// Everybody submits to the first workspace.
    pub one_workspace: bool,
}

impl Crowd {
    pub const USUAL: Self = Self { submitters: 3, hands: 2, one_workspace: false };
    pub const HOT: Self = Self { submitters: 8, hands: 1, one_workspace: true };
}

struct Client {
    world: Arc<World>,
    api: Api,
    worker: Api,
    life: u32,
    number: u32,
    one_workspace: bool,
    stop: Arc<AtomicBool>,
}

impl Client {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn random(&self) -> StdRng {
        self.world.random(self.life, self.number)
    }

    /// True while the server answers; an unanswered request ends a client.
    async fn lives<T>(&self, known: &Known<T>) -> bool {
        if !known.is_open() {
            return true;
        }
        // A server that says "later" still answers; one that is gone does not.
        pause_ms(20).await;
        self.api.try_send(self.api.request(Method::GET, "/healthz")).await.is_ok()
    }

    async fn submit(self) {
        let (mut random, mut n) = (self.random(), 0);
        while !self.stopped() {
            n += 1;
            let key = format!("life-{}-{}-{n}", self.life, self.number);
            let workspace = if self.one_workspace { 0 } else { random.random_range(0..WORKSPACES.len()) };
            let params = json!({"prompt": "a storm", "outputs": random.random_range(1..=3_u32), "width": 16, "height": 16});
            let body = json!({"action": "image.generate", "params": params, "metadata": {"key": key}});
            let path = self.world.tenant(&self.api, workspace).path("/jobs");
            let entry = Submit { workspace, body: body.clone(), known: Known::Open };
            self.world.history().submits.insert(key.clone(), entry);
            let known = id_of(self.world.send(&self.api, &path, Some(&key), &body).await);
            self.world.history().submits.entry(key.clone()).and_modify(|entry| entry.known = known.clone());
            if !self.lives(&known).await {
                return;
            }
            if let Known::Done(job) = known
                && random.random_range(0..8) == 0
                && !self.cancel(&key, &job).await
            {
                return;
            }
        }
    }

    async fn cancel(&self, key: &str, job: &str) -> bool {
        let key = format!("{key}-cancel");
        let entry = Cancel { key: key.clone(), known: Known::Open };
        self.world.history().cancels.insert(job.to_owned(), entry);
        let path = format!("/v1/jobs/{job}/cancel");
        let known = status_of(self.world.send(&self.api, &path, Some(&key), &json!({})).await);
        self.world.history().cancels.entry(job.to_owned()).and_modify(|entry| entry.known = known.clone());
        self.lives(&known).await
    }

    async fn buy(self) {
        let mut n = 0;
        while !self.stopped() {
            n += 1;
            let payment = format!("payment-{}-{n}", self.life);
            let body = json!({"pack": "creator", "payment": payment});
            let entry = Purchase { key: payment.clone(), body: body.clone(), known: Known::Open };
            self.world.history().purchases.insert(payment.clone(), entry);
            let path = format!("/v1/workspaces/{BUYER}/purchases");
            let known = id_of(self.world.send(&self.api, &path, Some(&payment), &body).await);
            self.world.history().purchases.entry(payment).and_modify(|entry| entry.known = known.clone());
            if !self.lives(&known).await {
                return;
            }
            pause_ms(15).await;
        }
    }

    /// A worker's hand: leases, and ends what it leased.
    async fn work(self) {
        let mut random = self.random();
        let hand = Hand::new(&self.worker, &format!("hand-{}", self.number));
        while !self.stopped() {
            let asked =
                self.world.send(&self.worker, "/v1/worker/leases", None, &hand.lease_body(3, 1)).await;
            if !self.lives(&asked).await {
                return;
            }
            let leases: Vec<Value> =
                asked.done().map_or_else(Vec::new, |answer| answer["leases"].as_array().unwrap().clone());
            let ids: Vec<String> = leases.iter().map(|it| it["lease"].as_str().unwrap().to_owned()).collect();
            for (lease, id) in leases.iter().zip(&ids) {
                let entry = Lease {
                    job: lease["job"].as_str().unwrap().to_owned(),
                    outputs: u32::try_from(lease["outputs"].as_u64().unwrap()).unwrap(),
                    uploaded: Default::default(),
                    said: None,
                    closed: Known::Open,
                };
                self.world.history().leases.insert(id.clone(), entry);
            }
            for id in &ids {
                if !self.finish(&mut random, id).await {
                    return;
                }
            }
        }
    }

    async fn finish(&self, random: &mut StdRng, lease: &str) -> bool {
        let outputs = self.world.history().leases[lease].outputs;
        let mut said = Vec::new();
        for index in 0..outputs {
            if random.random_range(0..3) == 0 {
                said.push(landed(index));
                continue;
            }
            let len = if random.random_range(0..6) == 0 { LARGE_BYTES } else { 300 };
            let mut bytes = vec![0; len];
            random.fill_bytes(&mut bytes);
            match self.upload(lease, index, bytes).await {
                Known::Done(()) => said.push(outcome(index, "landed")),
                Known::Refused(_) => return true,
                Known::Open => return self.lives(&Known::<()>::Open).await,
            }
        }
        complete(&self.world, &self.worker, lease, Some(json!({"outputs": said}))).await;
        let closed = self.world.history().leases[lease].closed.clone();
        self.lives(&closed).await
    }

    async fn upload(&self, lease: &str, index: u32, bytes: Vec<u8>) -> Known<()> {
        let upload = Upload::new(bytes.clone().into(), "image/png");
        let path = format!("/v1/worker/leases/{lease}/outputs/{index}");
        let request = self.worker.request(Method::PUT, &path).header("Content-Type", "image/png");
        let request = request.header("Content-Digest", upload.sha256.to_header()).body(bytes);
        match self.world.hear(&path, self.worker.try_send(request).await) {
            Known::Done(_) => {
                let mut history = self.world.history();
                let entry = history.leases.get_mut(lease).unwrap();
                entry.uploaded.insert(index, upload.sha256.to_string());
                Known::Done(())
            }
            Known::Refused(status) => Known::Refused(status),
            Known::Open => Known::Open,
        }
    }
}

/// Completes a lease; without outputs, says once more what it said before.
pub async fn complete(world: &World, worker: &Api, lease: &str, said: Option<Value>) {
    let said = {
        let mut history = world.history();
        let entry = history.leases.get_mut(lease).unwrap();
        if said.is_some() {
            entry.said = said;
        }
        entry.said.clone()
    };
    let Some(said) = said else { return };
    let known = world.send(worker, &format!("/v1/worker/leases/{lease}/complete"), None, &said).await;
    world.history().leases.entry(lease.to_owned()).and_modify(|entry| entry.closed = known);
}

/// Lets clients work until the server ends or `seconds_max` have passed; true when it ended.
pub async fn until_it_ends(world: &Arc<World>, life: &mut Life, crowd: Crowd, seconds_max: u64) -> bool {
    let (number, stop) = (world.next_life(), Arc::new(AtomicBool::new(false)));
    let client = |n: u32| Client {
        world: Arc::clone(world),
        api: life.admin(),
        worker: life.worker_api(),
        life: number,
        number: n,
        one_workspace: crowd.one_workspace,
        stop: Arc::clone(&stop),
    };
    let mut tasks = vec![spawn(client(0).buy())];
    tasks.extend((1..=crowd.submitters).map(|n| spawn(client(n).submit())));
    tasks.extend((101..=100 + crowd.hands).map(|n| spawn(client(n).work())));
    let mut looks = seconds_max * 100;
    while life.ended().is_none() && looks > 0 {
        looks -= 1;
        pause_ms(10).await;
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        within("the end of a client", 120, task).await.unwrap();
    }
    life.ended().is_some()
}

/// Lets clients work until the fault strikes, which it must.
pub async fn until_it_strikes(world: &Arc<World>, life: &mut Life) -> std::process::ExitStatus {
    let ended = until_it_ends(world, life, Crowd::USUAL, STRIKES_SECONDS_MAX).await;
    assert!(ended, "the fault never struck:\n{}", world.place.log());
    life.end(1).await
}

/// Completes once more what was left open, or was leased and not completed before the crash.
pub async fn complete_open(world: &World, worker: &Api) {
    let open: Vec<(String, Option<Value>)> = {
        let history = world.history();
        let open = history.leases.iter().filter(|(_, lease)| lease.closed.is_open());
        open.map(|(id, lease)| (id.clone(), lease.said.is_none().then(|| all_that_landed(lease)))).collect()
    };
    for (lease, said) in open {
        complete(world, worker, &lease, said).await;
    }
}

/// Uploads that were acknowledged are there; the rest is given by url.
fn all_that_landed(lease: &Lease) -> Value {
    let outputs: Vec<Value> = (0..lease.outputs)
        .map(|n| if lease.uploaded.contains_key(&n) { outcome(n, "landed") } else { landed(n) })
        .collect();
    json!({"outputs": outputs})
}

/// Ends every job that is left.
pub async fn drain(life: &Life) {
    let hand = Hand::new(&life.worker_api(), "last");
    let mut looks = 0;
    let draining = async {
        loop {
            looks += 1;
            let leases = hand.lease(500, 1).await;
            for lease in &leases {
                let (id, outputs) = (lease["lease"].as_str().unwrap(), lease["outputs"].as_u64().unwrap());
                let said: Vec<Value> = (0..outputs).map(|n| landed(u32::try_from(n).unwrap())).collect();
                hand.complete(id, json!(said)).await.ok(200);
            }
            let left = life.admin().get("/v1/jobs?status=queued&limit=1").await.ok(200);
            let running = life.admin().get("/v1/jobs?status=running&limit=1").await.ok(200);
            let none = |page: &Value| page["data"].as_array().unwrap().is_empty();
            if leases.is_empty() && none(&left) && none(&running) {
                return;
            }
            assert!(looks < DRAIN_LOOKS_MAX, "never done: {left:#} {running:#}");
        }
    };
    within("the last jobs", 2 * DRAIN_SECONDS_MAX, draining).await;
}
