//! What the bent examples leave out, bent here: bodies of TOML and of a row a line, times to wait, names of streams, and
//! calls that end a workspace, hold work up, move the clock or read settings again. Whatever comes, the answer is not a
//! 5xx, a refusal is a problem, and the server goes on.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the request.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::bend::{Dice, bent, bent_word, cases};
use crate::hostile_words::{escaped, sent};
use crate::server::{ADMIN, Server, TENANT};

type Statuses = BTreeMap<u16, u32>;

/// A text with up to three of its lines, and up to three places within them, otherwise.
fn bent_lines(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    for _ in 0..dice.below(4) {
        let at = dice.below(lines.len());
        match dice.below(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = dice.below(lines.len());
                lines.swap(at, other);
            }
            _ => lines[at] = bent_word(&String::from_utf8_lossy(&lines[at]), dice),
        }
        if lines.is_empty() {
            break;
        }
    }
    let end = if dice.below(8) == 0 { b"\r\n".as_slice() } else { b"\n" };
    lines.join(end)
}

async fn told(server: &Server, request: (Method, String), body: (&str, Vec<u8>), statuses: &mut Statuses) {
    let ((method, path), (kind, body)) = (request, body);
    let shown = format!("{method} {path}\n{kind}\n{}", String::from_utf8_lossy(&body));
    let request = server.request(method, &path, ADMIN).header("Content-Type", kind).body(body);
    let answer = sent(request, &shown).await;
    *statuses.entry(answer.status().as_u16()).or_insert(0) += 1;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_catalog_is_published_or_refused() {
    let server = Server::start();
    let mut dice = Dice::seeded();
    let shipped = include_str!("../../../../config/catalogs/kive.toml");
    let mut statuses = Statuses::new();
    for _ in 0..cases(150) {
        // The next one, or nothing would ever be taken.
        let version = server.get("/v1/catalogs/kive").await.json["version"].as_u64().unwrap() + 1;
        let text = shipped.replacen("version = 1", &format!("version = {version}"), 1);
        let dry = ["", "?dry_run=true", "?dry_run=1", "?dry_run=perhaps"][dice.below(4)];
        let path = format!("/v1/catalogs/kive{dry}");
        let kind =
            dice.one(&["application/toml", "text/plain", "text/toml; charset=utf-8", "application/json"]);
        told(&server, (Method::PUT, path), (kind, bent_lines(&text, &mut dice)), &mut statuses).await;
    }
    println!("{statuses:?}");
    assert!(statuses.keys().any(|status| *status < 300), "nothing was ever taken: {statuses:?}");
    assert!(statuses.contains_key(&422), "{statuses:?}");
    // Whatever was published, workspaces are still opened and jobs still priced.
    server.workspace("after").await;
    server.submit("after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_import_of_a_row_a_line_is_taken_or_reported() {
    let server = Server::start();
    let mut dice = Dice::seeded();
    let lots =
        json!([{"class": "plan", "granted": 10, "available": 10, "expires_at": "2030-01-01T00:00:00Z"}]);
    let mut statuses = Statuses::new();
    for n in 0..cases(200) {
        let rows: Vec<String> = (0..3)
            .map(|k| {
                let anchor_at = "2026-01-31T10:00:00Z";
                let id = format!("w{n}-{k}");
                json!({"id": id, "catalog": "kive", "plan": "pro", "anchor_at": anchor_at, "lots": lots})
                    .to_string()
            })
            .collect();
        let kind = dice.one(&["application/x-ndjson", "application/jsonl", "application/ndjson"]);
        let body = bent_lines(&rows.join("\n"), &mut dice);
        let path = "/v1/workspaces/import".to_owned();
        told(&server, (Method::POST, path), (kind, body), &mut statuses).await;
    }
    println!("{statuses:?}");
    assert!(statuses.contains_key(&200) || statuses.contains_key(&201), "{statuses:?}");
    assert!(statuses.keys().any(|status| *status >= 400), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_wait_is_answered_or_refused() {
    let server = Server::start();
    server.workspace("w").await;
    let over = server.submit("w").await;
    let lease = server.lease().await;
    assert_eq!(server.complete(&lease, b"x").await.status, 200);
    let mut dice = Dice::seeded();
    for n in 0..cases(200) {
        let wait = escaped(&bent_word(dice.one(&["0", "1", "60", "61", "0.5", ""]), &mut dice));
        let (method, path) = match dice.below(3) {
            0 => (Method::POST, format!("/v1/verify?wait={wait}")),
            1 => (Method::GET, format!("/v1/jobs/{over}?wait={wait}&wait={wait}")),
            _ => (Method::GET, format!("/v1/jobs/{over}?wait={wait}")),
        };
        let shown = format!("case {n}: {method} {path}");
        // It is over: whatever the time says there is nothing to wait for.
        sent(server.request(method, &path, ADMIN).timeout(Duration::from_secs(10)), &shown).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_bent_name_begins_or_is_refused() {
    let server = Server::start();
    server.workspace("own").await;
    let job = server.submit("own").await;
    let mut dice = Dice::seeded();
    let mut statuses = Statuses::new();
    for n in 0..cases(200) {
        let (path, word) = [("jobs", job.as_str()), ("workspaces", "own")][dice.below(2)];
        let path = format!("/v1/{path}/{}/events", escaped(&bent_word(word, &mut dice)));
        let key = dice.one(&[ADMIN, TENANT]);
        // It is enough that it begins: these two have no end.
        let answer = sent(server.request(Method::GET, &path, key), &format!("case {n}: {path}")).await;
        *statuses.entry(answer.status().as_u16()).or_insert(0) += 1;
    }
    println!("{statuses:?}");
    assert!(statuses.contains_key(&200) && statuses.contains_key(&404), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_order_is_carried_out_or_refused_and_the_server_goes_on() {
    let server = Server::start();
    let mut dice = Dice::seeded();
    let mut statuses = Statuses::new();
    let orders = [
        ("/v1/workspaces/{}/close", json!({})),
        ("/v1/workspaces/{}/erase", json!({})),
        ("/v1/workspaces/{}/pause", json!({})),
        ("/v1/workspaces/{}/resume", json!({})),
        ("/v1/pools/image/pause", json!({})),
        ("/v1/workers/w/drain", json!({})),
        ("/v1/workers/w/quarantine", json!({})),
        ("/v1/clock", json!({"advance_seconds": 1})),
        ("/v1/clock", json!({"now": "2026-01-10T00:00:00Z"})),
        ("/v1/reload", json!({})),
    ];
    for n in 0..cases(200) {
        // Some of them end the workspace: each is given a few orders.
        if n % 8 == 0 {
            server.workspace(&format!("w{}", n / 8)).await;
        }
        let (path, body) = &orders[dice.below(orders.len())];
        let request = (Method::POST, path.replace("{}", &format!("w{}", n / 8)));
        let body = bent(body.clone(), &mut dice);
        told(&server, request, ("application/json", body), &mut statuses).await;
    }
    println!("{statuses:?}");
    assert!(statuses.contains_key(&200) && statuses.contains_key(&422), "{statuses:?}");
    assert_eq!(server.post("/v1/pools/image/resume", json!({})).await.status, 200);
    server.workspace("after").await;
    server.submit("after").await;
    server.lease().await;
}
