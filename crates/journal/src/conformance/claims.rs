//! L6: a claim is had by one workspace at a time, from its commit until its owner gives it up.

use reeve_types::{PurchaseId, WorkspaceId};
use reeve_workspace::{Answer, Claim, Records};

use super::desk::{Desk, T0, all, buy, create, ws};
use crate::{AbortReason, CommitOutcome};

pub(super) async fn a_claim_is_taken_once_in_the_whole_store(mut desk: Desk) {
    let (first, second) = (ws("first"), ws("second"));
    desk.run(&first, create(Some("ben"))).await.reply.unwrap();
    let (version, mut executed) = desk.decide(&second, &create(Some("ben")), &[]);
    let records = executed.records.take().unwrap();
    let outcome = desk.commit(&second, version, records).await;
    let CommitOutcome::ClaimTaken(taken) = outcome else { panic!("{outcome:?}") };
    assert!(taken.iter().all(|(claim, by)| executed.claims.contains(claim) && *by == first));
    assert!(desk.subject.reader.load(&second).await.unwrap().is_none(), "nothing was written");
    let mut known = taken;
    loop {
        desk.slots.insert(second.clone(), None);
        let (version, mut executed) = desk.decide(&second, &create(Some("ben")), &known);
        match desk.commit(&second, version, executed.records.take().unwrap()).await {
            CommitOutcome::Durable => break,
            CommitOutcome::ClaimTaken(more) => known.extend(more),
            other => panic!("{other:?}"),
        }
    }
    desk.assert_same(&second).await;
    let row = desk.subject.reader.workspace(&second).await.unwrap().unwrap();
    assert_eq!(row.available.to_string(), "0", "signup and daily credits went to the first workspace");
    desk.run(&first, buy(1, "pay-1", false)).await.reply.unwrap();
    let (version, mut executed) = desk.decide(&second, &buy(2, "pay-1", false), &[]);
    let outcome = desk.commit(&second, version, executed.records.take().unwrap()).await;
    assert!(matches!(outcome, CommitOutcome::ClaimTaken(_)), "{outcome:?}");
    let (by, row) = desk.subject.reader.purchase_by_payment("pay-1").await.unwrap().unwrap();
    assert_eq!((by, row.id), (first.clone(), PurchaseId::from_parts(T0, 1)));
    assert_eq!(desk.subject.reader.purchases(&first, &all()).await.unwrap().len(), 1);
}

/// The records of one more job, with claims taken and given up as told; memory stays as it was.
fn records(desk: &mut Desk, id: &WorkspaceId, claims: &[&Claim], unclaims: &[&Claim]) -> (u64, Box<Records>) {
    let before = desk.slots[id].clone();
    let (_, command) = desk.submit();
    let (version, mut executed) = desk.decide(id, &command, &[]);
    desk.slots.insert(id.clone(), before);
    let mut records = executed.records.take().unwrap();
    records.claims = claims.iter().copied().cloned().collect();
    records.unclaims = unclaims.iter().copied().cloned().collect();
    (version, records)
}

/// Commits such records; memory follows when they are durable.
async fn claim(desk: &mut Desk, id: &WorkspaceId, claims: &[&Claim], unclaims: &[&Claim]) -> CommitOutcome {
    let (version, records) = records(desk, id, claims, unclaims);
    let outcome = desk.commit(id, version, records).await;
    if outcome == CommitOutcome::Durable {
        let loaded = desk.subject.reader.load(id).await.unwrap().unwrap();
        desk.slots.insert(id.clone(), Some(loaded.state));
    }
    outcome
}

fn taken(claim: &Claim, by: &WorkspaceId) -> CommitOutcome {
    CommitOutcome::ClaimTaken(vec![(claim.clone(), by.clone())])
}

pub(super) async fn a_claim_given_up_can_be_taken_by_another(mut desk: Desk) {
    let (first, second) = (desk.open("first").await, desk.open("second").await);
    let (daily, other) = (Claim::daily("kira", "daily", "it's \"me\""), Claim::payment("other"));
    assert_eq!(claim(&mut desk, &first, &[&daily, &other], &[]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &second, &[&daily], &[]).await, taken(&daily, &first));
    assert_eq!(claim(&mut desk, &first, &[], &[&daily]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &second, &[&daily], &[]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &first, &[&daily], &[]).await, taken(&daily, &second));
    assert_eq!(claim(&mut desk, &second, &[&other], &[]).await, taken(&other, &first));
    // In one step it is given up first: whoever does both keeps it.
    assert_eq!(claim(&mut desk, &second, &[&daily], &[&daily]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &first, &[&daily], &[]).await, taken(&daily, &second));
}

