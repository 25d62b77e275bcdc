//! Batches in which some change sets must fail: the others do not notice.

use reeve_journal::{AbortReason, ChangeSet, CommitOutcome, Journal, Urgency};
use reeve_store::Store;
use reeve_types::LeaseId;
use reeve_workspace::{Answer, Claim};

use crate::support::desk::{Desk, T0, buy, commit, complete, create, lease, upload, ws};
use crate::support::{sqlite, sqlite_ahead};

fn answer(key: &str, body: &str) -> Answer {
    Answer { key: key.into(), fingerprint: [1; 16], body: body.into(), at: T0 }
}

fn submit(journal: &dyn Journal, change: ChangeSet) -> tokio::sync::oneshot::Receiver<CommitOutcome> {
    journal.submit(change, journal.reserve(Urgency::Finish).unwrap())
}

/// Forty workspaces in flight at once: some outdated, some with a taken claim, key or bad data.
async fn a_batch_of_mixed_fortune(store: &Store) {
    let mut desk = Desk::new();
    let (journal, reader) = (store.journal(), store.reader());
    let owner = desk.open(&*journal, "owner").await;
    desk.run(&*journal, &owner, buy(1, "pay-1")).await;
    for n in 0..40 {
        let id = desk.open(&*journal, &format!("w{n}")).await;
        let (_, command) = desk.submit();
        let mut change = desk.decide(&id, &command).unwrap();
        change.records.answer = Some(answer("key-1", "first"));
        assert_eq!(commit(&*journal, change).await, CommitOutcome::Durable);
    }
    let mut sent = Vec::new();
    for n in 0..40 {
        let id = ws(&format!("w{n}"));
        let (before, (_, command)) = (desk.slots[&id].clone(), desk.submit());
        let command = if n % 5 == 1 { buy(100 + n, "pay-1") } else { command };
        let mut first = desk.decide(&id, &command).unwrap();
        let (_, command) = desk.submit();
        let second = desk.decide(&id, &command).unwrap();
        match n % 5 {
            0 => first.expected += 1_000,
            2 => first.records.answer = Some(answer("key-1", "second")),
            3 => first.records.answer = Some(answer("key-2", "bad\0text")),
            _ => {}
        }
        if n % 5 != 4 {
            desk.slots.insert(id.clone(), before);
        }
        sent.push((n, submit(&*journal, first), submit(&*journal, second)));
    }
    for (n, first, second) in sent {
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        let version = CommitOutcome::Aborted(AbortReason::Version);
        match n % 5 {
            0 => assert_eq!(first, version),
            1 => assert_eq!(first, CommitOutcome::ClaimTaken(vec![(Claim::payment("pay-1"), owner.clone())])),
            2 => assert_eq!(first, CommitOutcome::Aborted(AbortReason::KeyTaken)),
            3 => assert!(matches!(first, CommitOutcome::Aborted(AbortReason::Data(_))), "{first:?}"),
            _ => assert_eq!(first, CommitOutcome::Durable),
        }
        assert_eq!(second, if n % 5 == 4 { CommitOutcome::Durable } else { version }, "workspace {n}");
    }
    for (id, slot) in &desk.slots {
        let loaded = reader.load(id).await.unwrap().unwrap();
        assert_eq!(loaded.state, slot.clone().unwrap().rebuilt(), "{id}");
    }
    let report = store.verifier().run(|_| ()).await.unwrap();
    assert!(report.is_ok(), "{report:#?}");
}

#[tokio::test]
async fn losers_of_a_batch_abort_alone_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_batch_of_mixed_fortune(&sqlite(&folder.path().join("reeve.db")).await).await;
}

#[tokio::test]
async fn losers_of_a_batch_abort_alone_where_the_others_are_written_ahead() {
    let folder = tempfile::tempdir().unwrap();
    a_batch_of_mixed_fortune(&sqlite_ahead(&folder.path().join("reeve.db"), 1).await).await;
}

#[tokio::test]
async fn losers_of_a_batch_abort_alone_on_postgres() {
    let Some(server) = crate::support::postgres::start() else { return };
    a_batch_of_mixed_fortune(&crate::support::postgres::store(&server).await).await;
}

#[tokio::test]
async fn one_claim_of_many_at_once_is_taken_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("reeve.db")).await;
    let (journal, mut desk) = (store.journal(), Desk::new());
    let sent: Vec<_> = (0..50)
        .map(|n| submit(&*journal, desk.decide(&ws(&format!("w{n}")), &create(Some("ben"))).unwrap()))
        .collect();
    let mut durable = 0;
    for outcome in sent {
        match outcome.await.unwrap() {
            CommitOutcome::Durable => durable += 1,
            CommitOutcome::ClaimTaken(by) => assert!(by.iter().all(|(_, by)| *by == ws("w0")), "{by:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(durable, 1);
}

#[tokio::test]
async fn j2_a_final_job_is_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(&folder.path().join("reeve.db")).await;
    let (journal, mut desk) = (store.journal(), Desk::new());
    let id = desk.open(&*journal, "acme").await;
    let (job, command) = desk.submit();
    desk.run(&*journal, &id, command).await;
    let leased = desk.decide(&id, &lease(job)).unwrap();
    let late = leased.records.jobs.clone();
    assert_eq!(commit(&*journal, leased).await, CommitOutcome::Durable);
    desk.run(&*journal, &id, upload(LeaseId { job, attempt: 1 }, 0)).await;
    desk.run(&*journal, &id, complete(LeaseId { job, attempt: 1 })).await;
    let (_, command) = desk.submit();
    let mut change = desk.decide(&id, &command).unwrap();
    change.records.jobs.extend(late);
    let outcome = commit(&*journal, change).await;
    assert!(matches!(outcome, CommitOutcome::Aborted(AbortReason::Data(_))), "{outcome:?}");
}
