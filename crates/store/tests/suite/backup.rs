//! Copies that are made beside a writer: of one instant, whole, and given up when they cost too much.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reeve_store::backup::{BackupError, CopyPlan, Head, copy, heads, put_back};
use reeve_store::{Store, StoreSettings};
use reeve_types::WorkspaceId;
use sea_orm::ConnectionTrait as _;

use crate::support::desk::Desk;
use crate::support::{no_fatal, postgres, raw, sqlite};

fn plan(log_bytes_max: u64) -> CopyPlan {
    CopyPlan { log_bytes_max, progress: Arc::default() }
}

/// Copies, and where the ledgers of the copy end.
async fn copied(from: &StoreSettings, to: &Path) -> Vec<Head> {
    let mut found = Vec::new();
    let mut take = |head| found.push(head);
    let steps = copy(from, (to, &plan(u64::MAX)), &mut take).await.unwrap();
    assert_eq!(steps, reeve_migrations::step_names());
    found
}

/// Whole jobs of these workspaces in turn, until told to stop.
async fn write(store: &Store, (desk, ids): (&mut Desk, &[WorkspaceId]), stop: &AtomicBool) -> u64 {
    let mut jobs = 0;
    for id in ids.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return jobs;
        }
        desk.whole_job(&*store.journal(), id).await;
        jobs += 1;
    }
    jobs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_beside_a_writer_is_of_one_instant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let store = sqlite(&path).await;
    let mut desk = Desk::new();
    let ids = [desk.open(&*store.journal(), "acme").await, desk.open(&*store.journal(), "bolt").await];
    let stop = AtomicBool::new(false);
    let copying = async {
        let mut all = Vec::new();
        for n in 0..4 {
            all.push(copied(&StoreSettings::sqlite(&path), &folder.path().join(format!("{n}.db"))).await);
        }
        stop.store(true, Ordering::Relaxed);
        all
    };
    let (all, jobs) = tokio::join!(copying, write(&store, (&mut desk, &ids), &stop));
    assert!(jobs > 0, "nothing was written meanwhile");
    store.close().await;
    for (n, found) in all.iter().enumerate() {
        let names: Vec<&str> = found.iter().map(|head| head.workspace.as_str()).collect();
        assert_eq!(names, ["acme", "bolt"]);
        let opened = sqlite(&folder.path().join(format!("{n}.db"))).await;
        for (id, head) in ids.iter().zip(found) {
            let loaded = opened.reader().load(id).await.unwrap().unwrap();
            assert_eq!(loaded.state.chain.seq, head.rows);
            assert_eq!(hex::encode(loaded.state.chain.hash.0), head.hash);
        }
        let report = opened.verifier().run(|_| ()).await.unwrap();
        assert!(report.is_ok(), "{report:#?}");
        // And it goes on: nothing in it is a copy's.
        let desk = &mut Desk::new();
        desk.now = desk.now.plus_ms(1_000);
        let id = desk.open(&*opened.journal(), "later").await;
        desk.whole_job(&*opened.journal(), &id).await;
        opened.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_given_up_when_the_log_grows_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    sqlite(&path).await.close().await;
    // Enough to copy that the writer gets a word in. Its log goes with it: the next one begins short.
    let filler = raw(&path).await;
    filler
        .execute_unprepared(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
             INSERT INTO outbox (workspace, at, kind, body) SELECT 'acme', i, 'job.queued', hex(zeroblob(60)) FROM n",
        )
        .await
        .unwrap();
    filler.close().await.unwrap();
    let store = sqlite(&path).await;
    let mut desk = Desk::new();
    let ids = [desk.open(&*store.journal(), "acme").await];
    let stop = AtomicBool::new(false);
    let target = folder.path().join("copy.db");
    let copying = async {
        let settings = StoreSettings::sqlite(&path);
        let copying = plan(0);
        let copied = copy(&settings, (&target, &copying), &mut |_| ()).await;
        stop.store(true, Ordering::Relaxed);
        (copied, copying.progress.log_bytes())
    };
    let ((copied, grown), jobs) = tokio::join!(copying, write(&store, (&mut desk, &ids), &stop));
    let error = copied.unwrap_err();
    assert!(jobs > 0 && grown > 0, "{jobs} jobs, {grown} bytes");
    assert!(matches!(error, BackupError::LogTooLong { max: 0, .. }), "{error}");
    // The writer never noticed.
    desk.whole_job(&*store.journal(), &ids[0]).await;
    store.close().await;
}

#[tokio::test]
async fn what_is_no_database_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, target) = (folder.path().join("none.db"), folder.path().join("copy.db"));
    let error = copy(&StoreSettings::sqlite(&missing), (&target, &plan(0)), &mut |_| ()).await.unwrap_err();
    assert!(matches!(error, BackupError::Open(_)), "{error}");
    assert!(!missing.exists() && !target.exists(), "nothing is made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_is_dumped_beside_its_writer_and_put_back() {
    let Some(cluster) = postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (url, dump) = (cluster.new_database(), folder.path().join("database.dump"));
    let store = Store::open(StoreSettings::postgres(&url), no_fatal()).await.unwrap();
    let mut desk = Desk::new();
    let ids = [desk.open(&*store.journal(), "acme").await];
    let stop = AtomicBool::new(false);
    let copying = async {
        let found = copied(&StoreSettings::postgres(&url), &dump).await;
        stop.store(true, Ordering::Relaxed);
        found
    };
    let (found, jobs) = tokio::join!(copying, write(&store, (&mut desk, &ids), &stop));
    assert!(jobs > 0);
    let full = put_back(&url, &dump).await.unwrap_err();
    assert!(matches!(full, BackupError::NotEmpty { .. }), "{full}");
    store.close().await;

    let other = cluster.new_database();
    put_back(&other, &dump).await.unwrap();
    let mut again = Vec::new();
    heads(&StoreSettings::postgres(&other), &mut |head| again.push(head)).await.unwrap();
    assert_eq!(again, found, "dump and heads are of one snapshot");
    let opened = Store::open(StoreSettings::postgres(&other), no_fatal()).await.unwrap();
    let report = opened.verifier().run(|_| ()).await.unwrap();
    assert!(report.is_ok(), "{report:#?}");
    opened.close().await;
}