pub(super) async fn giving_up_a_claim_of_another_changes_nothing(mut desk: Desk) {
    let (first, second) = (desk.open("first").await, desk.open("second").await);
    let daily = Claim::daily("kira", "daily", "ben");
    let reader = desk.subject.reader.clone();
    assert_eq!(reader.claimed(&daily).await.unwrap(), None);
    assert_eq!(claim(&mut desk, &first, &[&daily], &[]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &second, &[], &[&daily]).await, CommitOutcome::Durable);
    assert_eq!(reader.claimed(&daily).await.unwrap(), Some(first.clone()));
    assert_eq!(claim(&mut desk, &second, &[&daily], &[&daily]).await, taken(&daily, &first));
    assert_eq!(claim(&mut desk, &second, &[&daily], &[]).await, taken(&daily, &first));
}

pub(super) async fn a_change_set_that_aborts_gives_nothing_up(mut desk: Desk) {
    let (first, second) = (desk.open("first").await, desk.open("second").await);
    let (daily, lost) = (Claim::daily("kira", "daily", "ben"), Claim::payment("lost"));
    assert_eq!(claim(&mut desk, &first, &[&daily], &[]).await, CommitOutcome::Durable);
    assert_eq!(claim(&mut desk, &second, &[&lost], &[]).await, CommitOutcome::Durable);
    let (version, outdated) = records(&mut desk, &first, &[], &[&daily]);
    let outcome = desk.commit(&first, version + 1, outdated).await;
    assert_eq!(outcome, CommitOutcome::Aborted(AbortReason::Version));
    // Its own claim, given up in the same step, is not in its way; the other one is.
    assert_eq!(claim(&mut desk, &first, &[&daily, &lost], &[&daily]).await, taken(&lost, &second));
    let answer = Answer { key: "k:1".into(), fingerprint: [3; 16], body: "x".into(), at: T0 };
    for outcome in [CommitOutcome::Durable, CommitOutcome::Aborted(AbortReason::KeyTaken)] {
        let unclaims: &[&Claim] = if outcome == CommitOutcome::Durable { &[] } else { &[&daily] };
        let (version, mut records) = records(&mut desk, &first, &[], unclaims);
        records.answer = Some(answer.clone());
        assert_eq!(desk.commit(&first, version, records).await, outcome);
        let loaded = desk.subject.reader.load(&first).await.unwrap().unwrap();
        desk.slots.insert(first.clone(), Some(loaded.state));
    }
    assert_eq!(claim(&mut desk, &second, &[&daily], &[]).await, taken(&daily, &first));
}

pub(super) async fn claims_in_flight_change_hands_in_the_order_submitted(mut desk: Desk) {
    let daily = Claim::daily("kira", "daily", "ben");
    let ids = [desk.open("first").await, desk.open("second").await, desk.open("third").await];
    assert_eq!(claim(&mut desk, &ids[0], &[&daily], &[]).await, CommitOutcome::Durable);
    let steps: [(&WorkspaceId, &[&Claim], &[&Claim]); 3] =
        [(&ids[0], &[], &[&daily]), (&ids[1], &[&daily], &[]), (&ids[2], &[&daily], &[])];
    let mut sent = Vec::new();
    for (id, claims, unclaims) in steps {
        let (expected, records) = records(&mut desk, id, claims, unclaims);
        let room = desk.subject.journal.reserve(crate::Urgency::Finish).unwrap();
        let change = crate::ChangeSet { workspace: id.clone(), expected, records };
        sent.push(desk.subject.journal.submit(change, room));
    }
    let expected = [CommitOutcome::Durable, CommitOutcome::Durable, taken(&daily, &ids[1])];
    for (outcome, expected) in sent.into_iter().zip(expected) {
        assert_eq!(outcome.await.unwrap(), expected);
    }
}
