//! What only PostgreSQL can do to us: a lock held elsewhere, connections that vanish.

use crate::support::desk::{Desk, commit};
use crate::support::no_fatal;
use crate::support::postgres::Server;
use reeve_journal::CommitOutcome;
use reeve_store::{OpenError, Store, StoreSettings};

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_holds_the_lock() {
    let Some(server) = Server::start() else { return };
    let url = server.new_database();
    let store = Store::open(StoreSettings::postgres(&url), no_fatal()).await.unwrap();
    let error = Store::open(StoreSettings::postgres(&url), no_fatal()).await.err().unwrap();
    assert!(matches!(&error, OpenError::Locked { by, .. } if by.contains("127.0.0.1")), "{error}");
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
    let Some(server) = Server::start() else { return };
    let store = server.store().await;
    let (journal, reader, mut desk) = (store.journal(), store.reader(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    let kill =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reeve writer'";
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
    let Some(server) = Server::start() else { return };
    let url = server.new_database();
    let (said, heard) = std::sync::mpsc::channel();
    let hook = std::sync::Arc::new(move |why: String| drop(said.send(why)));
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
