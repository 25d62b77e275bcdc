//! Random requests by random callers: the books stay right, nobody reads what is another's, and nothing breaks.
//!
//! 5,000 requests, or as many as `REEVE_STORM_REQUESTS` says: a hundred thousand take minutes. `REEVE_STORM_SEED` makes
//! another storm; a failure names its own.

mod request;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::{Method, Response};

use crate::fixture::{spawn, verify};
use request::Sent;
use world::{Caller, World};

const REQUESTS: usize = 5_000;
/// Requests under way at once.
const CLIENTS: usize = 16;
/// A request that the server may hold back is given up after this; its end is a hang-up, which is part of the storm.
const HELD_MS_MAX: u64 = 700;
/// Any other must be answered.
const ANSWER_SECONDS_MAX: u64 = 60;

fn number(name: &str, shipped: usize) -> usize {
    std::env::var(name).map_or(shipped, |text| text.parse().unwrap())
}

/// What became of the requests: callers and classes of statuses, how often.
#[derive(Debug, Default)]
struct Tally {
    classes: BTreeMap<(&'static str, u16), usize>,
    /// Answers in which a workspace's key read its own workspace's mark.
    own_marks: usize,
    hung_up: usize,
}

/// The bytes of an answer; of a stream, what comes within a moment.
async fn read(mut response: Response, is_stream: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let wait = Duration::from_millis(if is_stream { 100 } else { ANSWER_SECONDS_MAX * 1_000 });
    while let Ok(Ok(Some(chunk))) = tokio::time::timeout(wait, response.chunk()).await {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// Sends one request and judges its answer; what is wrong with it.
async fn send(world: &World, sent: &Sent, tally: &Mutex<Tally>) -> Result<(), String> {
    let is_held = sent.may_be_held();
    let wait = Duration::from_millis(if is_held { HELD_MS_MAX } else { ANSWER_SECONDS_MAX * 1_000 });
    let Ok(response) = tokio::time::timeout(wait, sent.build(world).send()).await else {
        tally.lock().unwrap().hung_up += 1;
        return if is_held { Ok(()) } else { Err("no answer".to_owned()) };
    };
    // A body that is far too large may be refused before it was read, which a client sees as a broken connection.
    let response = match response {
        Ok(response) => response,
        Err(_) if sent.is_huge() => return Ok(()),
        Err(e) => return Err(format!("no answer: {e:?}")),
    };
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_stream = kind.starts_with("text/event-stream");
    let bytes = read(response, is_stream).await;
    let text = String::from_utf8_lossy(&bytes);
    {
        let mut tally = tally.lock().unwrap();
        *tally.classes.entry((sent.caller.name(), status / 100)).or_default() += 1;
        if let Caller::Tenant(n) = sent.caller {
            tally.own_marks += usize::from(text.contains(&world.tenants[n].mark));
        }
    }
    if status >= 500 && !(status == 503 && text.contains("\"overloaded\"")) {
        return Err(format!("{status} {text}"));
    }
    if let Some(leak) = world.leak(sent, &text) {
        return Err(format!("the answer shows `{leak}`, which is another's: {status} {text}"));
    }
    if !is_stream {
        world.remember(sent, &text);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_random_requests_breaks_nothing_and_shows_nobody_what_is_anothers() {
    let requests = number("REEVE_STORM_REQUESTS", REQUESTS);
    let seed = number("REEVE_STORM_SEED", 7) as u64;
    let world = Arc::new(World::new().await);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let clients = (0..CLIENTS).map(|client| {
        let (world, tally) = (world.clone(), tally.clone());
        spawn(async move {
            let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(client as u64));
            for n in 0..requests.div_ceil(CLIENTS) {
                let sent = Sent::draw(&world, &mut rng);
                if let Err(wrong) = send(&world, &sent, &tally).await {
                    panic!("seed {seed}, client {client}, request {n}: {sent:?}\n{wrong}");
                }
                // Now and then somebody is in no hurry.
                if rng.random_bool(0.002) {
                    crate::fixture::pause_ms(50).await;
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let tally = std::mem::take(&mut *tally.lock().unwrap());
    println!("{tally:?}");
    let of = |caller: &str, class: u16| {
        tally
            .classes
            .iter()
            .filter(|((name, is), _)| *name == caller && *is == class)
            .map(|(_, n)| n)
            .sum::<usize>()
    };
    // The storm was one: each caller was served and refused.
    for caller in ["admin", "tenant", "worker"] {
        assert!(of(caller, 2) * 50 > requests && of(caller, 4) * 50 > requests, "{caller}: {tally:?}");
    }
    assert_eq!(of("stranger", 3), 0);
    assert!(tally.own_marks * 100 > requests, "marks are found where they should be: {tally:?}");
    world.admin.get("/readyz").await.ok(200);
    verify(&world.admin).await;
    let log = world.server.whole_log();
    let panics: Vec<&str> = log.lines().filter(|line| line.contains("panicked at")).collect();
    assert!(panics.is_empty(), "{panics:?}");
    assert_eq!(world.admin.request(Method::GET, "/healthz").send().await.unwrap().status(), 200);
}
