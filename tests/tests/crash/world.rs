//! The workspaces of a run and what their clients know, over all lives of the server.

use std::sync::{Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};

use super::checker;
use super::history::{Counts, History, Known};
use super::outbox;
use super::process::{Life, Place};
use crate::fixture::{Api, Tenant, now_ms};

/// Workspaces in which jobs are admitted; the last one never has credits.
pub const WORKSPACES: [&str; 4] = ["acme", "bold", "calm", "poor"];
/// The workspace that buys credits.
pub const BUYER: &str = "buyer";

/// One run.
pub struct World {
    pub place: Place,
    pub seed: u64,
    history: Mutex<History>,
    /// Counts lives, so that keys and sessions differ.
    lives: Mutex<u32>,
}

/// Reads `REEVE_TEST_SEED`, or draws a seed; printed, so that a failure can be run again.
fn seed() -> u64 {
    let given = std::env::var("REEVE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()) ^ now_ms().unsigned_abs());
    println!("REEVE_TEST_SEED={seed}");
    seed
}

impl World {
    /// A fresh place with its workspaces, made by a first life without faults.
    pub async fn new(place: Place) -> Self {
        let world = Self::empty(place);
        let life = world.place.start("");
        world.furnish(&life).await;
        life.stop().await;
        world
    }

    /// A place in which nothing is yet.
    pub fn empty(place: Place) -> Self {
        Self { place, seed: seed(), history: Mutex::default(), lives: Mutex::default() }
    }

    /// Makes the workspaces.
    pub async fn furnish(&self, life: &Life) {
        let api = life.admin();
        for id in &WORKSPACES[..3] {
            Tenant::large(&api, id).await;
        }
        Tenant::with_credits(&api, WORKSPACES[3], 0).await;
        Tenant::open(&api, json!({"id": BUYER, "catalog": "kreatorflow"})).await;
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    pub fn counts(&self) -> Counts {
        self.history().counts()
    }

    /// A number that no life before had.
    pub fn next_life(&self) -> u32 {
        let mut lives = self.lives.lock().unwrap();
        *lives += 1;
        *lives
    }

    /// A source of numbers for one client of one life.
    pub fn random(&self, life: u32, client: u32) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_add(u64::from(life) << 32 | u64::from(client)))
    }

    /// One number below a bound.
    pub fn draw(&self, life: u32, below: u64) -> u64 {
        self.random(life, u32::MAX).random_range(0..below)
    }

    pub fn tenant(&self, api: &Api, workspace: usize) -> Tenant {
        Tenant { api: api.clone(), id: WORKSPACES[workspace].to_owned() }
    }

    /// Sends a change and tells what its client knows then.
    pub async fn send(&self, api: &Api, path: &str, key: Option<&str>, body: &Value) -> Known<Value> {
        let mut request = api.request(Method::POST, path).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.hear(path, api.try_send(request).await)
    }

    /// What an answer tells.
    pub fn hear(&self, path: &str, answer: Result<crate::fixture::Answer, reqwest::Error>) -> Known<Value> {
        match answer {
            Err(_) => Known::Open,
            Ok(answer) if answer.status < 300 => Known::Done(answer.json()),
            Ok(answer) if answer.status == 503 => {
                if answer.header("retry-after").is_none() {
                    self.surprise(format!("{path}: 503 without Retry-After"));
                }
                Known::Open
            }
            Ok(answer) if answer.status >= 500 => {
                self.surprise(format!("{path}: {} {}", answer.status, answer.text()));
                Known::Open
            }
            Ok(answer) => Known::Refused(answer.status),
        }
    }

    fn surprise(&self, what: String) {
        self.history().surprises.push(what);
    }

    /// Sends what was left open once more, under the keys of the first time: every other one, so that both a retry and
    /// a client that gave up are seen.
    pub async fn retry_open(&self, api: &Api) {
        let open: Vec<_> = {
            let history = self.history();
            let open = history.submits.iter().filter(|(_, submit)| submit.known.is_open());
            open.step_by(2).map(|(key, submit)| (key.clone(), submit.clone())).collect()
        };
        for (key, submit) in open {
            let path = self.tenant(api, submit.workspace).path("/jobs");
            let known = self.send(api, &path, Some(&key), &submit.body).await;
            self.history().submits.entry(key).and_modify(|entry| entry.known = id_of(known));
        }
        self.retry_money(api).await;
    }

    async fn retry_money(&self, api: &Api) {
        let (purchases, cancels) = {
            let history = self.history();
            let purchases = history.purchases.iter().filter(|(_, it)| it.known.is_open()).step_by(2);
            let cancels = history.cancels.iter().filter(|(_, it)| it.known.is_open()).step_by(2);
            (
                purchases.map(|(payment, it)| (payment.clone(), it.clone())).collect::<Vec<_>>(),
                cancels.map(|(job, it)| (job.clone(), it.clone())).collect::<Vec<_>>(),
            )
        };
        for (payment, it) in purchases {
            let path = format!("/v1/workspaces/{BUYER}/purchases");
            let known = self.send(api, &path, Some(&it.key), &it.body).await;
            self.history().purchases.entry(payment).and_modify(|entry| entry.known = id_of(known));
        }
        for (job, it) in cancels {
            let known = self.send(api, &format!("/v1/jobs/{job}/cancel"), Some(&it.key), &json!({})).await;
            self.history().cancels.entry(job).and_modify(|entry| entry.known = status_of(known));
        }
    }

    /// Everything that does not fit what clients know; nothing, when all is well. Also what is left open is tried again,
    /// and compared once more.
    pub async fn check(&self, life: &Life) -> Vec<String> {
        let api = life.admin();
        let mut found = checker::check(self, &api).await;
        self.retry_open(&api).await;
        found.extend(checker::check(self, &api).await);
        found.extend(outbox::check(self, &api).await);
        found.extend(checker::verify(&api).await);
        found.append(&mut self.history().surprises);
        found.sort();
        found.dedup();
        found
    }
}

/// The id of what was made.
pub fn id_of(known: Known<Value>) -> Known<String> {
    map(known, |view| view["id"].as_str().unwrap().to_owned())
}

/// The status that was answered.
pub fn status_of(known: Known<Value>) -> Known<String> {
    map(known, |view| view["status"].as_str().unwrap().to_owned())
}

fn map<T, U>(known: Known<T>, f: impl FnOnce(T) -> U) -> Known<U> {
    match known {
        Known::Done(value) => Known::Done(f(value)),
        Known::Refused(status) => Known::Refused(status),
        Known::Open => Known::Open,
    }
}
