//! A thousand large reads at once: a heartbeat does not wait for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::Method;

use super::load::{Until, crowd, keep};
use super::process::raise_open_files;
use super::wire::{Wire, bytes_of};
use crate::fixture::{Hand, Server, Tenant, image, lease_of, pause_ms, spawn, verify};

/// Connections that read without pause.
const READERS: usize = 1_000;
/// Rows of each answer.
const ROWS: u64 = 300;
/// How long they go on.
const READ_MS: u64 = 4_000;
const EVERY_MS: u64 = 50;
/// Longest time of a heartbeat beside them, in milliseconds: far less than any lease.
const HEARTBEAT_MS_MAX: i64 = 1_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_does_not_wait_for_a_thousand_large_reads() {
    raise_open_files();
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let heard = crowd(std::slice::from_ref(&tenant), 8, Until::Count(ROWS)).await;
    assert_eq!(heard.of(201), ROWS, "{:?}", heard.statuses);
    let keeper = Arc::new(Hand::new(&server.worker_api(), "keeper"));
    let leases: Vec<String> = keeper.lease(4, 5).await.iter().map(lease_of).collect();
    assert!(!leases.is_empty());
    let request = bytes_of(tenant.api.request(Method::GET, &tenant.path("/ledger?limit=500")));

    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let mut wire = Wire::open(&api).await.unwrap();
        let (request, stop, reads) = (request.clone(), stop.clone(), reads.clone());
        readers.push(spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let reply = wire.call(&request).await.unwrap();
                assert!([200, 503].contains(&reply.status), "{}", reply.status);
                reads.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let beats = {
        let (keeper, stop) = (keeper.clone(), stop.clone());
        spawn(async move { keep(&keeper, &leases, EVERY_MS, &stop).await })
    };
    pause_ms(READ_MS).await;
    let submitted = tenant.submit(image(1)).await;
    stop.store(true, Ordering::Relaxed);
    let (beats, slowest_ms) = beats.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
    let reads = reads.load(Ordering::Relaxed);
    println!(
        "{READERS} readers, {reads} answers of {ROWS} rows: {beats} heartbeats, the slowest {slowest_ms} ms"
    );
    submitted.ok(201);
    assert!(slowest_ms < HEARTBEAT_MS_MAX, "a heartbeat took {slowest_ms} ms");
    verify(&api).await;
}
