//! Words outside of bodies, bent: ids in paths, cursors and limits of lists, resume ids of streams, ranges, signatures
//! of links, idempotency keys, through the real handlers. Whatever comes, the answer is not a 5xx, and a refusal is a
//! problem.
//!
//! `REEVE_FUZZ_CASES` makes the run longer, `REEVE_FUZZ_SEED` another one; a failure prints the request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;

use crate::bend::{Dice, bent_word, cases};
use crate::server::{ADMIN, Answer, Server};

/// The bytes of the one output.
const BYTES: &[u8] = b"0123456789";

/// A server with one job that is over and one that waits.
struct Stage {
    server: Server,
    over: String,
    waits: String,
    /// The query of a link to the output that a worker was given.
    link: String,
}

impl Stage {
    async fn new() -> Self {
        let server = Server::start();
        server.workspace("w").await;
        let over = server.submit("w").await;
        let lease = server.lease().await;
        assert_eq!(server.complete(&lease, BYTES).await.status, 200);
        let params = json!({"outputs": 1, "input": format!("/v1/jobs/{over}/outputs/0")});
        let body = json!({"action": "image.generate", "params": params});
        assert_eq!(server.post("/v1/workspaces/w/jobs", body).await.status, 201);
        let lease = server.lease().await;
        let link = lease["inputs"][0]["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
        let waits = server.submit("w").await;
        Self { server, over, waits, link }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.server.request(Method::GET, path, ADMIN)
    }
}

/// As a header's value: what no header may have is left out.
fn header(bytes: &[u8]) -> HeaderValue {
    let legal: Vec<u8> = bytes.iter().copied().filter(|byte| *byte >= 0x20 && *byte != 0x7f).collect();
    HeaderValue::from_bytes(&legal).unwrap()
}

/// As a part of a path or query.
pub fn escaped(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => text.push(char::from(*byte)),
            _ => write!(text, "%{byte:02X}").unwrap(),
        }
        text
    })
}

