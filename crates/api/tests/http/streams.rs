//! Event streams, waiting and long polls, over a real socket.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{ADMIN, Server, spawn, stop};

struct Frame {
    id: String,
    event: String,
    data: Value,
}

/// Reads a stream frame by frame.
struct Reader {
    chunks: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Reader {
    async fn open(server: &Server, path: &str, after: Option<&str>) -> Self {
        let mut request = server.request(Method::GET, path, ADMIN).header("Accept-Encoding", "gzip");
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response: Response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["content-encoding"], "identity");
        Self { chunks: response.bytes_stream().boxed(), text: String::new() }
    }

    /// The next frame; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            while let Some((frame, rest)) =
                self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                self.text = rest;
                if !frame.starts_with(':') {
                    return Some(parse(&frame));
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.chunks.next())
                .await
                .expect("a frame in time");
            self.text.push_str(std::str::from_utf8(&chunk?.unwrap()).unwrap());
        }
    }

    async fn until(&mut self, event: &str) -> Frame {
        while let Some(frame) = self.next().await {
            if frame.event == event {
                return frame;
            }
        }
        panic!("the stream ended before `{event}`");
    }

    async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

fn parse(frame: &str) -> Frame {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    Frame {
        id: field("id: "),
        event: field("event: "),
        data: serde_json::from_str(&field("data: ")).unwrap(),
    }
}

#[tokio::test]
async fn a_stream_tells_the_life_of_a_job_and_ends_after_done() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let mut stream = Reader::open(&server, &format!("/v1/jobs/{job}/events"), None).await;
    assert_eq!(stream.until("status").await.data["status"], "queued");
    let lease = server.lease().await;
    assert_eq!(stream.until("status").await.data["status"], "running");
    let path = format!("/v1/worker/leases/{}/progress", lease["lease"].as_str().unwrap());
    server.work(&path, json!({"fraction": 0.25, "stage": "bands"})).await;
    assert_eq!(stream.until("progress").await.data["fraction"], 0.25);
    server.complete(&lease, b"x").await;
    let rest = stream.rest().await;
    let names: Vec<&str> = rest.iter().map(|frame| frame.event.as_str()).collect();
    assert_eq!(&names[names.len() - 4..], ["status", "output", "credits", "done"], "{names:?}");
    let done = &rest.last().unwrap().data;
    assert_eq!((&done["status"], &done["outputs"][0]["status"]), (&json!("succeeded"), &json!("landed")));
    assert!(rest.iter().all(|frame| frame.id.split_once('-').is_some()));
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_what_it_missed_once_and_a_snapshot_when_that_is_unknown() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let path = format!("/v1/jobs/{job}/events");
    let mut stream = Reader::open(&server, &path, None).await;
    stream.until("status").await;
    let lease = server.lease().await;
    let running = stream.until("status").await;
    drop(stream);
    let report = format!("/v1/worker/leases/{}/progress", lease["lease"].as_str().unwrap());
    for fraction in [0.2, 0.4] {
        server.work(&report, json!({"fraction": fraction})).await;
    }
    let mut again = Reader::open(&server, &path, Some(&running.id)).await;
    assert_eq!(again.until("progress").await.data["fraction"], 0.2);
    for unknown in ["1-1", "nonsense", "99999999999999999999-1"] {
        let mut gap = Reader::open(&server, &path, Some(unknown)).await;
        assert_eq!(gap.next().await.unwrap().data["status"], "running");
    }
    server.complete(&lease, b"x").await;
    assert_eq!(again.rest().await.last().unwrap().event, "done");
}

#[tokio::test]
async fn a_job_that_is_over_is_told_at_once() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let lease = server.lease().await;
    server.complete(&lease, b"x").await;
    let frames = Reader::open(&server, &format!("/v1/jobs/{job}/events"), None).await.rest().await;
    let last = frames.last().unwrap();
    assert_eq!(last.event, "done");
    // A reader that stopped just before the end gets the end again.
    let again = Reader::open(&server, &format!("/v1/jobs/{job}/events"), Some(&last.id)).await.rest().await;
    assert_eq!(again.last().unwrap().event, "done");
}

#[tokio::test]
async fn a_workspace_stream_has_its_jobs_and_its_balance() {
    let server = Server::start();
    server.workspace("w").await;
    let mut stream = Reader::open(&server, "/v1/workspaces/w/events", None).await;
    let before = stream.until("credits").await.data["balance"]["available"].as_f64().unwrap();
    let job = server.submit("w").await;
    let held = stream.until("credits").await.data["balance"].clone();
    assert!(held["available"].as_f64().unwrap() < before, "{held}");
    let lease = server.lease().await;
    server.complete(&lease, b"x").await;
    assert_eq!(stream.until("done").await.data["id"], job.as_str());
}

#[tokio::test]
async fn wait_answers_when_the_job_is_final() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let path = format!("/v1/jobs/{job}?wait=30");
    let started = Instant::now();
    let (waited, ()) = tokio::join!(server.get(&path), async {
        let lease = server.lease().await;
        server.complete(&lease, b"x").await;
    });
    assert_eq!(waited.json["status"], "succeeded");
    assert!(started.elapsed() < Duration::from_secs(20));
    let queued = server.submit("w").await;
    assert_eq!(server.get(&format!("/v1/jobs/{queued}?wait=1")).await.json["status"], "queued");
}

#[tokio::test]
async fn a_stop_ends_streams_and_long_polls_and_lets_the_rest_finish() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let stream = Reader::open(&server, &format!("/v1/jobs/{job}/events"), None).await;
    let wait = server.request(Method::GET, &format!("/v1/jobs/{job}?wait=60"), ADMIN);
    let waiting = spawn(async move { wait.send().await.unwrap().status().as_u16() });
    let poll = json!({"worker": "w", "session": "s", "pools": ["video"], "slots": 1, "wait_seconds": 60});
    let poll = server.request(Method::POST, "/v1/worker/leases", ADMIN).json(&poll);
    let polling = spawn(async move { poll.send().await.unwrap().status().as_u16() });
    // Both are under way once the server knows of the poll.
    while server.get("/v1/workers").await.json["data"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    stop(server).await;
    assert_eq!((waiting.await.unwrap(), polling.await.unwrap()), (200, 200));
    assert!(stream.rest().await.iter().all(|frame| frame.event != "done"));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_worker_that_hangs_up_gets_no_lease() {
    let server = Server::start();
    server.workspace("w").await;
    let poll = json!({"worker": "gone", "session": "s", "pools": ["image"], "slots": 1, "wait_seconds": 60});
    let request = server.request(Method::POST, "/v1/worker/leases", ADMIN).json(&poll);
    let polling = spawn(async move { request.send().await.map(|_| ()) });
    while server.get("/v1/workers").await.json["data"].as_array().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    polling.abort();
    let _ = polling.await;
    // A connection of its own: the server has seen the hang-up once it answers on it.
    server.get("/healthz").await;
    let job = server.submit("w").await;
    assert_eq!(server.lease().await["job"], job.as_str(), "the job went to the worker that is there");
}
