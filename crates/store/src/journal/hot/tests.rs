//! What goes this way, and what is left to the general one.

use crate::journal::desk::{Desk, T0, complete_elsewhere, give, lease};
use reeve_journal::{ChangeSet, Room};
use reeve_types::LeaseId;
use reeve_workspace::Answer;
use tokio::sync::oneshot;

use sea_orm::sqlx::Executor as _;

use super::*;
use crate::journal::ahead::Scope;
use crate::{OpenError, Store, StoreSettings};

/// A workspace in a file that no journal has open, and the writer under test.
async fn opened(folder: &Path) -> (Desk, WorkspaceId, Hot) {
    let (path, mut desk) = (folder.join("hot.db"), Desk::new());
    let store = Store::open(StoreSettings::sqlite(&path), Arc::new(|_| {})).await.unwrap();
    let id = desk.open(&*store.journal(), "acme").await;
    store.close().await;
    (desk, id, Hot::open(&path, 0).await.unwrap())
}

fn entry(change: Option<ChangeSet>) -> Entry {
    Entry::new(change.unwrap(), (oneshot::channel().0, Room::unbounded()), true)
}

async fn run(hot: &mut Hot, seq: u64, change: Option<ChangeSet>) -> Went {
    let (lane, written) = (Lane { epoch: 1, seq }, &Counters::default());
    hot.run(&[entry(change)], Call { lane, written }).await
}

/// The batch of one change set, written ahead.
async fn run_ahead(hot: &mut Hot, seq: u64, change: Option<ChangeSet>) -> Went {
    hot.ahead_min = 1;
    let went = run(hot, seq, change).await;
    hot.ahead_min = 0;
    went
}

async fn count(hot: &mut Hot, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut hot.conn).await.unwrap()
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
        let (lane, written) = (Lane { epoch: 7, seq: 0 }, &Counters::default());
        hot.run(&[entry(Some(admit(&mut desk)))], Call { lane, written }).await
    };
    assert!(matches!(of_another_owner, Went::Elsewhere), "a lane of another owner");
    assert_eq!(count(&mut hot, "SELECT count(*) FROM jobs").await, 0);
    assert_eq!(count(&mut hot, "SELECT seq FROM lanes").await, numbered);
    assert!(!is_open(&mut hot).await, "no transaction is left open");
}

async fn rows_ahead(hot: &mut Hot) -> i64 {
    count(hot, "SELECT count(*) FROM ahead").await
}

#[tokio::test]
async fn what_is_ahead_of_a_workspace_comes_in_with_its_next_change() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let (admit, leased) = (desk.decide(&id, &command), desk.decide(&id, &lease(job)));
    let closed = desk.decide(&id, &complete_elsewhere(LeaseId { job, attempt: 1 }));
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    assert!(matches!(run_ahead(&mut hot, 1, leased).await, Went::Committed));
    assert_eq!(count(&mut hot, "SELECT count(*) FROM jobs").await, 0);
    assert_eq!(rows_ahead(&mut hot).await, 2);
    let told = count(&mut hot, "SELECT count(*) FROM outbox").await;
    assert!(matches!(run(&mut hot, 2, closed).await, Went::Committed));
    assert_eq!(count(&mut hot, "SELECT count(*) FROM jobs WHERE live = 0").await, 1);
    assert_eq!(rows_ahead(&mut hot).await, 0);
    assert!(lock(&hot.ahead()).is_empty());
    assert!(count(&mut hot, "SELECT count(*) FROM outbox").await > told, "nothing is told twice or left out");
    assert_eq!(count(&mut hot, "SELECT seq FROM lanes").await, 3);
}

#[tokio::test]
async fn a_row_ahead_stays_until_each_of_its_workspaces_is_in_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let path = folder.path().join("hot.db");
    drop(hot);
    let store = Store::open(StoreSettings::sqlite(&path), Arc::new(|_| {})).await.unwrap();
    let other = desk.open(&*store.journal(), "other").await;
    store.close().await;
    hot = Hot::open(&path, 2).await.unwrap();
    let both: Vec<Entry> = [&id, &other]
        .map(|id| {
            let (_, command) = desk.submit();
            entry(desk.decide(id, &command))
        })
        .into();
    let epoch = count(&mut hot, "SELECT epoch FROM lanes").await.unsigned_abs();
    let written = &Counters::default();
    let call = |seq| Call { lane: Lane { epoch, seq }, written };
    assert!(matches!(hot.run(&both, call(0)).await, Went::Committed));
    assert!(matches!(hot.catch_up(Behind::Of(&[&id]), call(1)).await, Some(Went::Committed)));
    assert_eq!((count(&mut hot, "SELECT count(*) FROM jobs").await, rows_ahead(&mut hot).await), (1, 1));
    assert!(hot.catch_up(Behind::Of(&[&id]), call(2)).await.is_none(), "nothing of it is left");
    assert!(matches!(hot.catch_up(Behind::Oldest, call(2)).await, Some(Went::Committed)));
    assert_eq!((count(&mut hot, "SELECT count(*) FROM jobs").await, rows_ahead(&mut hot).await), (2, 0));
}

