//! What a store promises around the ports: opening, closing, damage, readers beside the writer.

use reeve_journal::{AbortReason, ChangeSet, CommitOutcome, JobFilter, Journal, Page, StoreError, Urgency};
use reeve_store::{OpenError, Store, StoreSettings};
use reeve_types::LeaseId;
use sea_orm::ConnectionTrait as _;

use crate::support::desk::{Desk, commit, complete, complete_elsewhere, lease, upload};
use crate::support::{no_fatal, sqlite, tamper};

fn submit(journal: &dyn Journal, change: ChangeSet) -> tokio::sync::oneshot::Receiver<CommitOutcome> {
    journal.submit(change, journal.reserve(Urgency::Finish).unwrap())
}

#[tokio::test]
async fn a_second_process_is_refused_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let store = sqlite(&path).await;
    let second = Store::open(StoreSettings::sqlite(&path), no_fatal()).await.err().unwrap();
    assert!(matches!(second, OpenError::Locked { .. }), "{second}");
    assert!(second.to_string().starts_with("the database is open in another process"));
    store.close().await;
    sqlite(&path).await.close().await;
}

#[tokio::test]
async fn a_closed_store_can_be_opened_while_other_processes_are_being_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let starting = std::thread::spawn({
        let stop = stop.clone();
        move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::process::Command::new("true").status().unwrap();
            }
        }
    });
    for _ in 0..20 {
        sqlite(&path).await.close().await;
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    starting.join().unwrap();
}

#[tokio::test]
async fn everything_is_there_after_a_reopen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/reeve.db");
    let mut desk = Desk::new();
    let store = sqlite(&path).await;
    let journal = store.journal();
    let id = desk.open(&*journal, "acme").await;
    let done = desk.whole_job(&*journal, &id).await;
    let (linked, command) = desk.submit();
    desk.run(&*journal, &id, command).await;
    desk.run(&*journal, &id, lease(linked)).await;
    let change = desk.decide(&id, &complete_elsewhere(LeaseId { job: linked, attempt: 1 })).unwrap();
    let outputs = change.records.jobs.first().map(|(_, state)| state.outputs.clone());
    assert_eq!(commit(&*journal, change).await, CommitOutcome::Durable);
    let (waiting, command) = desk.submit();
    desk.run(&*journal, &id, command).await;
    let (running, command) = desk.submit();
    desk.run(&*journal, &id, command).await;
    desk.run(&*journal, &id, lease(running)).await;
    desk.run(&*journal, &id, upload(LeaseId { job: running, attempt: 1 }, 0)).await;
    store.close().await;

    let store = sqlite(&path).await;
    let loaded = store.reader().load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
    let jobs =
        store.reader().jobs(&JobFilter::default(), &Page { after: None, limit: 9 }).await.unwrap().rows;
    assert_eq!(jobs.iter().map(|job| job.intro.id).collect::<Vec<_>>(), [running, waiting, linked, done]);
    let closed = store.reader().job(done).await.unwrap().unwrap();
    assert_eq!((closed.state.outputs.len(), closed.intro.params.read().unwrap().len()), (1, 2));
    let elsewhere = store.reader().job(linked).await.unwrap().unwrap();
    assert_eq!(Some(elsewhere.state.outputs), outputs, "places and delivered units read back bit by bit");
    // And it goes on from there.
    desk.run(&*store.journal(), &id, complete(LeaseId { job: running, attempt: 1 })).await;
    store.close().await;
}

#[tokio::test]
async fn what_was_submitted_before_a_close_is_committed_and_later_changes_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let mut desk = Desk::new();
    let store = sqlite(&path).await;
    let journal = store.journal();
    let id = desk.open(&*journal, "acme").await;
    let mut decide = || {
        let (_, command) = desk.submit();
        desk.decide(&id, &command).unwrap()
    };
    // Receivers are dropped: that cancels nothing.
    (0..19).for_each(|_| drop(submit(&*journal, decide())));
    let last = decide();
    store.close().await;
    assert!(matches!(commit(&*journal, last).await, CommitOutcome::Aborted(AbortReason::Store(_))));
    assert!(!journal.health().can_commit);
    let store = sqlite(&path).await;
    let record = store.reader().workspace(&id).await.unwrap().unwrap();
    assert_eq!((record.version, record.queued), (21, 19));
}

