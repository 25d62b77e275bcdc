//! Messages of workers, bent, about leases that are live: leases, heartbeats, progress, uploads, completions, failures,
//! batches. Whatever comes, the answer is not a 5xx, and the books are even afterwards.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the request.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::bend::{Dice, bent, bent_word, cases};
use crate::server::{Answer, Server, WORKER};

/// Live leases that messages are about.
const LIVE_MAX: usize = 4;
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// A server, and the leases that a worker believes to hold.
struct Floor {
    server: Server,
    leases: Vec<String>,
    statuses: BTreeMap<(&'static str, u16), u32>,
}

/// A message: what it is, where it goes, its body.
struct Message {
    kind: &'static str,
    path: String,
    body: Value,
}

impl Floor {
    async fn new() -> Self {
        let server = Server::start();
        let open = json!({"id": "acme", "catalog": "kive", "plan": "enterprise"});
        assert_eq!(server.post("/v1/workspaces", open).await.status, 201);
        let rich = json!({"amount": 1_000_000_000, "reason": "so that it lasts"});
        assert_eq!(server.post("/v1/workspaces/acme/adjustments", rich).await.status, 201);
        Self { server, leases: Vec::new(), statuses: BTreeMap::new() }
    }

    /// Takes what waits; submits more when nothing does.
    async fn refill(&mut self) {
        for _ in 0..2 {
            let slots = LIVE_MAX.saturating_sub(self.leases.len());
            if slots == 0 {
                return;
            }
            let ask = json!({"worker": "w1", "session": "s1", "pools": ["image"], "slots": slots, "wait_seconds": 0});
            let leased = self.server.work("/v1/worker/leases", ask).await;
            assert_eq!(leased.status, 200, "{:?}", leased.json);
            let leased = leased.json["leases"].as_array().unwrap().clone();
            self.leases.extend(leased.iter().map(|lease| lease["lease"].as_str().unwrap().to_owned()));
            if !self.leases.is_empty() {
                return;
            }
            for _ in 0..LIVE_MAX {
                let job = json!({"action": "image.generate", "params": {"outputs": 2}});
                let submitted = self.server.post("/v1/workspaces/acme/jobs", job).await;
                assert!(submitted.status < 500, "{:?}", submitted.json);
            }
        }
    }

    /// An upload as it should be, so that something can land.
    async fn upload(&self, lease: &str, index: usize) {
        let put =
            self.server.request(Method::PUT, &format!("/v1/worker/leases/{lease}/outputs/{index}"), WORKER);
        let answer = Answer::of(put.header("Content-Type", "image/png").body("test")).await;
        assert!(answer.status < 500, "{:?}", answer.json);
    }

    /// Sends it; the answer is none that nobody may get.
    async fn sent(&mut self, kind: &'static str, request: RequestBuilder, shown: &str) -> Answer {
        let answer = request.timeout(Duration::from_secs(30)).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {shown}"));
        let answer = Answer::read(answer).await;
        let status = answer.status;
        assert!(status < 500, "{status}: {shown}");
        let kind_of_answer = answer.header("content-type").unwrap_or_default();
        assert!(status < 400 || kind_of_answer == "application/problem+json", "{status}: {shown}");
        *self.statuses.entry((kind, status)).or_insert(0) += 1;
        answer
    }

    /// Ends everything, and looks at the books.
    async fn close(mut self) {
        loop {
            self.leases.clear();
            let all = self.server.post("/v1/workspaces/acme/jobs/cancel", json!({})).await;
            assert_eq!(all.status, 200, "{:?}", all.json);
            // A session that lists nothing gives everything back.
            for (worker, session) in [("w1", "s1")] {
                let nothing = json!({"worker": worker, "session": session, "leases": []});
                assert_eq!(self.server.work("/v1/worker/heartbeat", nothing).await.status, 200);
            }
            let open = self.server.get("/v1/workspaces/acme/jobs?status=running").await;
            let cancelling = self.server.get("/v1/workspaces/acme/jobs?status=cancelling").await;
            let queued = self.server.get("/v1/workspaces/acme/jobs?status=queued").await;
            let all = [open, cancelling, queued];
            for job in all.iter().flat_map(|page| page.json["data"].as_array().unwrap()) {
                let id = job["id"].as_str().unwrap().trim_start_matches("job_");
                let lease = format!("lease_{id}{:08x}", job["attempt"].as_u64().unwrap());
                let over = json!({"reason": "the end", "retryable": false});
                let answer = self.server.work(&format!("/v1/worker/leases/{lease}/fail"), over).await;
                assert!(answer.status < 500, "{:?}", answer.json);
            }
            if all.iter().all(|page| page.json["data"].as_array().unwrap().is_empty()) {
                break;
            }
        }
        self.books().await;
    }