#[tokio::test]
async fn what_does_not_fit_what_is_ahead_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let admit = |desk: &mut Desk, key: &str| {
        let (_, command) = desk.submit();
        let mut change = desk.decide(&id, &command).unwrap();
        change.records.answer =
            Some(Answer { key: key.into(), fingerprint: [1; 16], body: "{}".into(), at: T0 });
        change
    };
    let (first, second, third) = (admit(&mut desk, "a"), admit(&mut desk, "a"), admit(&mut desk, "b"));
    let mut twice = second.clone();
    twice.records.answer = None;
    twice.records.admitted = first.records.admitted.clone();
    twice.records.jobs = first.records.jobs.clone();
    assert!(matches!(run_ahead(&mut hot, 0, Some(first)).await, Went::Committed));
    assert!(matches!(run_ahead(&mut hot, 1, Some(second)).await, Went::Elsewhere), "a key that is taken");
    assert!(
        matches!(run_ahead(&mut hot, 1, Some(third)).await, Went::Elsewhere),
        "a version that is not there"
    );
    assert!(
        matches!(run_ahead(&mut hot, 1, Some(twice)).await, Went::Elsewhere),
        "a job that is ahead already"
    );
    assert_eq!(rows_ahead(&mut hot).await, 1);
    assert!(!is_open(&mut hot).await, "no transaction is left open");
}

#[tokio::test]
async fn what_does_not_fit_the_tables_is_not_written_ahead_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    let leased = desk.decide(&id, &lease(job));
    assert!(matches!(run(&mut hot, 0, admit.clone()).await, Went::Committed));
    // What is known in memory is asked of the tables after a start.
    let asks = async |hot: &mut Hot, change: &ChangeSet| {
        hot.forget(std::iter::once(&id));
        run_ahead(hot, 1, Some(change.clone())).await
    };
    let (admit, leased) = (admit.unwrap(), leased.unwrap());
    assert!(matches!(asks(&mut hot, &admit).await, Went::Elsewhere), "an outdated version");
    let mut again = admit;
    again.expected = leased.expected;
    again.records.workspace.chain = leased.records.workspace.chain;
    again.records.ledger.clear();
    assert!(matches!(asks(&mut hot, &again).await, Went::Elsewhere), "a job that is there");
    let mut lost = leased.clone();
    lost.records.jobs[0].0 = reeve_types::JobId::from_parts(T0, 99);
    assert!(matches!(asks(&mut hot, &lost).await, Went::Elsewhere), "a job that is not there");
    let mut gap = leased.clone();
    gap.records.workspace.chain.seq += 1;
    assert!(matches!(asks(&mut hot, &gap).await, Went::Elsewhere), "a ledger with a gap");
    assert!(matches!(asks(&mut hot, &leased).await, Went::Committed));
}

#[tokio::test]
async fn change_sets_that_a_table_would_refuse_are_never_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, _hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command).unwrap();
    let leased = desk.decide(&id, &lease(job)).unwrap();
    assert!(entry(Some(admit.clone())).piece.is_some() && entry(Some(leased.clone())).piece.is_some());
    type Bend<'b> = (&'b str, &'b dyn Fn(&mut ChangeSet));
    let bent: [Bend<'_>; 7] = [
        ("a lot whose terms do not add up (L1)", &|change| {
            change.records.lots[0].terms.consumed = reeve_types::Credits::from_micros(1);
        }),
        ("held credits below zero", &|change| {
            change.records.workspace.held = reeve_types::Credits::from_micros(-1);
        }),
        ("a gap in the ledger (L5)", &|change| change.records.ledger[0].seq += 1),
        ("a job that is not told of", &|change| change.records.jobs.clear()),
        ("a job that runs without a lease (J1)", &|change| {
            change.records.jobs[0].1.status = reeve_jobs::Status::Running;
        }),
        ("a character that no text may have", &|change| {
            change.records.answer =
                Some(Answer { key: "a\0b".into(), fingerprint: [1; 16], body: "{}".into(), at: T0 });
        }),
        ("a new workspace", &|change| change.expected = 0),
    ];
    for (what, bend) in bent {
        let mut change = admit.clone();
        bend(&mut change);
        assert!(entry(Some(change)).piece.is_none(), "{what}");
    }
}

