//! A read whose transaction does not end: its connection must not be used again, or it shows the past for ever.

use super::process::Place;
use crate::fixture::{Tenant, image, verify};

/// Reads whose ROLLBACK fails: more than there are connections.
const FAILURES: u32 = 12;
/// Jobs, each looked for after it was admitted.
const JOBS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_whose_rollback_fails_never_shows_the_past() {
    let place = Place::sqlite();
    let life = place.start(&format!("error:reader.before_rollback:1-{FAILURES}"));
    let tenant = Tenant::large(&life.admin(), "acme").await;
    for n in 1..=JOBS {
        tenant.admitted(image(1)).await;
        // Several statements in one snapshot, on whichever connection is next.
        tenant.api.get(&tenant.path("/usage")).await.ok(200);
        tenant.api.get(&tenant.path("/balance?at=2020-01-01T00:00:00Z")).await;
        let jobs = tenant.api.get(&tenant.path("/jobs?limit=100")).await.ok(200);
        assert_eq!(jobs["data"].as_array().unwrap().len(), n, "a reader shows the past");
    }
    verify(&life.admin()).await;
    let log = place.log();
    assert!(log.contains("its connection is replaced"), "no ROLLBACK failed: {log}");
    life.stop().await;
    assert_eq!(place.verify().status.code(), Some(0));
}
