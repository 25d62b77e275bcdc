//! The Rust client over a bad line: what it says took effect did, once, and it says so in the end.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reeve_client::{Client, ClientSettings, IdempotencyKey, RetryPolicy};
use reeve_protocol::{CompleteRequest, JobStatus, JobSubmit};
use reeve_types::{ActionName, LeaseId, WorkspaceId};
use serde_json::json;

use super::proxy::{Proxy, Trick};
use crate::fixture::{Hand, Server, Tenant, landed, lease_of, verify};

const SUBMITS: usize = 60;

fn patient(url: &str, key: &str) -> Client {
    let retry = RetryPolicy { deadline_ms: 60_000, first_ms: 2, pause_ms_max: 20 };
    Client::with_settings(url, key, ClientSettings { retry, ..ClientSettings::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_over_a_bad_line_does_each_thing_once() {
    let server = Server::start();
    let api = server.admin();
    let acme = Tenant::large(&api, "acme").await;
    let key =
        api.post("/v1/keys", json!({"role": "admin"})).await.ok(201)["key"].as_str().unwrap().to_owned();
    let proxy = Proxy::to(&server.url, 5).await;
    let client = patient(&proxy.url, &key);
    let id = WorkspaceId::new("acme").unwrap();

    let params = json!({"outputs": 1, "prompt": "a harbour"}).as_object().unwrap().clone();
    let body = JobSubmit::of(ActionName::new("image.generate").unwrap(), params);
    let mut jobs = BTreeSet::new();
    for _ in 0..SUBMITS / 10 {
        let submits = (0..10).map(|_| client.submit(&id, &body, IdempotencyKey::Fresh));
        for job in join_all(submits).await {
            jobs.insert(job.unwrap().id);
        }
    }
    assert_eq!(jobs.len(), SUBMITS, "each call got a job of its own");
    assert_eq!(acme.books().await.jobs.len(), SUBMITS, "and no job is nobody's");

    // The same over a worker's reports: complete is repeated, and settles once.
    let hand = Hand::new(&server.worker_api(), "hand");
    let leases = hand.lease(10, 10).await;
    assert_eq!(leases.len(), 10);
    for lease in &leases {
        let lease: LeaseId = lease_of(lease).parse().unwrap();
        let outputs: CompleteRequest = serde_json::from_value(json!({"outputs": [landed(0)]})).unwrap();
        let job = client.complete(lease, &outputs).await.unwrap();
        assert_eq!(job.status, JobStatus::Succeeded);
    }
    // And cancels, which say what became of the job however often they are asked.
    let cancels = jobs.iter().rev().take(20).map(|job| client.cancel(*job, IdempotencyKey::Fresh));
    for job in join_all(cancels).await {
        assert_eq!(job.unwrap().status, JobStatus::Cancelled);
    }
    let books = acme.books().await;
    let settled: i64 = books.jobs.values().map(|job| job.settled).sum();
    assert_eq!(settled, 10 * 8_000_000);
    assert_eq!(books.held, 30 * 8_000_000);
    let played = proxy.played();
    assert!(played.iter().all(|(_, count)| *count > 0), "some trick was not played: {played:?}");
    assert!(played.iter().any(|(trick, count)| *trick == Trick::LoseAnswer && *count > 3), "{played:?}");
    verify(&api).await;
}
