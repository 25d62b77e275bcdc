//! Event streams: in order, resumed without loss, ended when it is over.

use std::collections::VecDeque;

use reeve_client::{Frame, SseParser};
use reeve_protocol::EventId;
use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, image, landed, micros, outcome, verify, within};

/// Longest silence that a test waits through.
const SILENCE_SECONDS_MAX: u64 = 30;

/// One connection to a stream.
struct Reader {
    response: reqwest::Response,
    parser: SseParser,
    frames: VecDeque<Frame>,
}

impl Reader {
    async fn open(api: &Api, path: &str, after: Option<&str>) -> Self {
        let mut request =
            api.request(reqwest::Method::GET, path).timeout(std::time::Duration::from_secs(300));
        if let Some(id) = after {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let kind = response.headers().get("content-type").unwrap().to_str().unwrap();
        assert!(kind.starts_with("text/event-stream"), "{kind}");
        Self { response, parser: SseParser::default(), frames: VecDeque::new() }
    }

    /// The next frame; `None` at the end of the stream, or when it broke.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            let chunk = within("an event", SILENCE_SECONDS_MAX, self.response.chunk()).await;
            self.frames.extend(self.parser.push(&chunk.ok()??).unwrap());
        }
    }

    /// Reads up to the first frame that is wanted; that one is the last of what is returned.
    async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut seen = Vec::new();
        loop {
            let frame = self.next().await.unwrap_or_else(|| panic!("the stream ended after {seen:#?}"));
            let found = wanted(&frame);
            seen.push(frame);
            if found {
                return seen;
            }
        }
    }

    async fn rest(mut self) -> Vec<Frame> {
        let mut seen = Vec::new();
        while let Some(frame) = self.next().await {
            seen.push(frame);
        }
        seen
    }
}

fn data(frame: &Frame) -> Value {
    serde_json::from_str(&frame.data).unwrap()
}

fn is(event: &'static str, field: &'static str, value: impl Into<Value>) -> impl Fn(&Frame) -> bool {
    let value = value.into();
    move |frame| frame.event == event && data(frame)[field] == value
}

#[track_caller]
fn check_ids(frames: &[Frame]) {
    let id = |frame: &Frame| -> EventId {
        let text = frame.id.as_deref().unwrap_or_else(|| panic!("no id: {frame:?}"));
        text.parse().unwrap_or_else(|e| panic!("`{text}`: {e}"))
    };
    assert!(frames.windows(2).all(|pair| id(&pair[0]) <= id(&pair[1])), "ids fall: {frames:#?}");
}

/// Drives one job of two outputs from the queue to its end while `reader` reads, and returns what it read.
async fn story(hand: &Hand, reader: &mut Reader, job: &str) -> Vec<Frame> {
    let mut seen = reader.until(is("status", "status", "queued")).await;
    let lease = hand.one().await;
    assert!(lease.contains(job.trim_start_matches("job_")));
    seen.extend(reader.until(is("status", "status", "running")).await);
    for fraction in [0.25, 0.75] {
        hand.progress(&lease, fraction).await.ok(200);
        seen.extend(reader.until(is("progress", "fraction", fraction)).await);
    }
    hand.put(&lease, 0, b"bytes").await.ok(201);
    // Heard while the job still runs: it is not the end that tells of it.
    seen.extend(reader.until(|frame| frame.event == "output").await);
    let output = &data(seen.last().unwrap())["output"];
    let told = (&output["index"], &output["status"], &output["size"], &output["url"]);
    assert_eq!(told, (&json!(0), &json!("pending"), &json!(5), &Value::Null), "{output}");
    hand.complete(&lease, json!([outcome(0, "landed"), outcome(1, "filtered")])).await.ok(200);
    seen.extend(reader.until(|frame| frame.event == "done").await);
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_tells_its_whole_story_in_order_and_the_stream_ends() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(2)).await;
    let path = format!("/v1/jobs/{job}/events");
    let mut reader = Reader::open(&tenant.api, &path, None).await;
    let frames = story(&hand, &mut reader, &job).await;
    assert_eq!(reader.next().await, None, "it ends after `done`");
    check_ids(&frames);

    let statuses: Vec<Value> = frames
        .iter()
        .filter(|frame| frame.event == "status")
        .map(|frame| data(frame)["status"].clone())
        .collect();
    assert_eq!(statuses, ["queued", "running", "succeeded"]);
    let view = tenant.job(&job).await;
    assert_eq!(data(frames.last().unwrap()), view);
    let credits = frames.iter().rfind(|frame| frame.event == "credits").map(data).unwrap();
    assert_eq!((&credits["settled"], &credits["released"]), (&json!(8), &json!(8)), "{credits}");

    // A finished job tells its end and nothing else, whoever asks and wherever they stopped.
    for after in [None, Some("1-1"), Some("not an id"), frames.last().unwrap().id.as_deref()] {
        let frames = Reader::open(&tenant.api, &path, after).await.rest().await;
        assert_eq!(frames.last().map(|frame| frame.event.as_str()), Some("done"), "{after:?}: {frames:#?}");
        assert_eq!(data(frames.last().unwrap()), view);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resuming_after_any_event_misses_none() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(2)).await;
    let path = format!("/v1/jobs/{job}/events");
    let mut reader = Reader::open(&tenant.api, &path, None).await;
    let frames = story(&hand, &mut reader, &job).await;
    for (n, last_seen) in frames.iter().enumerate() {
        let again = Reader::open(&tenant.api, &path, last_seen.id.as_deref()).await.rest().await;
        check_ids(&again);
        missed_none(&frames[n + 1..], &again, last_seen);
    }
}

