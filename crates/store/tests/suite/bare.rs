//! The bare writer of `examples/bare`: what it measures is what the journal does.

use std::path::Path;

use reeve_journal::{ChangeSet, CommitOutcome};
use reeve_store::Bare;
use reeve_types::LeaseId;
use reeve_workspace::Answer;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::support::desk::{Desk, T0, commit, complete_elsewhere, lease};
use crate::support::{raw, sqlite, sqlite_ahead};

/// Texts of one column.
async fn texts(db: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Every row of every table, but the lane's, which counts openings and transactions.
async fn dump(path: &Path) -> Vec<(String, Vec<String>)> {
    let db = raw(path).await;
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                  AND name <> 'lanes' ORDER BY name";
    let mut dump = Vec::new();
    for table in texts(&db, tables).await {
        let columns = texts(&db, &format!("SELECT name FROM pragma_table_info('{table}')")).await;
        let cells: Vec<String> = columns.iter().map(|name| format!("quote({name})")).collect();
        let rows = format!("SELECT {} FROM {table} ORDER BY 1", cells.join(" || ',' || "));
        dump.push((table.clone(), texts(&db, &rows).await));
    }
    db.close().await.unwrap();
    dump
}

/// Batches as a busy journal has them: some workspaces twice in one, jobs that go on and jobs that end.
fn batches(desk: &mut Desk, ids: &[reeve_types::WorkspaceId]) -> Vec<Vec<ChangeSet>> {
    let mut batches = vec![Vec::new(), Vec::new(), Vec::new()];
    for id in ids.iter().chain(ids.first()) {
        let (job, command) = desk.submit();
        let mut admit = desk.decide(id, &command).unwrap();
        let key = format!("key_0123456789abcdef0123456789abcdef:{job}");
        admit.records.answer =
            Some(Answer { key: key.into(), fingerprint: [1; 16], body: "a job".into(), at: T0 });
        batches[0].push(admit);
        batches[1].push(desk.decide(id, &lease(job)).unwrap());
        if id != &ids[1] {
            batches[2].push(desk.decide(id, &complete_elsewhere(LeaseId { job, attempt: 1 })).unwrap());
        }
        desk.now = desk.now.plus_ms(5);
    }
    // Versions follow each other within a workspace, whatever was decided in between.
    let mut all: Vec<ChangeSet> = batches.into_iter().flatten().collect();
    all.sort_by_key(|change| change.expected);
    all.chunks(4).map(<[ChangeSet]>::to_vec).collect()
}

/// Three workspaces in a file, and the same in another.
async fn two_files(desk: &mut Desk, one: &Path, other: &Path) -> Vec<reeve_types::WorkspaceId> {
    let store = sqlite(one).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(desk.open(&*store.journal(), &format!("w{n}")).await);
    }
    store.close().await;
    std::fs::copy(one, other).unwrap();
    ids
}

#[tokio::test]
async fn the_bare_writer_leaves_what_the_journal_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, bare) = (folder.path().join("ours.db"), folder.path().join("bare.db"));
    let mut desk = Desk::new();
    let ids = two_files(&mut desk, &ours, &bare).await;
    let opened = dump(&ours).await;

    let batches = batches(&mut desk, &ids);
    let mut writer = Bare::open(&bare).await.unwrap();
    for batch in batches.clone() {
        writer.commit(batch).await.unwrap();
    }
    assert_eq!(writer.written().commits, batches.len() as u64);
    writer.close().await.unwrap();
    let store = sqlite(&ours).await;
    for change in batches.into_iter().flatten() {
        assert_eq!(commit(&*store.journal(), change).await, CommitOutcome::Durable);
    }
    let written = store.journal().health().written;
    assert!(written.commits >= 11 && written.rows > 40 && written.bytes > 5_000, "{written:?}");
    store.close().await;

    let (ours, bare) = (dump(&ours).await, dump(&bare).await);
    assert_ne!(ours, opened, "the batches wrote something");
    for (ours, bare) in ours.iter().zip(&bare) {
        assert_eq!(ours, bare, "table `{}`", ours.0);
    }
}

#[tokio::test]
async fn a_store_that_writes_ahead_leaves_what_one_does_that_never_does() {
    let folder = tempfile::tempdir().unwrap();
    let (ahead, never) = (folder.path().join("ahead.db"), folder.path().join("never.db"));
    let mut desk = Desk::new();
    let ids = two_files(&mut desk, &ahead, &never).await;
    let changes: Vec<ChangeSet> = batches(&mut desk, &ids).into_iter().flatten().collect();
    for (path, ahead_min) in [(&ahead, 1), (&never, 0)] {
        let store = sqlite_ahead(path, ahead_min).await;
        for change in changes.clone() {
            assert_eq!(commit(&*store.journal(), change).await, CommitOutcome::Durable);
        }
        for id in &ids {
            let loaded = store.reader().load(id).await.unwrap().unwrap();
            assert_eq!(loaded.state, desk.slots[id].clone().unwrap().rebuilt());
        }
        store.close().await;
    }
    let (ahead, never) = (dump(&ahead).await, dump(&never).await);
    for (ahead, never) in ahead.iter().zip(&never) {
        assert_eq!(ahead, never, "table `{}`", ahead.0);
    }
}
