use super::*;
use crate::journal::handle::Shared;
use crate::journal::inbox::{Door, inbox};
use reeve_journal::{ChangeSet, CommitOutcome, Room};
use reeve_types::{Credits, Millis};
use reeve_workspace::{Chain, Hash, Records, WorkspaceRow};

fn change(workspace: &str, expected: u64, claim: Option<&str>) -> ChangeSet {
    let workspace_row = WorkspaceRow {
        profile: None,
        tallies: None,
        chain: Chain { seq: 0, hash: Hash([0; 32]) },
        admitted: 0,
        lots_made: 0,
        running: 0,
        queued: 0,
        available: Credits::ZERO,
        held: Credits::ZERO,
        debt: Credits::ZERO,
        last_event_at: Millis::from_millis(0),
        next_due_at: None,
        outward_at: None,
    };
    let records = Records {
        workspace: workspace_row,
        lots: vec![],
        admitted: vec![],
        jobs: vec![],
        uploads: vec![],
        purchases: vec![],
        members: vec![],
        ledger: vec![],
        outbox: vec![],
        claims: claim.map(Claim::payment).into_iter().collect(),
        unclaims: vec![],
        answer: None,
    };
    ChangeSet { workspace: WorkspaceId::new(workspace).unwrap(), expected, records: Box::new(records) }
}

struct Fixture {
    items: Door<Item>,
    queue: Queue,
}

impl Fixture {
    fn new() -> Self {
        let (items, receiver) = inbox();
        Self { items, queue: Queue::new(receiver) }
    }

    fn put(&self, workspace: &str, expected: u64, claim: Option<&str>) -> oneshot::Receiver<CommitOutcome> {
        let (reply, outcome) = oneshot::channel();
        let change = change(workspace, expected, claim);
        let entry = Entry::new(change, (reply, Room::unbounded()), false);
        self.items.send(Item::Change(entry)).ok();
        outcome
    }

    fn flush(&self) {
        self.items.send(Item::Flush(oneshot::channel().0)).ok();
    }

    /// The next batch as `workspace@expected`, and how many flushes it answers.
    async fn next(&mut self) -> (Vec<String>, usize) {
        let Next::Batch(batch) = self.queue.next().await else { return (vec!["none".to_owned()], 0) };
        let name = |entry: &Entry| format!("{}@{}", entry.workspace(), entry.work.expected);
        (batch.entries.iter().map(name).collect(), batch.flushes.len())
    }
}

#[tokio::test]
async fn versions_that_follow_each_other_go_together() {
    let mut fixture = Fixture::new();
    for (workspace, expected) in [("a", 1), ("b", 7), ("a", 2), ("a", 3)] {
        fixture.put(workspace, expected, None);
    }
    assert_eq!(fixture.next().await.0, ["a@1", "b@7", "a@2", "a@3"]);
}

#[tokio::test]
async fn a_gap_waits_for_the_next_batch_and_keeps_what_follows_behind_it() {
    let mut fixture = Fixture::new();
    for (workspace, expected) in [("a", 1), ("a", 3), ("a", 4), ("b", 1), ("a", 2)] {
        fixture.put(workspace, expected, None);
    }
    assert_eq!(fixture.next().await.0, ["a@1", "b@1"]);
    assert_eq!(fixture.next().await.0, ["a@3", "a@4"]);
    assert_eq!(fixture.next().await.0, ["a@2"]);
}

#[tokio::test]
async fn two_uses_of_one_claim_never_meet_in_a_batch() {
    let mut fixture = Fixture::new();
    fixture.put("a", 1, Some("pay-1"));
    fixture.put("b", 1, Some("pay-1"));
    fixture.put("b", 2, None);
    fixture.put("c", 1, Some("pay-2"));
    assert_eq!(fixture.next().await.0, ["a@1", "c@1"]);
    assert_eq!(fixture.next().await.0, ["b@1", "b@2"]);
}

#[tokio::test]
async fn a_flush_is_answered_with_the_last_batch_before_it() {
    let mut fixture = Fixture::new();
    fixture.put("a", 1, None);
    fixture.flush();
    fixture.put("a", 9, None);
    fixture.flush();
    fixture.put("b", 1, None);
    assert_eq!(fixture.next().await, (vec!["a@1".to_owned()], 1));
    assert_eq!(fixture.next().await, (vec!["a@9".to_owned(), "b@1".to_owned()], 1));
}

#[tokio::test]
async fn a_batch_is_bounded_and_the_rest_follows() {
    let mut fixture = Fixture::new();
    for n in 0..BATCH_COUNT_MAX + 5 {
        fixture.put(&format!("w{n}"), 1, None);
    }
    assert_eq!(fixture.next().await.0.len(), BATCH_COUNT_MAX);
    assert_eq!(fixture.next().await.0.len(), 5);
}

#[tokio::test]
async fn giving_a_claim_up_and_using_it_never_meet_in_a_batch() {
    let mut fixture = Fixture::new();
    let mut gives_up = change("a", 1, None);
    gives_up.records.unclaims = vec![Claim::payment("pay-1")];
    let entry = Entry::new(gives_up, (oneshot::channel().0, Room::unbounded()), false);
    fixture.items.send(Item::Change(entry)).ok();
    fixture.put("b", 1, Some("pay-1"));
    fixture.put("c", 1, None);
    assert_eq!(fixture.next().await.0, ["a@1", "c@1"]);
    assert_eq!(fixture.next().await.0, ["b@1"]);
}

#[test]
fn the_age_of_the_journal_is_that_of_the_oldest_change_under_way() {
    let shared = Shared::new(None);
    let entry = |entered_ms| {
        let entry = Entry::new(change("a", 0, None), (oneshot::channel().0, Room::unbounded()), false);
        Entry { entered_ms, ..entry }
    };
    let mut now_ms = task::monotonic_ms();
    while now_ms < 5 {
        now_ms = task::monotonic_ms();
    }
    shared.set_under_way(&[entry(now_ms), entry(1), entry(2)]);
    assert!(shared.oldest_age_ms() >= now_ms - 1, "the oldest counts, wherever it stands");
    shared.set_under_way(&[]);
    assert_eq!(shared.oldest_age_ms(), 0, "nothing is under way");
}