#[tokio::test]
async fn what_was_left_ahead_is_in_the_tables_once_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let (admit, leased) = (desk.decide(&id, &command), desk.decide(&id, &lease(job)));
    let (other, command) = desk.submit();
    let second = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    hot.ahead_min = 1;
    let both = [entry(leased), entry(second)];
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(hot.run(&both, Call { lane, written }).await, Went::Committed));
    drop(hot);
    let store = reopened(folder.path()).await.unwrap();
    assert!(store.reader().job(job).await.unwrap().unwrap().state.lease.is_some());
    assert!(store.reader().job(other).await.unwrap().is_some());
    let loaded = store.reader().load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
    assert!(store.verifier().run(|_| ()).await.unwrap().is_ok());
    store.close().await;
}

async fn reopened(folder: &Path) -> Result<Store, OpenError> {
    Store::open(StoreSettings::sqlite(folder.join("hot.db")), Arc::new(|_| {})).await
}

#[tokio::test]
async fn bringing_in_what_is_durable_makes_no_reader_wait_for_a_sync() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    let progress = hot.progress();
    assert!(futures_util::poll!(Box::pin(progress.settled())).is_pending(), "the batch is not synced yet");
    hot.told_when_synced(Box::new(|_| {})).await;
    hot.drain().await;
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(hot.catch_up(Behind::Due, Call { lane, written }).await.is_none(), "nothing is beyond a bound");
    assert!(matches!(hot.catch_up(Behind::Oldest, Call { lane, written }).await, Some(Went::Committed)));
    assert!(futures_util::poll!(Box::pin(progress.settled())).is_ready());
    assert_eq!(rows_ahead(&mut hot).await, 0);
}

#[tokio::test]
async fn what_came_in_before_the_end_does_not_come_in_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    hot.conn.execute(sqlx::query("CREATE TABLE kept AS SELECT * FROM ahead")).await.unwrap();
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(hot.catch_up(Behind::Oldest, Call { lane, written }).await, Some(Went::Committed)));
    hot.conn.execute(sqlx::query("INSERT INTO ahead SELECT * FROM kept")).await.unwrap();
    drop(hot);
    let store = reopened(folder.path()).await.unwrap();
    let loaded = store.reader().load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
    store.close().await;
}

#[tokio::test]
async fn what_another_version_left_ahead_comes_in_by_the_statements_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    // As if this program had other statements now, and other tables after its next steps.
    for sql in ["UPDATE ahead SET format = 7", "UPDATE ahead_texts SET format = 7"] {
        hot.conn.execute(sqlx::query(sql)).await.unwrap();
    }
    drop(hot);
    let store = reopened(folder.path()).await.unwrap();
    assert!(store.reader().job(job).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn what_is_ahead_without_its_statements_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    hot.conn.execute(sqlx::query("DELETE FROM ahead_texts")).await.unwrap();
    drop(hot);
    let refused = reopened(folder.path()).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("the statements of batch 1 are missing"), "{refused}");
}

#[tokio::test]
async fn what_is_ahead_and_fits_no_more_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    hot.conn.execute(sqlx::query("UPDATE workspaces SET version = version - 1")).await.unwrap();
    drop(hot);
    let refused = reopened(folder.path()).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("batch 1: workspace `acme` is at version"), "{refused}");
}

#[tokio::test]
async fn a_reader_waits_for_what_it_reads_and_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut hot) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut hot, 0, admit).await, Went::Committed));
    let shared = hot.ahead();
    let elsewhere = reeve_types::JobId::from_parts(T0, 77);
    for scope in [Scope::Settled, Scope::JobWebhooks, Scope::Job(elsewhere)] {
        assert!(lock(&shared).wait(&scope).is_none(), "{scope:?}");
    }
    let scopes = [Scope::Workspace(id), Scope::Job(job), Scope::All];
    let waiting: Vec<_> = scopes.iter().map(|scope| lock(&shared).wait(scope).unwrap()).collect();
    assert!(lock(&shared).is_awaited());
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(hot.catch_up(Behind::Oldest, Call { lane, written }).await, Some(Went::Committed)));
    for ready in waiting {
        assert_eq!(ready.await, Ok(()));
    }
    assert!(!lock(&shared).is_awaited());
}

/// Whether a transaction is under way: a second BEGIN is then refused.
async fn is_open(hot: &mut Hot) -> bool {
    let begun = hot.conn.execute(sqlx::query("BEGIN")).await;
    hot.roll_back().await;
    begun.is_err()
}
