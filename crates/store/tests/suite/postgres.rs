//! What only PostgreSQL can do to us: a lock held elsewhere, connections that vanish.

use crate::support::desk::{Desk, commit};
use crate::support::no_fatal;
use crate::support::postgres;
use reeve_journal::{ChangeSet, CommitOutcome, Journal};
use reeve_store::{OpenError, Store, StoreSettings};
use reeve_testkit::postgres::Cluster;

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_holds_the_lock() {
    let Some(server) = postgres::start() else { return };
    let url = server.new_database();
    let store = Store::open(StoreSettings::postgres(&url), no_fatal()).await.unwrap();
    let error = Store::open(StoreSettings::postgres(&url), no_fatal()).await.err().unwrap();
    assert!(
        matches!(&error, OpenError::Locked { by, .. } if by.contains("reeve writer") && by.contains("127.0.0.1")),
        "{error}"
    );
    store.close().await;
    Store::open(StoreSettings::postgres(&url), no_fatal()).await.unwrap().close().await;
}

#[tokio::test]
async fn an_unreachable_server_is_a_clear_error_without_the_password() {
    let url = "postgres://someone:secret@127.0.0.1:1/none";
    let error = Store::open(StoreSettings::postgres(url), no_fatal()).await.err().unwrap();
    assert!(matches!(error, OpenError::CannotOpen { .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_loses_its_connection_commits_every_change_once() {
    let Some(server) = postgres::start() else { return };
    let store = postgres::store(&server).await;
    let (journal, reader, mut desk) = (store.journal(), store.reader(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    let kill =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'reeve writer%'";
    for round in 0..20 {
        let changes: Vec<_> = (0..10)
            .map(|_| {
                let (_, command) = desk.submit();
                desk.decide(&id, &command).unwrap()
            })
            .collect();
        let outcomes = changes.into_iter().map(|change| {
            let room = journal.reserve(reeve_journal::Urgency::Finish).unwrap();
            journal.submit(change, room)
        });
        let outcomes: Vec<_> = outcomes.collect();
        // Sometimes before, sometimes within, sometimes after the transaction.
        server.sql("postgres", kill);
        for outcome in outcomes {
            assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable, "round {round}");
        }
    }
    let (_, command) = desk.submit();
    let last = desk.decide(&id, &command).unwrap();
    assert_eq!(commit(&*journal, last).await, CommitOutcome::Durable);
    let loaded = reader.load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
    assert!(store.verifier().run(|_| ()).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_writer_whose_lane_was_taken_over_is_fenced() {
    let Some(server) = postgres::start() else { return };
    let url = server.new_database();
    let (said, heard) = std::sync::mpsc::channel();
    let hook = std::sync::Arc::new(move |why: reeve_store::Fatal| drop(said.send(why.to_string())));
    let store = Store::open(StoreSettings::postgres(&url), hook).await.unwrap();
    let (journal, mut desk) = (store.journal(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    server.sql("t0", "UPDATE lanes SET epoch = epoch + 1");
    let (_, command) = desk.submit();
    let change = desk.decide(&id, &command).unwrap();
    let outcome = commit(&*journal, change).await;
    assert!(matches!(outcome, CommitOutcome::Aborted(_)), "{outcome:?}");
    assert!(heard.try_recv().unwrap().contains("another process"));
    assert!(!journal.health().can_commit);
    assert_eq!(store.reader().workspace(&id).await.unwrap().unwrap().version, 2);
}

/// From now on a COMMIT is on disk and is not answered: the server waits for a copy that nobody makes.
fn hold_answers(server: &Cluster) {
    server.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    server.sql("postgres", "SELECT pg_reload_conf()");
    while server.sql("postgres", "SHOW synchronous_standby_names") != "nobody" {}
}

fn release_answers(server: &Cluster) {
    server.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    server.sql("postgres", "SELECT pg_reload_conf()");
}

fn wait_for_a_held_answer(server: &Cluster) {
    let held = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name LIKE 'reeve%'";
    while server.sql("postgres", held) != "1" {}
}

fn send(journal: &dyn Journal, change: ChangeSet) -> tokio::sync::oneshot::Receiver<CommitOutcome> {
    let room = journal.reserve(reeve_journal::Urgency::Finish).unwrap();
    journal.submit(change, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_durable_and_not_done_again() {
    let Some(server) = postgres::start() else { return };
    let store = postgres::store(&server).await;
    let (journal, mut desk) = (store.journal(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    let (_, command) = desk.submit();
    let change = desk.decide(&id, &command).unwrap();
    hold_answers(&server);
    let outcome = send(&*journal, change);
    wait_for_a_held_answer(&server);
    let writer =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'reeve writer%'";
    server.sql("postgres", writer);
    assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
    release_answers(&server);
    let loaded = store.reader().load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_stays_unknown_does_not_pass_for_that_of_a_later_commit() {
    let Some(server) = postgres::start() else { return };
    let store = postgres::store(&server).await;
    let (journal, mut desk) = (store.journal(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    let (first, command) = desk.submit();
    let change = desk.decide(&id, &command).unwrap();
    hold_answers(&server);
    let outcome = send(&*journal, change);
    wait_for_a_held_answer(&server);
    server.crash();
    assert_eq!(outcome.await.unwrap(), CommitOutcome::Unknown);
    assert!(!journal.health().can_commit);
    server.launch();
    release_answers(&server);
    while !journal.health().can_commit {
        tokio::task::yield_now().await;
    }
    assert!(store.reader().job(first).await.unwrap().is_some(), "it was on disk");

    // The next COMMIT ends its own session before anything is written.
    server.sql("t0", "CREATE SEQUENCE once");
    server.sql(
        "t0",
        "CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('once') = 1 THEN \
         PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$",
    );
    server.sql(
        "t0",
        "CREATE CONSTRAINT TRIGGER leave AFTER UPDATE ON lanes DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION leave()",
    );
    let (second, command) = desk.submit();
    let change = desk.decide(&id, &command).unwrap();
    assert_eq!(send(&*journal, change).await.unwrap(), CommitOutcome::Durable);
    assert!(store.reader().job(second).await.unwrap().is_some(), "durable means written");
    assert!(
        server.sql("t0", "SELECT last_value FROM once").parse::<u32>().unwrap() >= 2,
        "it was tried twice"
    );
    assert!(store.verifier().run(|_| ()).await.unwrap().is_ok());
}