/// The answer, which is none that nobody may get.
pub async fn sent(request: RequestBuilder, shown: &str) -> Response {
    let answer = request.timeout(Duration::from_secs(30)).send().await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {shown}"));
    let status = answer.status().as_u16();
    assert!(status < 500, "{status}: {shown}");
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    assert!(status < 400 || kind == "application/problem+json", "{status} {kind}: {shown}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_id_or_cursor_is_answered_or_refused() {
    let stage = Stage::new().await;
    let ids = [stage.over.clone(), stage.waits.clone(), stage.over.replace("job_", "lease_") + "00000001"];
    let ids =
        ids.into_iter().chain(["key_", "pur_", "asset_", "wh_"].map(|kind| stage.over.replace("job_", kind)));
    let words: Vec<String> = ids.chain(["1", "50", "w", "image", "-1"].map(str::to_owned)).collect();
    let gets = [
        "/v1/jobs/{}",
        "/v1/jobs/{}/receipt",
        "/v1/jobs/{}/outputs/0",
        "/v1/workspaces/w/assets/{}",
        "/v1/workspaces/{}/balance",
        "/v1/catalogs/{}",
        "/v1/webhooks/{}",
        "/v1/jobs?cursor={}",
        "/v1/jobs?limit={}",
        "/v1/jobs?since={}&metadata={}",
        "/v1/workspaces?cursor={}",
        "/v1/workspaces/w/jobs?cursor={}",
        "/v1/workspaces/w/ledger?cursor={}&limit={}",
        "/v1/workspaces/w/ledger?job={}&from={}",
        "/v1/workspaces/w/purchases?cursor={}",
        "/v1/workspaces/w/usage?from={}&by={}",
        "/v1/workspaces/w/balance?at={}",
        "/v1/reconciliation?from={}&to={}",
    ];
    let posts = [
        "/v1/worker/leases/{}/progress",
        "/v1/worker/leases/{}/complete",
        "/v1/purchases/{}/confirm",
        "/v1/jobs/{}/retry",
        "/v1/workers/{}/release",
        "/v1/pools/{}/resume",
    ];
    let mut dice = Dice::seeded();
    let mut statuses = BTreeMap::new();
    for n in 0..cases(500) {
        let word = escaped(&bent_word(&words[dice.below(words.len())], &mut dice));
        let which = dice.below(gets.len() + posts.len());
        let (method, path) = match gets.get(which) {
            Some(path) => (Method::GET, path.replace("{}", &word)),
            None => (Method::POST, posts[which - gets.len()].replace("{}", &word)),
        };
        let request = stage.server.request(method.clone(), &path, ADMIN);
        let request = if method == Method::POST { request.json(&json!({})) } else { request };
        let answer = sent(request, &format!("case {n}: {method} {path}")).await;
        *statuses.entry(answer.status().as_u16()).or_insert(0_u32) += 1;
    }
    println!("{statuses:?}");
    assert!(statuses.contains_key(&200) && statuses.contains_key(&404), "{statuses:?}");
    assert!(statuses.contains_key(&422), "{statuses:?}");
}

#[tokio::test]
async fn a_cursor_beyond_all_rows_that_a_database_counts_is_refused() {
    let stage = Stage::new().await;
    let path = "/v1/workspaces/w/ledger?cursor=";
    for (cursor, status) in [("9223372036854775807", 200), ("9223372036854775808", 422), ("-1", 422)] {
        assert_eq!(stage.server.get(&format!("{path}{cursor}")).await.status, status, "{cursor}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_and_ends_wherever_the_reader_says_that_it_stopped() {
    let stage = Stage::new().await;
    let mut dice = Dice::seeded();
    let over = format!("/v1/jobs/{}/events", stage.over);
    let first = Answer::of(stage.get(&over)).await;
    let id = String::from_utf8(first.bytes).unwrap();
    let id = id.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    for n in 0..cases(200) {
        let base = ["0-0", "18446744073709551615-1", &id, &id][dice.below(4)];
        let after = header(&bent_word(base, &mut dice));
        let shown = format!("case {n}: Last-Event-ID {after:?}");
        let answer = sent(stage.get(&over).header("Last-Event-ID", after.clone()), &shown).await;
        assert_eq!(answer.status(), 200, "{shown}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("event: done\n") && text.ends_with("\n\n"), "{shown}: {text}");
        // These two have no end: it is enough that they begin.
        for open in [format!("/v1/jobs/{}/events", stage.waits), "/v1/workspaces/w/events".to_owned()] {
            let answer = sent(stage.get(&open).header("Last-Event-ID", after.clone()), &shown).await;
            assert_eq!(answer.status(), 200, "{shown}: {open}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_range_gets_bytes_of_the_output_or_none() {
    let stage = Stage::new().await;
    let mut dice = Dice::seeded();
    let path = format!("/v1/jobs/{}/outputs/0", stage.over);
    let tag = Answer::of(stage.get(&path)).await.header("etag").unwrap().to_owned();
    for n in 0..cases(300) {
        let base = ["bytes=2-4", "bytes=-3", "bytes=4-", "bytes=0-0,2-3", "bytes=9-9"][dice.below(5)];
        let range = header(&bent_word(base, &mut dice));
        let mut request = stage.get(&path).header("Range", range.clone());
        if dice.below(4) == 0 {
            let name = ["If-Range", "If-None-Match"][dice.below(2)];
            request = request.header(name, header(&bent_word(&tag, &mut dice)));
        }
        let shown = format!("case {n}: Range {range:?}");
        let answer = Answer::read(sent(request, &shown).await).await;
        match answer.status {
            200 => assert_eq!(answer.bytes, BYTES, "{shown}"),
            206 => {
                let said = answer.header("content-range").unwrap().to_owned();
                let (from, to) = said["bytes ".len()..said.len() - "/10".len()].split_once('-').unwrap();
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                assert_eq!(answer.bytes, BYTES[from..=to], "{shown}: {said}");
            }
            304 | 416 => {}
            other => panic!("{other}: {shown}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_link_opens_nothing_without_a_key() {
    let stage = Stage::new().await;
    let mut dice = Dice::seeded();
    let path = format!("/v1/jobs/{}/outputs/0", stage.over);
    let whole = Answer::of(stage.server.anonymous(Method::GET, &format!("{path}?{}", stage.link))).await;
    assert_eq!((whole.status, whole.bytes.as_slice()), (200, BYTES), "the link itself opens");
    let (expires, signature) = stage.link.split_once('&').unwrap();
    for n in 0..cases(300) {
        let (expires, signature) = (bent_word(expires, &mut dice), bent_word(signature, &mut dice));
        let keep = |bytes: &[u8]| escaped(bytes).replace("%3D", "=").replace("%26", "&");
        let query = format!("{}&{}", keep(&expires), keep(&signature));
        let answer = stage.server.anonymous(Method::GET, &format!("{path}?{query}"));
        let answer = Answer::read(sent(answer, &format!("case {n}: {query}")).await).await;
        let is_whole = query.contains(&stage.link) || query.split('&').eq(stage.link.split('&'));
        assert!(answer.status == 401 || is_whole, "case {n}: {} for {query}", answer.status);
    }
}

async fn available(stage: &Stage) -> f64 {
    stage.server.get("/v1/workspaces/w/balance").await.json["available"].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bent_idempotency_key_is_refused_or_does_a_thing_once() {
    let stage = Stage::new().await;
    let mut dice = Dice::seeded();
    let before = available(&stage).await;
    let (mut kept, mut refused) = (0_u32, 0_u32);
    for n in 0..cases(150) {
        // A number of its own, so that two cases never share a key.
        let key = [bent_word("order-1", &mut dice), format!(".{n}").into_bytes()].concat();
        let key = header(&key);
        let post = || {
            let body = json!({"amount": 1, "reason": "by a fuzzer"});
            let path = "/v1/workspaces/w/adjustments";
            stage.server.request(Method::POST, path, ADMIN).header("Idempotency-Key", key.clone()).json(&body)
        };
        let shown = format!("case {n}: {key:?}");
        let first = Answer::read(sent(post(), &shown).await).await;
        let again = Answer::read(sent(post(), &shown).await).await;
        assert_eq!((first.status, &first.json), (again.status, &again.json), "{shown}");
        if first.status == 422 {
            refused += 1;
            continue;
        }
        assert_eq!((first.status, again.header("idempotent-replay")), (201, Some("true")), "{shown}");
        kept += 1;
    }
    println!("{kept} kept, {refused} refused");
    assert!(kept > 0);
    let given = available(&stage).await - before;
    assert!((given - f64::from(kept)).abs() < 1e-6, "{given} credits for {kept} keys");
}
