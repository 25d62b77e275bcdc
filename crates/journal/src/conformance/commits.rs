//! Outcomes: versions, order in flight, idempotency keys.

use reeve_workspace::Answer;

use super::desk::{Desk, T0, all, create, ws};
use crate::{AbortReason, ChangeSet, CommitOutcome, JobFilter, Urgency};

pub(super) async fn an_outdated_version_is_aborted_and_writes_nothing(mut desk: Desk) {
    let id = desk.open("acme").await;
    let (_, command) = desk.submit();
    let (_, mut first) = desk.decide(&id, &command, &[]);
    let stale = first.records.take().unwrap();
    assert_eq!(desk.commit(&id, 0, stale.clone()).await, CommitOutcome::Aborted(AbortReason::Version));
    assert_eq!(desk.commit(&id, 7, stale.clone()).await, CommitOutcome::Aborted(AbortReason::Version));
    assert_eq!(desk.subject.reader.jobs(&JobFilter::default(), &all()).await.unwrap().rows.len(), 0);
    assert_eq!(desk.commit(&id, 1, stale).await, CommitOutcome::Durable);
    desk.assert_same(&id).await;
}

pub(super) async fn change_sets_of_one_workspace_in_flight_stay_in_order(mut desk: Desk) {
    let id = desk.open("acme").await;
    let mut outcomes = Vec::new();
    for _ in 0..9 {
        let (_, command) = desk.submit();
        let (expected, mut executed) = desk.decide(&id, &command, &[]);
        let room = desk.subject.journal.reserve(Urgency::Submit).unwrap();
        let records = executed.records.take().unwrap();
        outcomes
            .push(desk.subject.journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room));
    }
    for outcome in outcomes {
        assert_eq!(outcome.await.unwrap(), CommitOutcome::Durable);
    }
    desk.assert_same(&id).await;
    let row = desk.subject.reader.workspace(&id).await.unwrap().unwrap();
    assert_eq!(
        (row.queued, row.available.to_string(), row.held.to_string()),
        (9, "0".to_owned(), "45".to_owned())
    );
}

pub(super) async fn many_workspaces_in_flight_do_not_disturb_each_other(mut desk: Desk) {
    let mut outcomes = Vec::new();
    for n in 0..40 {
        let id = ws(&format!("w{n}"));
        for command in [create(None), desk.submit().1, desk.submit().1] {
            let (expected, mut executed) = desk.decide(&id, &command, &[]);
            // Every fourth workspace comes with a version that is not stored: it alone is aborted.
            let expected = if n % 4 == 0 { expected + 5 } else { expected };
            let room = desk.subject.journal.reserve(Urgency::Submit).unwrap();
            let records = executed.records.take().unwrap();
            outcomes.push((
                n,
                desk.subject.journal.submit(ChangeSet { workspace: id.clone(), expected, records }, room),
            ));
        }
    }
    for (n, outcome) in outcomes {
        let expected =
            if n % 4 == 0 { CommitOutcome::Aborted(AbortReason::Version) } else { CommitOutcome::Durable };
        assert_eq!(outcome.await.unwrap(), expected, "workspace {n}");
    }
    for n in (0..40).filter(|n| n % 4 != 0) {
        desk.assert_same(&ws(&format!("w{n}"))).await;
    }
    assert_eq!(desk.subject.reader.workspaces(&all()).await.unwrap().len(), 30);
}

pub(super) async fn an_idempotency_key_is_recorded_once(mut desk: Desk) {
    let id = desk.open("acme").await;
    let answer = |body: &str| Answer { key: "k:1".into(), fingerprint: [3; 16], body: body.into(), at: T0 };
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(&id, &command, &[]);
    let mut records = executed.records.take().unwrap();
    records.answer = Some(answer("first"));
    assert_eq!(desk.commit(&id, version, records).await, CommitOutcome::Durable);
    let stored = desk.subject.reader.answer(&id, "k:1").await.unwrap().unwrap();
    assert_eq!((&*stored.body, stored.fingerprint), ("first", [3; 16]));
    assert!(desk.subject.reader.answer(&id, "k:2").await.unwrap().is_none());
    let before = desk.slots[&id].clone();
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(&id, &command, &[]);
    let mut records = executed.records.take().unwrap();
    records.answer = Some(answer("second"));
    assert_eq!(desk.commit(&id, version, records).await, CommitOutcome::Aborted(AbortReason::KeyTaken));
    desk.slots.insert(id.clone(), before);
    desk.assert_same(&id).await;
    let loaded = desk.subject.reader.load(&id).await.unwrap().unwrap();
    assert!(loaded.keys_complete && loaded.key_hashes == [crate::key_hash("k:1")]);
}
