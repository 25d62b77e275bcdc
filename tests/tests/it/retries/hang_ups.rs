//! A caller that hangs up in the middle of a submit: the job is there with its hold and its key, or it is not there.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fixture::{Api, Server, Tenant, image, micros, pause_ms, verify};

const SUBMITS: usize = 200;
/// Callers at the same time.
const AT_ONCE: usize = 10;

/// How far a caller gets before it hangs up.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Some of the head.
    Head,
    /// The head and some of the body.
    Body,
    /// All of it, and gone at once.
    Sent,
    /// All of it, and gone a moment later.
    Waited,
    /// The first bytes of the answer.
    Answered,
}

const STAGES: [Stage; 5] = [Stage::Head, Stage::Body, Stage::Sent, Stage::Waited, Stage::Answered];

impl Stage {
    /// Whether the server can have had the whole request.
    const fn is_whole(self) -> bool {
        matches!(self, Self::Sent | Self::Waited | Self::Answered)
    }
}

/// A submit that can be told by its metadata.
fn body(n: usize) -> Value {
    let mut body = image(1);
    body["metadata"] = json!({"n": n});
    body
}

async fn hang_up(address: String, key: String, n: usize, (stage, cut, wait_ms): (Stage, f64, u64)) {
    let body = body(n).to_string();
    let head = format!(
        "POST /v1/workspaces/acme/jobs HTTP/1.1\r\nHost: reeve\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: cut-{n}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let part = |len: usize| 1 + ((len - 2) as f64 * cut) as usize;
    let sent = match stage {
        Stage::Head => part(head.len()),
        Stage::Body => head.len() + part(body.len()),
        _ => head.len() + body.len(),
    };
    let mut socket = TcpStream::connect(address).await.unwrap();
    let text = head + &body;
    socket.write_all(&text.as_bytes()[..sent]).await.unwrap();
    socket.flush().await.unwrap();
    match stage {
        Stage::Sent => {}
        Stage::Head | Stage::Body | Stage::Waited => pause_ms(wait_ms).await,
        Stage::Answered => {
            let mut some = [0; 16];
            let _ = socket.read(&mut some).await;
        }
    }
}

/// Jobs by the number that their submit had.
async fn found(api: &Api) -> BTreeMap<usize, Vec<Value>> {
    let mut jobs: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    let page = api.get("/v1/workspaces/acme/jobs?limit=500").await.ok(200);
    assert_eq!(page["next_cursor"], Value::Null);
    for job in page["data"].as_array().unwrap() {
        let n = usize::try_from(job["metadata"]["n"].as_u64().unwrap()).unwrap();
        jobs.entry(n).or_default().push(job.clone());
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submit_whose_caller_hung_up_is_complete_or_absent() {
    let mut server = Server::start();
    let api = server.admin();
    let acme = Tenant::large(&api, "acme").await;
    let key =
        api.post("/v1/keys", json!({"role": "admin"})).await.ok(201)["key"].as_str().unwrap().to_owned();
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut dice = StdRng::seed_from_u64(3);
    let plans: Vec<_> = (0..SUBMITS)
        .map(|n| (n, STAGES[n % STAGES.len()], dice.random_range(0.0..1.0), dice.random_range(0..12_u64)))
        .collect();
    for (chunk_n, chunk) in plans.chunks(AT_ONCE).enumerate() {
        let calls = chunk.iter().map(|(n, stage, cut, wait_ms)| {
            hang_up(address.clone(), key.clone(), *n, (*stage, *cut, *wait_ms))
        });
        join_all(calls).await;
        // Once the server dies too, with some of them in hand.
        if chunk_n == 10 {
            tokio::task::block_in_place(|| server.restart());
        }
    }
    let api = server.admin().with_key(Some(&key));
    let acme = Tenant { api: api.clone(), ..acme };
    let whole: Vec<usize> = plans.iter().filter(|plan| plan.1.is_whole()).map(|plan| plan.0).collect();
    let before = found(&api).await;
    for (n, jobs) in &before {
        assert_eq!(jobs.len(), 1, "submit {n} made several jobs");
        assert!(whole.contains(n), "submit {n} was never sent whole ({:?})", plans[*n].1);
    }
    assert!(before.len() >= SUBMITS / 5, "only {} of {} took effect", before.len(), whole.len());

    // Each is repeated under its key: what was there is the first answer, what was not comes to be.
    let path = acme.path("/jobs");
    for (n, ..) in &plans {
        let answer = api.post_as(&format!("cut-{n}"), &path, &body(*n)).await;
        let job = answer.ok(201);
        if let Some(known) = before.get(n) {
            assert!(answer.is_replay(), "submit {n} was there and is done again");
            assert_eq!(job["id"], known[0]["id"]);
        }
    }
    let after = found(&api).await;
    assert_eq!(after.len(), SUBMITS);
    let books = acme.books().await;
    for jobs in after.values() {
        assert_eq!(jobs.len(), 1);
        let (job, credits) = (jobs[0]["id"].as_str().unwrap(), &jobs[0]["credits"]);
        assert_eq!((books.job(job).held, micros(&credits["held"])), (8_000_000, 8_000_000));
    }
    assert_eq!(books.held, 8_000_000 * SUBMITS as i64);
    verify(&api).await;
}
