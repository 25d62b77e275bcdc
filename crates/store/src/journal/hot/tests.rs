//! What goes this way, and what is left to the general one.

#[path = "../../../tests/suite/support/desk.rs"]
#[expect(dead_code, reason = "shared with the tests of the whole store, which use more of it")]
mod desk;

use desk::{Desk, T0, complete_elsewhere, give, lease};
use reeve_journal::{ChangeSet, Room};
use reeve_types::LeaseId;
use reeve_workspace::Answer;
use tokio::sync::oneshot;

use super::*;
use crate::{Store, StoreSettings};

/// A workspace in a file that no journal has open, and the writer under test.
async fn opened(folder: &Path) -> (Desk, WorkspaceId, Hot) {
    let (path, mut desk) = (folder.join("hot.db"), Desk::new());
    let store = Store::open(StoreSettings::sqlite(&path), Arc::new(|_| {})).await.unwrap();
    let id = desk.open(&*store.journal(), "acme").await;
    store.close().await;
    (desk, id, Hot::open(&path).await.unwrap())
}

async fn run(hot: &mut Hot, seq: u64, change: Option<ChangeSet>) -> Went {
    let entry = Entry::new(change.unwrap(), oneshot::channel().0, Room::unbounded());
    hot.run(&[entry], Lane { epoch: 1, seq }, &Counters::default()).await
}

async fn count(hot: &mut Hot, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut hot.conn).await.unwrap()
}

#[test]
fn each_statement_has_a_parameter_for_its_rows() {
    let (plan, due) = (Plan::default(), Rows::default());
    let texts: Vec<String> = text().split(";\n").map(str::to_owned).collect();
    let counts: Vec<usize> = texts.iter().map(|text| text.matches('?').count()).collect();
    assert_eq!(counts.iter().take(2).copied().collect::<Vec<_>>(), [0, 2]);
    assert!(counts.iter().skip(2).all(|count| *count == 1), "{counts:?}");
    assert_eq!(counts.len() - 2, order(&plan, &due).len());
}

#[tokio::test]
async fn admissions_leases_and_closes_go_this_way() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let mut admit = desk.decide(&id, &command);
    admit.as_mut().unwrap().records.answer =
        Some(Answer { key: "key".into(), fingerprint: [1; 16], body: "{}".into(), at: T0 });
    let leased = desk.decide(&id, &lease(job));
    let closed = desk.decide(&id, &complete_elsewhere(LeaseId { job, attempt: 1 }));
    for (seq, change) in [admit, leased, closed].into_iter().enumerate() {
        assert!(matches!(run(&mut hot, seq as u64, change).await, Went::Committed), "{seq}");
    }
    assert_eq!(count(&mut hot, "SELECT count(*) FROM jobs WHERE live = 0").await, 1);
    assert_eq!(count(&mut hot, "SELECT seq FROM lanes").await, 3);
}

#[tokio::test]
async fn what_does_not_fit_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let numbered = count(&mut hot, "SELECT seq FROM lanes").await;
    let admit = |desk: &mut Desk| {
        let (_, command) = desk.submit();
        desk.decide(&id, &command).unwrap()
    };
    let mut outdated = admit(&mut desk);
    outdated.expected += 7;
    assert!(
        matches!(run(&mut hot, 0, Some(outdated)).await, Went::Elsewhere),
        "a version that is not stored"
    );
    let mut grant = desk.decide(&id, &give(5)).unwrap();
    grant.records.claims.push(reeve_workspace::Claim { scope: "test".into(), key: "1".into() });
    assert!(matches!(run(&mut hot, 0, Some(grant)).await, Went::Elsewhere), "a claim");
    let of_another_owner = {
        let entry = Entry::new(admit(&mut desk), oneshot::channel().0, Room::unbounded());
        hot.run(&[entry], Lane { epoch: 7, seq: 0 }, &Counters::default()).await
    };
    assert!(matches!(of_another_owner, Went::Elsewhere), "a lane of another owner");
    assert_eq!(count(&mut hot, "SELECT count(*) FROM jobs").await, 0);
    assert_eq!(count(&mut hot, "SELECT seq FROM lanes").await, numbered);
    assert!(!is_open(&mut hot).await, "no transaction is left open");
}

/// Whether a transaction is under way: a second BEGIN is then refused.
async fn is_open(hot: &mut Hot) -> bool {
    let begun = hot.conn.execute(sqlx::query("BEGIN")).await;
    hot.roll_back().await;
    begun.is_err()
}
