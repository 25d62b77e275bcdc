//! Bodies and paths that nobody would send on purpose: the examples of the API document, bent and broken, through the real
//! handlers. Whatever comes, the answer is not a 5xx, and a refusal is a problem.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the request.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bend::{Dice, bent, cases};
use crate::server::{ADMIN, Server};

/// Requests of an ordinary run.
const CASES: u32 = 600;
/// Calls that would end the run's workspace, hold its work up, or never answer: `hostile_rest` bends them.
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

    let mut dice = Dice::seeded();
    let examples = examples();
    let mut statuses = std::collections::BTreeMap::new();
    for n in 0..cases(CASES) {
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
