//! Event streams behind a line that buffers: what the server says of its streams keeps them flowing.

mod line;

use std::time::Duration;

use futures_util::StreamExt as _;
use reeve_client::SseParser;
use reqwest::Method;

use crate::fixture::{Api, Server, Tenant, image, within};
use line::Line;

/// Longest time in which a frame is to come through.
const FRAME_SECONDS_MAX: u64 = 10;
/// How long a line that holds everything back is watched.
const HELD_MS: u64 = 1_500;

/// A stream of a workspace as a client asks for it that would take it compressed.
async fn open(api: &Api, tenant: &Tenant) -> reqwest::Response {
    let request = api.request(Method::GET, &tenant.path("/events")).timeout(Duration::from_secs(120));
    let response = request.header("Accept-Encoding", "gzip, deflate, br").send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    response
}

/// Reads until the stream has told of this job.
async fn hears_of(response: reqwest::Response, job: &str) {
    let mut parser = SseParser::default();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        for frame in parser.push(&chunk.unwrap()).unwrap() {
            if frame.data.contains(job) {
                return;
            }
        }
    }
    panic!("the stream ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_says_that_it_must_not_be_kept_back_or_changed() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let stream = open(&tenant.api, &tenant).await;
    let header =
        |name: &str| stream.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("x-accel-buffering"), "no");
    assert!(header("cache-control").contains("no-transform"), "{}", header("cache-control"));
    assert!(["", "identity"].contains(&header("content-encoding")), "it is compressed");
    assert!(header("content-type").starts_with("text/event-stream"));
    assert_eq!(header("content-length"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_flows_through_a_line_that_buffers_and_compresses() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let line = Line::to(&server.url, true).await;
    let mut behind = server.admin();
    behind.base.clone_from(&line.url);
    let stream = open(&behind, &tenant).await;
    // One small event at a time: each comes through before the next is made.
    let mut parser = SseParser::default();
    let mut chunks = stream.bytes_stream();
    for _ in 0..5 {
        let job = tenant.admitted(image(1)).await;
        within("an event through the line", FRAME_SECONDS_MAX, async {
            loop {
                let chunk = chunks.next().await.unwrap().unwrap();
                if parser.push(&chunk).unwrap().iter().any(|frame| frame.data.contains(&job)) {
                    return;
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_those_words_the_same_line_keeps_a_stream_back() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let line = Line::to(&server.url, false).await;
    let mut behind = server.admin();
    behind.base.clone_from(&line.url);
    // Its head is held back with the rest, so there is not even an answer.
    let waits = async {
        let stream = open(&behind, &tenant).await;
        hears_of(stream, &tenant.admitted(image(1)).await).await;
    };
    let heard = tokio::time::timeout(Duration::from_millis(HELD_MS), waits).await;
    assert!(heard.is_err(), "this line buffers nothing, so it proves nothing");
}
