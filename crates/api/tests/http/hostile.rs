//! Bodies and paths that nobody would send on purpose: the examples of the API document, bent and broken, through the real
//! handlers. Whatever comes, the answer is not a 5xx, and a refusal is a problem.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the request.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Server};

/// Requests of an ordinary run.
const CASES: u32 = 600;
/// Calls that would end the run's workspace, hold its work up, or never answer.
const LEFT_OUT: &[&str] =
    &["/close", "/erase", "/pause", "/events", "/drain", "/quarantine", "/clock", "/reload"];

/// A request of the document's examples.
struct Example {
    method: Method,
    path: String,
    body: Value,
}

fn examples() -> Vec<Example> {
    let steps: Vec<Value> = serde_json::from_str(include_str!("../../src/openapi/examples.json")).unwrap();
    let example = |step: &Value| {
        let (method, path) = step["call"].as_str().unwrap().split_once(' ').unwrap();
        let is_left_out = LEFT_OUT.iter().any(|part| path.ends_with(part));
        let body = step.get("body").filter(|_| !is_left_out)?.clone();
        Some(Example { method: method.parse().unwrap(), path: path.to_owned(), body })
    };
    let found: Vec<Example> = steps.iter().filter_map(example).collect();
    assert!(found.len() > 20, "the examples were not read");
    found
}

/// Draws what a case is made of.
struct Dice(TestRunner);

impl Dice {
    fn draw<S: Strategy>(&mut self, of: S) -> S::Value {
        of.new_tree(&mut self.0).unwrap().current()
    }

    fn below(&mut self, n: usize) -> usize {
        self.draw(any::<Index>()).index(n)
    }
}

fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        Just(json!("a\u{0}b")),
        Just(json!("x".repeat(70_000))),
        Just(json!("2026-02-30T25:00:00Z")),
        Just(json!("9999-12-31T23:59:59.999Z")),
        Just(json!(9_223_372_036_854.775)),
        Just(json!(-0.000_001)),
        prop::sample::select(vec!["kive", "pro", "free", "acme", "image.generate", "admin", "UTC"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every place of a value, for a mutation to hit.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(name, below)| {
            places(below, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, below)| places(below, &format!("{at}/{n}"), found));
        }
        _ => {}
    }
}

fn bent(mut body: Value, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..dice.below(4) {
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let place = all.swap_remove(dice.below(all.len()));
        if let Some(place) = body.pointer_mut(&place) {
            *place = dice.draw(hostile());
        }
    }
    // A long poll is no harm, only slow.
    if let Some(wait) = body.get_mut("wait_seconds").filter(|wait| wait.is_u64()) {
        *wait = json!(0);
    }
    let mut text = body.to_string().into_bytes();
    match dice.below(12) {
        0 => text.truncate(dice.below(text.len() + 1)),
        1 => text = dice.draw(prop::collection::vec(any::<u8>(), 0..200)),
        2 => {
            let at = dice.below(text.len());
            text[at] = dice.draw(any::<u8>());
        }
        _ => {}
    }
    text
}

/// The path with names that exist, names that do not, and texts that are none.
fn filled(path: &str, job: &str, dice: &mut Dice) -> String {
    let mut filled = String::new();
    for part in path.split('/').skip(1) {
        let text = match (part, dice.below(6)) {
            ("{ws}", 1..) => "acme".to_owned(),
            ("{id}", 1..) => job.to_owned(),
            ("{n}", 1..) => "0".to_owned(),
            ("{addon}", 1..) => "unit".to_owned(),
            (part, _) if part.starts_with('{') => dice.draw("[A-Za-z0-9_.~%-]{1,40}").replace('%', "%25"),
            (part, _) => part.to_owned(),
        };
        filled = format!("{filled}/{text}");
    }
    filled
}

fn number(name: &str, shipped: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(shipped)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bent_request_is_answered_with_a_5xx() {
    let server = Server::start();
    let open = json!({"id": "acme", "catalog": "kive", "plan": "enterprise"});
    let opened = server.request(Method::POST, "/v1/workspaces", ADMIN).json(&open).send().await.unwrap();
    assert_eq!(opened.status(), 201);
    let submit = json!({"action": "image.generate", "params": {"outputs": 1}});
    let submit = server.request(Method::POST, "/v1/workspaces/acme/jobs", ADMIN).json(&submit);
    let job: Value = serde_json::from_slice(&submit.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let job = job["id"].as_str().unwrap().to_owned();

    let seed = [number("REEVE_FUZZ_SEED", 1) as u8; 32];
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut dice = Dice(TestRunner::new_with_rng(Config::default(), rng));
    let examples = examples();
    let mut statuses = std::collections::BTreeMap::new();
    for n in 0..number("REEVE_FUZZ_CASES", CASES) {
        let example = &examples[dice.below(examples.len())];
        let path = filled(&example.path, &job, &mut dice);
        let body = bent(example.body.clone(), &mut dice);
        let shown = || format!("case {n}: {} {path}\n{}", example.method, String::from_utf8_lossy(&body));
        let request = server.request(example.method.clone(), &path, ADMIN).timeout(Duration::from_secs(30));
        let request = request.header("Content-Type", "application/json").body(body.clone());
        let answer = request.send().await.unwrap_or_else(|error| panic!("{error}: {}", shown()));
        let status = answer.status().as_u16();
        assert!(status < 500, "{status}: {}", shown());
        let kind =
            answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        assert!(status < 400 || kind == "application/problem+json", "{status} {kind}: {}", shown());
        *statuses.entry(status).or_insert(0_u32) += 1;
    }
    println!("{statuses:?}");
    assert!(statuses.keys().any(|status| *status < 300), "nothing was ever taken: {statuses:?}");
    assert!(statuses.contains_key(&422) && statuses.contains_key(&400), "{statuses:?}");
    let balance = server.request(Method::GET, "/v1/workspaces/acme/balance", ADMIN).send().await.unwrap();
    assert_eq!(balance.status(), 200);
}