    /// What is left is what the ledger says, row by row; nothing is held; what was charged was delivered.
    async fn books(&self) {
        let (mut available, mut held, mut cursor) = (0_i64, 0_i64, String::new());
        loop {
            let page = self.server.get(&format!("/v1/workspaces/acme/ledger?limit=500{cursor}")).await.json;
            for row in page["data"].as_array().unwrap() {
                let amount = micros(&row["amount"]);
                match row["kind"].as_str().unwrap() {
                    "grant" => available += amount,
                    "hold" => (available, held) = (available - amount, held + amount),
                    "release" => (available, held) = (available + amount, held - amount),
                    "settle" => held -= amount,
                    other => panic!("a worker's message led to `{other}`: {row}"),
                }
                let after = (micros(&row["available_after"]), micros(&row["held_after"]));
                assert_eq!((available, held), after, "{row}");
            }
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let balance = self.server.get("/v1/workspaces/acme/balance").await.json;
        assert_eq!((micros(&balance["available"]), micros(&balance["held"])), (available, 0), "{balance}");
        assert_eq!(held, 0);
        let sums = self.server.get("/v1/reconciliation").await.json;
        assert_eq!(sums["ok"], true, "{sums}");
        assert!(sums["total"]["delivered"].as_u64().unwrap() > 0, "nothing was ever delivered");
    }
}

fn micros(amount: &Value) -> i64 {
    (amount.as_f64().unwrap() * 1e6).round() as i64
}

fn output(index: usize, dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({"index": index, "outcome": "landed"}),
        1 => json!({"index": index, "outcome": "landed", "units": 1.5,
            "stages": [{"name": "base", "outcome": "landed"}]}),
        2 => {
            json!({"index": index, "outcome": "landed", "url": "https://cdn.example.com/a.png", "sha256": SHA256,
            "size": 4, "content_type": "image/png"})
        }
        _ => json!({"index": index, "outcome": "filtered", "reason": "by its looks"}),
    }
}

fn complete(dice: &mut Dice) -> Value {
    json!({"outputs": [output(0, dice), output(1, dice)]})
}

fn fail(dice: &mut Dice) -> Value {
    let fate = ["failed", "unknown"][dice.below(2)];
    json!({"reason": "out of memory", "retryable": dice.below(2) == 0, "fate": fate})
}

fn message(leases: &[String], dice: &mut Dice) -> Message {
    let lease = leases.get(dice.below(leases.len().max(1))).cloned();
    let lease = lease.unwrap_or_else(|| format!("lease_{}", "0".repeat(40)));
    let at = |what: &str| format!("/v1/worker/leases/{lease}/{what}");
    let (kind, path, body) = match dice.below(12) {
        0 => {
            let ask = json!({"worker": "w1", "session": "s1", "pools": ["image", "video"], "slots": 1, "wait_seconds": 0});
            ("lease", "/v1/worker/leases".to_owned(), ask)
        }
        1 | 2 => {
            let beat = json!({"worker": "w1", "session": "s1", "leases": leases});
            ("heartbeat", "/v1/worker/heartbeat".to_owned(), beat)
        }
        3 | 4 => ("progress", at("progress"), json!({"fraction": 0.5, "stage": "bands", "message": "half"})),
        5..=7 => ("complete", at("complete"), complete(dice)),
        8 => ("fail", at("fail"), fail(dice)),
        _ => {
            let entry = |lease: &String, dice: &mut Dice| match dice.below(4) {
                0 => json!({"lease": lease, "fail": fail(dice)}),
                _ => json!({"lease": lease, "complete": complete(dice)}),
            };
            let entries: Vec<Value> = leases.iter().map(|lease| entry(lease, dice)).collect();
            ("completions", "/v1/worker/completions".to_owned(), json!({"entries": entries}))
        }
    };
    Message { kind, path, body }
}

/// Each entry has an answer of its own, which is none that nobody may get.
fn check_batch(answer: &Answer, body: &[u8], shown: &str) {
    let sent: Value = serde_json::from_slice(body).unwrap();
    let results = answer.json["results"].as_array().unwrap();
    assert_eq!(results.len(), sent["entries"].as_array().unwrap().len(), "{shown}");
    for result in results {
        let status = result["status"].as_u64().unwrap();
        assert!(status < 500 && (status == 200) == result["problem"].is_null(), "{result}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bent_messages_of_workers_are_heard_or_refused_and_the_books_stay_even() {
    let mut floor = Floor::new().await;
    let mut dice = Dice::seeded();
    for n in 0..cases(500) {
        floor.refill().await;
        let message = message(&floor.leases, &mut dice);
        if dice.below(2) == 0 {
            for (lease, index) in floor.leases.clone().iter().flat_map(|lease| [(lease, 0), (lease, 1)]) {
                floor.upload(lease, index).await;
            }
        }
        let body = bent(message.body, &mut dice);
        let shown = format!("case {n}: {}\n{}", message.path, String::from_utf8_lossy(&body));
        let request = floor.server.request(Method::POST, &message.path, WORKER);
        let request = request.header("Content-Type", "application/json").body(body.clone());
        let answer = floor.sent(message.kind, request, &shown).await;
        if message.kind == "completions" && answer.status == 200 {
            check_batch(&answer, &body, &shown);
        }
        // What is no longer live is not talked about any more, but for one in a few messages.
        if dice.below(4) > 0 {
            let beat = json!({"worker": "w1", "session": "s1", "leases": floor.leases});
            let heard = floor.server.work("/v1/worker/heartbeat", beat).await;
            assert_eq!(heard.status, 200, "{:?}", heard.json);
            let lost =
                |lease: &String| heard.json["lost"].as_array().unwrap().iter().any(|lost| lost == lease);
            floor.leases.retain(|lease| !lost(lease));
        }
    }
    println!("{:?}", floor.statuses);
    for kind in ["lease", "heartbeat", "progress", "complete", "fail", "completions"] {
        assert!(
            floor.statuses.contains_key(&(kind, 200)),
            "no `{kind}` was ever taken: {:?}",
            floor.statuses
        );
    }
    floor.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bent_uploads_are_stored_or_refused_and_the_lease_lives_on() {
    let mut floor = Floor::new().await;
    let mut dice = Dice::seeded();
    let digest = "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:";
    for n in 0..cases(250) {
        floor.refill().await;
        let lease = floor.leases[0].clone();
        let index = ["0", "1", "2", "-1", "4294967295", "4294967296", "x"][dice.below(7).min(dice.below(7))];
        let word = |text: &str, dice: &mut Dice| {
            let bytes = bent_word(text, dice).into_iter().filter(|byte| *byte >= 0x20 && *byte != 0x7f);
            HeaderValue::from_bytes(&bytes.collect::<Vec<u8>>()).unwrap()
        };
        let (kind, digest) = (word("image/png; a=b", &mut dice), word(digest, &mut dice));
        let bytes = match dice.below(3) {
            0 => b"test".to_vec(),
            1 => Vec::new(),
            _ => dice.draw(prop::collection::vec(any::<u8>(), 0..2_000)),
        };
        let shown = format!("case {n}: {index}, {kind:?}, {digest:?}, {} bytes", bytes.len());
        let path = format!("/v1/worker/leases/{lease}/outputs/{index}");
        let mut put =
            floor.server.request(Method::PUT, &path, WORKER).header("Content-Type", kind).body(bytes);
        if dice.below(3) > 0 {
            put = put.header("Content-Digest", digest);
        }
        floor.sent("upload", put, &shown).await;
        // Leases of a real clock lapse unless the worker is heard of.
        let beat = json!({"worker": "w1", "session": "s1", "leases": floor.leases});
        let heard = floor.server.work("/v1/worker/heartbeat", beat).await;
        assert_eq!(heard.json["lost"], json!([]), "{shown}");
    }
    println!("{:?}", floor.statuses);
    assert!(floor.statuses.contains_key(&("upload", 201)) && floor.statuses.contains_key(&("upload", 422)));
    let lease = floor.leases.remove(0);
    for index in 0..2 {
        floor.upload(&lease, index).await;
    }
    let landed = json!({"outputs": [{"index": 0, "outcome": "landed"}, {"index": 1, "outcome": "landed"}]});
    let done = floor.server.work(&format!("/v1/worker/leases/{lease}/complete"), landed).await;
    assert_eq!((done.status, &done.json["status"]), (200, &json!("succeeded")), "{:?}", done.json);
    floor.close().await;
}