#[tokio::test]
async fn files_of_others_and_of_newer_versions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |name: &str| {
        let path = folder.path().join(name);
        Store::open(StoreSettings::sqlite(path), no_fatal()).await.err().unwrap()
    };
    std::fs::write(
        folder.path().join("text.db"),
        "this is not a database, but a letter to a friend. ".repeat(40),
    )
    .unwrap();
    assert!(matches!(open("text.db").await, OpenError::NotADatabase { .. }));
    tamper(&folder.path().join("other.db"), &["CREATE TABLE songs (title TEXT)"]).await;
    assert!(matches!(open("other.db").await, OpenError::NotADatabase { .. }));
    sqlite(&folder.path().join("newer.db")).await.close().await;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_wings', 0)";
    tamper(&folder.path().join("newer.db"), &[newer]).await;
    let error = open("newer.db").await;
    assert!(
        matches!(&error, OpenError::NewerSchema { step, .. } if step == "m20990101_000001_wings"),
        "{error}"
    );
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(open("file/reeve.db").await, OpenError::CannotOpen { .. }));
}

#[tokio::test]
async fn damaged_rows_are_reported_by_table_column_and_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let mut desk = Desk::new();
    let store = sqlite(&path).await;
    let id = desk.open(&*store.journal(), "acme").await;
    let (job, command) = desk.submit();
    desk.run(&*store.journal(), &id, command).await;
    store.close().await;
    let lot = desk.slots[&id].as_ref().unwrap().lots[0].id;
    for (sql, table, column, row) in [
        ("UPDATE jobs SET status = 'asleep'", "jobs", "status", job.to_string()),
        ("UPDATE jobs SET quote = '{}'", "jobs", "quote", job.to_string()),
        ("UPDATE jobs SET attempt = -1", "jobs", "attempt", job.to_string()),
        ("UPDATE jobs SET hold = 'no'", "jobs", "hold", job.to_string()),
        ("UPDATE lots SET class = 'gold'", "lots", "class", lot.to_string()),
        ("UPDATE workspaces SET tallies = '{}'", "workspaces", "tallies", id.to_string()),
        ("UPDATE workspaces SET profile = '[]'", "workspaces", "profile", id.to_string()),
        ("UPDATE workspaces SET chain_hash = x'00'", "workspaces", "chain_hash", id.to_string()),
    ] {
        let copy = folder.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        std::fs::copy(&path, &copy).unwrap();
        tamper(&copy, &[sql]).await;
        let store = sqlite(&copy).await;
        let error = store.reader().load(&id).await.unwrap_err();
        let StoreError::Damaged { table: found_table, column: found_column, id: found_row, .. } = &error
        else {
            panic!("{sql}: {error}")
        };
        assert_eq!((*found_table, *found_column), (table, column), "{sql}: {error}");
        assert!(table == "lots" || *found_row == row, "{sql}: {error}");
        let report = store.verifier().run(|_| ()).await.unwrap();
        assert!(!report.is_ok() && !report.checks[0].ok, "{sql}");
        store.close().await;
    }
}

#[tokio::test]
async fn one_connection_writes_while_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reeve.db");
    let store = sqlite(&path).await;
    let mut desk = Desk::new();
    let id = desk.open(&*store.journal(), "acme").await;
    // A reader that stays in its snapshot holds nobody up.
    let other = crate::support::raw(&path).await;
    other.execute_unprepared("BEGIN").await.unwrap();
    other
        .query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "SELECT * FROM jobs"))
        .await
        .unwrap();
    for _ in 0..50 {
        desk.whole_job(&*store.journal(), &id).await;
    }
    assert_eq!(
        store.reader().load(&id).await.unwrap().unwrap().state,
        desk.slots[&id].clone().unwrap().rebuilt()
    );
    other.execute_unprepared("ROLLBACK").await.unwrap();
}
