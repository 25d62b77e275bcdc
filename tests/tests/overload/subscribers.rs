//! Ten thousand subscribers of one workspace: silent, then told of something all at once, then gone.

use futures_util::future::join_all;
use reqwest::Method;

use super::process::{anonymous_kib, open_files, raise_open_files};
use super::wire::{Wire, bytes_of};
use crate::fixture::{Server, Tenant, eventually, image, verify, within};

/// Subscribers, where the system allows that many files in one process.
const SUBSCRIBERS: u64 = 10_000;
/// Files that a process needs for other things.
const OTHER_FILES: u64 = 500;
/// Connections that are opened at the same time.
const AT_ONCE: usize = 100;
/// Events that all of them are told.
const JOBS: usize = 5;
/// What one subscriber may take while it is silent, and while it is told something, in KiB.
const SUBSCRIBER_KIB_MAX: u64 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_subscribers_hear_of_everything_and_cost_little() {
    let count = raise_open_files().saturating_sub(OTHER_FILES).min(SUBSCRIBERS);
    let server = Server::start();
    let api = server.admin();
    let acme = Tenant::large(&api, "acme").await;
    let request = bytes_of(acme.api.request(Method::GET, &acme.path("/events")));
    let (resting_kib, resting_files) = (anonymous_kib(server.pid()), open_files(server.pid()));
    let mut wires = Vec::new();
    while (wires.len() as u64) < count {
        let opening = (0..AT_ONCE.min(count as usize - wires.len())).map(|_| async {
            let mut wire = Wire::open(&api).await.unwrap();
            wire.send(&request).await.unwrap();
            let head = within("the head of a stream", 30, wire.head()).await.unwrap();
            assert_eq!(head.status, 200);
            wire
        });
        wires.extend(join_all(opening).await);
    }
    let silent_kib = anonymous_kib(server.pid()).saturating_sub(resting_kib);

    // A burst: each of these is told to all of them.
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(acme.admitted(image(1)).await);
    }
    let last = jobs.last().unwrap();
    let hearing = wires.iter_mut().map(|wire| async {
        let mut told = 0;
        loop {
            let line = wire.line().await.unwrap();
            if line.starts_with("data:") && line.contains("\"status\":\"queued\"") {
                told += 1;
            }
            if line.contains(last.as_str()) {
                return told;
            }
        }
    });
    let heard = within("the burst on all streams", 60, join_all(hearing)).await;
    assert!(heard.iter().all(|told| *told == JOBS), "some heard of fewer jobs than there are");
    let told_kib = anonymous_kib(server.pid()).saturating_sub(resting_kib);
    println!(
        "{count} subscribers: {silent_kib} KiB silent, {told_kib} KiB after {JOBS} events to each; \
         {} and {} KiB a subscriber",
        silent_kib / count,
        told_kib / count
    );
    assert!(silent_kib < count * SUBSCRIBER_KIB_MAX, "{silent_kib} KiB");
    assert!(told_kib < count * SUBSCRIBER_KIB_MAX, "{told_kib} KiB");

    // Gone, they are forgotten: their files are given back, and others are served as before.
    drop(wires);
    eventually("the files of the subscribers that left", 60, || async {
        acme.admitted(image(1)).await;
        (open_files(server.pid()) < resting_files + OTHER_FILES).then_some(())
    })
    .await;
    verify(&api).await;
}