/// What came after an event is in what a resume after it brought: the same, by name and data. Within a snapshot there
/// is nowhere to resume: another snapshot follows, which tells how it ended and not how it came to that.
#[track_caller]
fn missed_none(rest: &[Frame], again: &[Frame], last_seen: &Frame) {
    let within_snapshot = last_seen.id.as_deref() == Some("0-0");
    for missed in rest.iter().filter(|missed| !within_snapshot || missed.event == "done") {
        let told = again.iter().any(|frame| frame.event == missed.event && frame.data == missed.data);
        assert!(told, "resumed after {last_seen:?}\nwithout {missed:?}\ngot {again:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_was_away_gets_what_it_missed() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let path = format!("/v1/jobs/{job}/events");
    let mut reader = Reader::open(&tenant.api, &path, None).await;
    let lease = hand.one().await;
    let last = reader.until(is("status", "status", "running")).await.pop().unwrap();
    drop(reader);
    // A second reader proves that the event was published before the first one is back.
    let mut witness = Reader::open(&tenant.api, &path, None).await;
    hand.progress(&lease, 0.5).await.ok(200);
    witness.until(is("progress", "fraction", 0.5)).await;
    let mut back = Reader::open(&tenant.api, &path, last.id.as_deref()).await;
    let missed = back.until(is("progress", "fraction", 0.5)).await;
    assert!(missed.iter().all(|frame| !is("status", "status", "running")(frame)), "told twice: {missed:#?}");
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    back.until(|frame| frame.event == "done").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_a_resume_begins_with_a_snapshot() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let path = format!("/v1/jobs/{job}/events");
    let mut reader = Reader::open(&tenant.api, &path, None).await;
    let lease = hand.one().await;
    let last = reader.until(is("status", "status", "running")).await.pop().unwrap();
    server.restart();
    assert!(reader.next().await.is_none(), "a killed server ends its streams");

    let mut reader = Reader::open(&tenant.api, &path, last.id.as_deref()).await;
    let snapshot = reader.next().await.unwrap();
    assert!(is("status", "status", "running")(&snapshot), "{snapshot:?}");
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    let rest = reader.until(|frame| frame.event == "done").await;
    assert_eq!(data(rest.last().unwrap())["status"], "succeeded");
    assert_eq!(reader.next().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_tells_of_all_its_jobs_and_resumes_without_loss() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let other = Tenant::large(&server.admin(), "other").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let path = tenant.path("/events");
    let mut reader = Reader::open(&tenant.api, &path, None).await;
    let mut frames = reader.until(|frame| frame.event == "credits").await;
    other.admitted(image(1)).await;
    let foreign = hand.one().await;
    hand.complete(&foreign, json!([landed(0)])).await.ok(200);
    for _ in 0..2 {
        let job = tenant.admitted(image(2)).await;
        let lease = hand.one().await;
        hand.progress(&lease, 0.5).await.ok(200);
        frames.extend(reader.until(|frame| frame.event == "progress").await);
        hand.complete(&lease, json!([landed(0), landed(1)])).await.ok(200);
        let of_job = |frame: &Frame| frame.event == "done" && data(frame)["id"] == job.as_str();
        frames.extend(reader.until(of_job).await);
    }
    tenant.give(1).await;
    let (available, _) = tenant.balance().await;
    let told = move |frame: &Frame| {
        let balance = &data(frame)["balance"];
        frame.event == "credits" && balance.is_object() && micros(&balance["available"]) == available
    };
    frames.extend(reader.until(&told).await);
    check_ids(&frames);
    assert!(frames.iter().all(|frame| !frame.data.contains("\"other\"")), "another workspace's event");

    for (n, last_seen) in frames.iter().enumerate().take(frames.len() - 1) {
        let mut back = Reader::open(&tenant.api, &path, last_seen.id.as_deref()).await;
        let again = back.until(&told).await;
        missed_none(&frames[n + 1..], &again, last_seen);
    }
    verify(&tenant.api).await;
}
