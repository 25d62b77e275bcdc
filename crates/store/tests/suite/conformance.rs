//! The promises of the ports, on both databases.

use crate::support::{postgres, sqlite, sqlite_ahead};
use reeve_journal::conformance::{Subject, run_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    run_all(|| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = folder.path().join(format!("{n}.db"));
        async move { subject(sqlite(&path).await) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_written_ahead_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU32::new(0);
    run_all(|| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = folder.path().join(format!("{n}.db"));
        async move { subject(sqlite_ahead(&path, 1).await) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_every_promise() {
    let Some(server) = postgres::start() else { return };
    let server = &server;
    run_all(|| async move { subject(postgres::store(server).await) }).await;
}

/// The store lives as long as its ports do.
fn subject(store: reeve_store::Store) -> Subject {
    Subject { journal: store.journal(), reader: store.reader() }
}
