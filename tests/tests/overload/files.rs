//! A server without file descriptors: it keeps whom it has, and takes others when there is room again.

use std::time::Duration;

use reqwest::Method;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::process::{cpu_ms, open_files};
use super::wire::{Wire, bytes_of};
use crate::fixture::{Hand, Server, Tenant, image, pause_ms, verify, within};

/// Files that are left to it.
const LEFT: u64 = 20;
/// How long it is left without, in milliseconds.
const WITHOUT_MS: u64 = 3_000;
/// CPU time that it may take in that time: waiting is not work.
const CPU_MS_MAX: u64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_file_descriptors_it_serves_whom_it_has_and_recovers() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let hand = Hand::new(&server.worker_api(), "hand");
    tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    let path = format!("/v1/worker/leases/{lease}/outputs/0");
    let upload = hand.api.request(Method::PUT, &path).header("Content-Type", "image/png").body("bytes");
    let (upload, submit) = (bytes_of(upload), tenant.api.request(Method::POST, &tenant.path("/jobs")));
    let submit = bytes_of(submit.json(&image(1)));
    let mut kept = Wire::open(&api).await.unwrap();
    assert_eq!(kept.call(&submit).await.unwrap().status, 201);

    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: Some(open_files(server.pid()) + LEFT), maximum };
    let shipped = prlimit(pid, Resource::Nofile, limit).unwrap();
    let mut crowd = Vec::new();
    for _ in 0..3 * LEFT {
        crowd.push(Wire::open(&api).await.unwrap());
    }
    pause_ms(300).await;
    let log = std::fs::read_to_string(server.folder().join("log")).unwrap();
    assert!(log.contains("Too many open files"), "it has {} open", open_files(server.pid()));
    let before_ms = cpu_ms(server.pid());
    for _ in 0..10 {
        let admitted = within("a submit without files", 5, kept.call(&submit)).await.unwrap();
        assert_eq!(admitted.status, 201, "{}", admitted.text());
        pause_ms(WITHOUT_MS / 10).await;
    }
    let used_ms = cpu_ms(server.pid()) - before_ms;
    println!("{used_ms} ms of CPU time in {WITHOUT_MS} ms without files, with ten submits");
    assert!(used_ms < CPU_MS_MAX, "{used_ms} ms");
    let landed = within("an upload without files", 5, kept.call(&upload)).await.unwrap();
    assert!(landed.status == 201 || landed.status == 503 && landed.retry_after.is_some(), "{landed:?}");

    drop(crowd);
    let fresh = async {
        let mut wire = Wire::open(&api).await.unwrap();
        wire.call(&submit).await.unwrap()
    };
    assert_eq!(within("a new connection when there is room", 10, fresh).await.status, 201);
    assert_eq!(within("an upload when there is room", 10, kept.call(&upload)).await.unwrap().status, 201);
    prlimit(pid, Resource::Nofile, shipped).unwrap();
    tokio::time::timeout(Duration::from_secs(60), verify(&api)).await.unwrap();
}
