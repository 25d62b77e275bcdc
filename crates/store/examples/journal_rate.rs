//! How many change sets a second the journal commits, without HTTP and actors.
//!
//! `cargo run --release -p reeve-store --example journal_rate [-- <submitters> [<jobs> [<folder or postgres url>]]]`
//! Each submitter owns some of 200 workspaces (or one of more): it decides, submits and waits, as an actor's caller does.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "a measuring program, not the product"
)]

#[path = "../tests/suite/support/desk.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod desk;

use std::sync::Arc;
use std::time::Instant;

use desk::{Desk, T0, commit, complete_elsewhere, lease, ws};
use reeve_journal::{CommitOutcome, Journal};
use reeve_store::{Store, StoreSettings};
use reeve_types::LeaseId;
use reeve_workspace::Answer;

const WORKSPACES: usize = 200;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let submitters: usize = args.first().map_or(128, |n| n.parse().unwrap());
    let jobs: usize = args.get(1).map_or(10_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir_in(".").unwrap();
    let settings = match args.get(2) {
        Some(url) if url.starts_with("postgres") => StoreSettings::postgres(url),
        Some(path) => StoreSettings::sqlite(format!("{path}/rate.db")),
        None => StoreSettings::sqlite(folder.path().join("rate.db")),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(settings, Arc::new(|why| panic!("{why}"))).await.unwrap();
        let journal = store.journal();
        let started = Instant::now();
        let desks = (0..submitters).map(|n| tokio::spawn(opened(journal.clone(), n, submitters)));
        let mut ready = Vec::new();
        for desk in desks.collect::<Vec<_>>() {
            ready.push(desk.await.unwrap());
        }
        println!("{WORKSPACES} workspaces opened in {:.2?}", started.elapsed());
        let each = jobs / submitters;
        for (what, whole) in [("admissions", false), ("whole lifecycles (3 change sets)", true)] {
            let started = Instant::now();
            let work = std::mem::take(&mut ready)
                .into_iter()
                .map(|desk| tokio::spawn(drive(journal.clone(), desk, each, whole)));
            for done in work.collect::<Vec<_>>() {
                ready.push(done.await.unwrap());
            }
            let (took, count) = (started.elapsed(), each * submitters);
            println!(
                "{what}: {:.0} a second ({count} by {submitters} submitters in {took:.2?})",
                count as f64 / took.as_secs_f64()
            );
        }
        let started = Instant::now();
        store.close().await;
        println!("closed in {:.2?}", started.elapsed());
    });
}

async fn opened(journal: Arc<dyn Journal>, n: usize, submitters: usize) -> (usize, Desk) {
    let mut desk = Desk::new();
    desk.jobs = (n as u128) << 40;
    // More submitters than workspaces: each gets one of its own.
    for w in (0..WORKSPACES.max(submitters)).filter(|w| w % submitters == n) {
        desk.open(&*journal, &format!("workspace-{w}")).await;
    }
    (n, desk)
}

async fn drive(
    journal: Arc<dyn Journal>,
    (n, mut desk): (usize, Desk),
    jobs: usize,
    whole: bool,
) -> (usize, Desk) {
    let mut mine: Vec<_> = desk.slots.keys().cloned().collect();
    mine.sort();
    for i in 0..jobs {
        let id = mine.get(i % mine.len()).cloned().unwrap_or_else(|| ws("none"));
        let (job, command) = desk.submit();
        let mut change = desk.decide(&id, &command).unwrap();
        let key = format!("key_0123456789abcdef0123456789abcdef:{job}");
        change.records.answer =
            Some(Answer { key: key.into(), fingerprint: [1; 16], body: "x".repeat(300).into(), at: T0 });
        assert_eq!(commit(&*journal, change).await, CommitOutcome::Durable);
        if whole {
            desk.run(&*journal, &id, lease(job)).await;
            desk.run(&*journal, &id, complete_elsewhere(LeaseId { job, attempt: 1 })).await;
        }
    }
    (n, desk)
}
