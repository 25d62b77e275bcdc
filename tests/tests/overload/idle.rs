//! Eight thousand connections that asked once and say nothing since: others are served as if there were none.

use futures_util::future::join_all;
use reqwest::Method;

use super::process::{anonymous_kib, open_files, raise_open_files};
use super::wire::{Wire, bytes_of};
use crate::fixture::{Hand, Server, Tenant, eventually, image, landed, now_ms, verify, within};

/// Connections, where the system allows that many files in one process.
const CONNECTIONS: u64 = 8_000;
/// Files that a process needs for other things.
const OTHER_FILES: u64 = 500;
/// Connections that are opened at the same time.
const AT_ONCE: usize = 200;
/// What one of them may take, in KiB.
const CONNECTION_KIB_MAX: u64 = 48;
/// Longest time of a job from its submit to its end beside them, in milliseconds.
const JOB_MS_MAX: i64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_thousand_open_connections_hold_nobody_up() {
    let count = raise_open_files().saturating_sub(OTHER_FILES).min(CONNECTIONS);
    let server = Server::start();
    let api = server.admin();
    let acme = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    let (resting_kib, resting_files) = (anonymous_kib(server.pid()), open_files(server.pid()));
    let request = bytes_of(acme.api.request(Method::GET, "/healthz"));
    let mut wires = Vec::new();
    while (wires.len() as u64) < count {
        let opening = (0..AT_ONCE.min(count as usize - wires.len())).map(|_| async {
            let mut wire = Wire::open(&api).await.unwrap();
            let reply = within("an answer", 30, wire.call(&request)).await.unwrap();
            assert_eq!(reply.status, 200);
            wire
        });
        wires.extend(join_all(opening).await);
    }
    let held_kib = anonymous_kib(server.pid()).saturating_sub(resting_kib);
    let mut slowest_ms = 0;
    for _ in 0..20 {
        let begun = now_ms();
        acme.admitted(image(1)).await;
        let lease = hand.one().await;
        hand.heartbeat(&[&lease]).await;
        hand.complete(&lease, serde_json::json!([landed(0)])).await.ok(200);
        slowest_ms = slowest_ms.max(now_ms() - begun);
    }
    println!(
        "{count} connections: {held_kib} KiB, {} each; the slowest job beside them {slowest_ms} ms",
        held_kib / count
    );
    assert!(held_kib < count * CONNECTION_KIB_MAX, "{held_kib} KiB");
    assert!(slowest_ms < JOB_MS_MAX, "a job took {slowest_ms} ms");
    // They still are served.
    for wire in wires.iter_mut().step_by(500) {
        assert_eq!(within("an answer", 30, wire.call(&request)).await.unwrap().status, 200);
    }
    drop(wires);
    eventually("the files of those that left", 60, || async {
        acme.admitted(image(1)).await;
        (open_files(server.pid()) < resting_files + OTHER_FILES).then_some(())
    })
    .await;
    verify(&api).await;
}
