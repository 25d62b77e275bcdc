//! What goes this way, and what is left to the general one.

use crate::journal::desk::{Desk, T0, complete_elsewhere, give, lease};
use reeve_journal::{ChangeSet, Room, key_hash};
use reeve_types::LeaseId;
use reeve_workspace::Answer;
use tokio::sync::oneshot;

use rusqlite::Connection;

use super::*;
use crate::journal::ahead::Scope;
use crate::{OpenError, Store, StoreSettings};

mod seen;

/// The writer under test, and another connection that sees what it leaves.
struct Bench {
    hot: Hot,
    seen: Connection,
}

impl Bench {
    async fn open(folder: &Path, ahead_min: usize) -> Self {
        let path = folder.join("hot.db");
        Self { hot: Hot::open(&path, ahead_min).await.unwrap(), seen: Connection::open(path).unwrap() }
    }

    fn count(&self, sql: &str) -> i64 {
        self.seen.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn rows_ahead(&self) -> i64 {
        self.count("SELECT count(*) FROM ahead")
    }

    /// Whether a transaction is under way: another one that writes is kept out then.
    fn is_open(&self) -> bool {
        self.seen.busy_timeout(std::time::Duration::ZERO).unwrap();
        self.seen.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()
    }

    fn change(&self, sql: &str) {
        self.seen.execute_batch(sql).unwrap();
    }
}

/// A workspace in a file that no journal has open, and the writer under test.
async fn opened(folder: &Path) -> (Desk, WorkspaceId, Bench) {
    let (path, mut desk) = (folder.join("hot.db"), Desk::new());
    let store = Store::open(StoreSettings::sqlite(&path), Arc::new(|_| {})).await.unwrap();
    let id = desk.open(&*store.journal(), "acme").await;
    store.close().await;
    (desk, id, Bench::open(folder, 0).await)
}

fn entry(change: Option<ChangeSet>) -> Entry {
    Entry::new(change.unwrap(), (oneshot::channel().0, Room::unbounded()), true)
}

async fn run(bench: &mut Bench, seq: u64, change: Option<ChangeSet>) -> Went {
    let (lane, written) = (Lane { epoch: 1, seq }, &Counters::default());
    bench.hot.run(&[entry(change)], Call { lane, written }).await
}

/// As if its command had come with this idempotency key.
fn with_key(change: Option<ChangeSet>, key: &str) -> Option<ChangeSet> {
    change.map(|mut change| {
        change.records.answer =
            Some(Answer { key: key.into(), fingerprint: [1; 16], body: "{}".into(), at: T0 });
        change
    })
}

/// The batch of one change set, written ahead.
async fn run_ahead(bench: &mut Bench, seq: u64, change: Option<ChangeSet>) -> Went {
    bench.hot.ahead_min = 1;
    let went = run(bench, seq, change).await;
    bench.hot.ahead_min = 0;
    went
}

#[tokio::test]
async fn admissions_leases_and_closes_go_this_way() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = with_key(desk.decide(&id, &command), "key");
    let leased = desk.decide(&id, &lease(job));
    let closed = desk.decide(&id, &complete_elsewhere(LeaseId { job, attempt: 1 }));
    for (seq, change) in [admit, leased, closed].into_iter().enumerate() {
        assert!(matches!(run(&mut bench, seq as u64, change).await, Went::Committed), "{seq}");
    }
    assert_eq!(bench.count("SELECT count(*) FROM jobs WHERE live = 0"), 1);
    assert_eq!(bench.count("SELECT count(*) FROM answers WHERE key = 'key'"), 1);
    assert_eq!(bench.count("SELECT seq FROM lanes"), 3);
}

#[tokio::test]
async fn what_does_not_fit_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let numbered = bench.count("SELECT seq FROM lanes");
    let admit = |desk: &mut Desk| {
        let (_, command) = desk.submit();
        desk.decide(&id, &command).unwrap()
    };
    let mut outdated = admit(&mut desk);
    outdated.expected += 7;
    assert!(
        matches!(run(&mut bench, 0, Some(outdated)).await, Went::Elsewhere),
        "a version that is not stored"
    );
    let mut grant = desk.decide(&id, &give(5)).unwrap();
    grant.records.claims.push(reeve_workspace::Claim { scope: "test".into(), key: "1".into() });
    assert!(matches!(run(&mut bench, 0, Some(grant)).await, Went::Elsewhere), "a claim");
    let of_another_owner = {
        let (lane, written) = (Lane { epoch: 7, seq: 0 }, &Counters::default());
        bench.hot.run(&[entry(Some(admit(&mut desk)))], Call { lane, written }).await
    };
    assert!(matches!(of_another_owner, Went::Elsewhere), "a lane of another owner");
    assert_eq!(bench.count("SELECT count(*) FROM jobs"), 0);
    assert_eq!(bench.count("SELECT seq FROM lanes"), numbered);
    assert!(!bench.is_open(), "no transaction is left open");
}

#[tokio::test]
async fn what_is_ahead_of_a_workspace_comes_in_with_its_next_change() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = with_key(desk.decide(&id, &command), "key");
    let leased = desk.decide(&id, &lease(job));
    let closed = desk.decide(&id, &complete_elsewhere(LeaseId { job, attempt: 1 }));
    let answers = bench.count("SELECT count(*) FROM answers");
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    assert!(matches!(run_ahead(&mut bench, 1, leased).await, Went::Committed));
    assert_eq!(bench.count("SELECT count(*) FROM jobs"), 0);
    assert_eq!(bench.count("SELECT count(*) FROM answers"), answers);
    assert_eq!(bench.rows_ahead(), 2);
    let told = bench.count("SELECT count(*) FROM outbox");
    assert!(matches!(run(&mut bench, 2, closed).await, Went::Committed));
    assert_eq!(bench.count("SELECT count(*) FROM jobs WHERE live = 0"), 1);
    assert_eq!(bench.count("SELECT count(*) FROM answers"), answers + 1);
    assert_eq!(bench.rows_ahead(), 0);
    assert!(lock(&bench.hot.ahead()).is_empty());
    assert!(bench.count("SELECT count(*) FROM outbox") > told, "nothing is told twice or left out");
    assert_eq!(bench.count("SELECT seq FROM lanes"), 3);
}

#[tokio::test]
async fn a_row_ahead_stays_until_each_of_its_workspaces_is_in_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let path = folder.path().join("hot.db");
    drop(bench);
    let store = Store::open(StoreSettings::sqlite(&path), Arc::new(|_| {})).await.unwrap();
    let other = desk.open(&*store.journal(), "other").await;
    store.close().await;
    bench = Bench::open(folder.path(), 2).await;
    let both: Vec<Entry> = [&id, &other]
        .map(|id| {
            let (_, command) = desk.submit();
            entry(desk.decide(id, &command))
        })
        .into();
    let epoch = bench.count("SELECT epoch FROM lanes").unsigned_abs();
    let written = &Counters::default();
    let call = |seq| Call { lane: Lane { epoch, seq }, written };
    assert!(matches!(bench.hot.run(&both, call(0)).await, Went::Committed));
    assert!(matches!(bench.hot.catch_up(Behind::Of(&[&id]), call(1)).await, Some(Went::Committed)));
    assert_eq!((bench.count("SELECT count(*) FROM jobs"), bench.rows_ahead()), (1, 1));
    assert!(bench.hot.catch_up(Behind::Of(&[&id]), call(2)).await.is_none(), "nothing of it is left");
    assert!(matches!(bench.hot.catch_up(Behind::Oldest, call(2)).await, Some(Went::Committed)));
    assert_eq!((bench.count("SELECT count(*) FROM jobs"), bench.rows_ahead()), (2, 0));
}

#[tokio::test]
async fn what_does_not_fit_what_is_ahead_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let admit = |desk: &mut Desk, key: &str| {
        let (_, command) = desk.submit();
        with_key(desk.decide(&id, &command), key).unwrap()
    };
    let (first, second, third) = (admit(&mut desk, "a"), admit(&mut desk, "a"), admit(&mut desk, "b"));
    let mut twice = second.clone();
    twice.records.answer = None;
    twice.records.admitted = first.records.admitted.clone();
    twice.records.jobs = first.records.jobs.clone();
    assert!(matches!(run_ahead(&mut bench, 0, Some(first)).await, Went::Committed));
    assert!(matches!(run_ahead(&mut bench, 1, Some(second)).await, Went::Elsewhere), "a key that is taken");
    assert!(
        matches!(run_ahead(&mut bench, 1, Some(third)).await, Went::Elsewhere),
        "a version that is not there"
    );
    assert!(
        matches!(run_ahead(&mut bench, 1, Some(twice)).await, Went::Elsewhere),
        "a job that is ahead already"
    );
    assert_eq!(bench.rows_ahead(), 1);
    assert!(!bench.is_open(), "no transaction is left open");
}

#[tokio::test]
async fn what_does_not_fit_the_tables_is_not_written_ahead_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = with_key(desk.decide(&id, &command), "taken");
    let leased = desk.decide(&id, &lease(job));
    assert!(matches!(run(&mut bench, 0, admit.clone()).await, Went::Committed));
    // What is known in memory is asked of the tables after a start.
    let asks = async |bench: &mut Bench, change: &ChangeSet| {
        bench.hot.forget(std::iter::once(&id));
        run_ahead(bench, 1, Some(change.clone())).await
    };
    let (admit, leased) = (admit.unwrap(), leased.unwrap());
    assert!(matches!(asks(&mut bench, &admit).await, Went::Elsewhere), "an outdated version");
    let (mut again, repeated) = (admit, with_key(Some(leased.clone()), "taken").unwrap());
    again.records.answer = None;
    again.expected = leased.expected;
    again.records.workspace.chain = leased.records.workspace.chain;
    again.records.ledger.clear();
    assert!(matches!(asks(&mut bench, &again).await, Went::Elsewhere), "a job that is there");
    assert!(matches!(asks(&mut bench, &repeated).await, Went::Elsewhere), "a key that is taken");
    let mut lost = leased.clone();
    lost.records.jobs[0].0 = reeve_types::JobId::from_parts(T0, 99);
    assert!(matches!(asks(&mut bench, &lost).await, Went::Elsewhere), "a job that is not there");
    let mut gap = leased.clone();
    gap.records.workspace.chain.seq += 1;
    assert!(matches!(asks(&mut bench, &gap).await, Went::Elsewhere), "a ledger with a gap");
    assert!(matches!(asks(&mut bench, &leased).await, Went::Committed));
}

#[tokio::test]
async fn change_sets_that_a_table_would_refuse_are_never_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, _bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command).unwrap();
    let leased = desk.decide(&id, &lease(job)).unwrap();
    assert!(entry(Some(admit.clone())).piece().is_some() && entry(Some(leased.clone())).piece().is_some());
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
        assert!(entry(Some(change)).piece().is_none(), "{what}");
    }
}

#[tokio::test]
async fn what_was_left_ahead_is_in_the_tables_once_the_store_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let (admit, leased) = (desk.decide(&id, &command), desk.decide(&id, &lease(job)));
    let (other, command) = desk.submit();
    let second = with_key(desk.decide(&id, &command), "key");
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    bench.hot.ahead_min = 1;
    let both = [entry(leased), entry(second)];
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(bench.hot.run(&both, Call { lane, written }).await, Went::Committed));
    drop(bench);
    let store = reopened(folder.path()).await.unwrap();
    assert!(store.reader().job(job).await.unwrap().unwrap().state.lease.is_some());
    assert!(store.reader().job(other).await.unwrap().is_some());
    assert!(store.reader().answer(&id, "key").await.unwrap().is_some());
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
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    let progress = bench.hot.progress();
    assert!(futures_util::poll!(Box::pin(progress.settled())).is_pending(), "the batch is not synced yet");
    bench.hot.told_when_synced(Box::new(|_| {})).await;
    bench.hot.drain().await;
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(
        bench.hot.catch_up(Behind::Due, Call { lane, written }).await.is_none(),
        "nothing is beyond a bound"
    );
    assert!(matches!(
        bench.hot.catch_up(Behind::Oldest, Call { lane, written }).await,
        Some(Went::Committed)
    ));
    assert!(futures_util::poll!(Box::pin(progress.settled())).is_ready());
    assert_eq!(bench.rows_ahead(), 0);
}

#[tokio::test]
async fn what_came_in_before_the_end_does_not_come_in_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    bench.change("CREATE TABLE kept AS SELECT * FROM ahead");
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(
        bench.hot.catch_up(Behind::Oldest, Call { lane, written }).await,
        Some(Went::Committed)
    ));
    bench.change("INSERT INTO ahead SELECT * FROM kept");
    drop(bench);
    let store = reopened(folder.path()).await.unwrap();
    let loaded = store.reader().load(&id).await.unwrap().unwrap();
    assert_eq!(loaded.state, desk.slots[&id].clone().unwrap().rebuilt());
    store.close().await;
}

#[tokio::test]
async fn what_another_version_left_ahead_comes_in_by_the_statements_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    // As if this program had other statements now, and other tables after its next steps.
    for sql in ["UPDATE ahead SET format = 7", "UPDATE ahead_texts SET format = 7"] {
        bench.change(sql);
    }
    drop(bench);
    let store = reopened(folder.path()).await.unwrap();
    assert!(store.reader().job(job).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn what_a_version_with_fewer_tables_left_ahead_comes_in_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (job, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    let text: String = bench.seen.query_row("SELECT text FROM ahead_texts", [], |row| row.get(0)).unwrap();
    let (fewer, last) = text.rsplit_once(";\n").unwrap();
    assert!(last.contains("answers"), "{last}");
    bench.seen.execute("UPDATE ahead_texts SET text = ?1", [fewer]).unwrap();
    bench.change("UPDATE ahead SET body = substr(body, 1, length(body) - 5) || ']]'");
    assert_eq!(bench.count("SELECT json_array_length(body, '$[0]') FROM ahead"), 12);
    drop(bench);
    let store = reopened(folder.path()).await.unwrap();
    assert!(store.reader().job(job).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn what_is_ahead_without_its_statements_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    bench.change("DELETE FROM ahead_texts");
    drop(bench);
    let refused = reopened(folder.path()).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("the statements of batch 1 are missing"), "{refused}");
}

#[tokio::test]
async fn what_is_ahead_and_fits_no_more_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = desk.decide(&id, &command);
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    bench.change("UPDATE workspaces SET version = version - 1");
    drop(bench);
    let refused = reopened(folder.path()).await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("batch 1: workspace `acme` is at version"), "{refused}");
}

#[tokio::test]
async fn a_reader_waits_for_what_it_reads_and_for_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (mut desk, id, mut bench) = opened(folder.path()).await;
    let (_, command) = desk.submit();
    let admit = with_key(desk.decide(&id, &command), "key");
    assert!(matches!(run_ahead(&mut bench, 0, admit).await, Went::Committed));
    let shared = bench.hot.ahead();
    let [key, unused] = ["key", "unused"].map(|key| Scope::Answer(id.clone(), key_hash(key)));
    for scope in [Scope::Settled, unused] {
        assert!(lock(&shared).wait(&scope).is_none(), "{scope:?}");
    }
    let scopes = [Scope::Workspace(id), key, Scope::All];
    let waiting: Vec<_> = scopes.iter().map(|scope| lock(&shared).wait(scope).unwrap()).collect();
    assert!(lock(&shared).is_awaited());
    let (lane, written) = (Lane { epoch: 1, seq: 1 }, &Counters::default());
    assert!(matches!(
        bench.hot.catch_up(Behind::Oldest, Call { lane, written }).await,
        Some(Went::Committed)
    ));
    for ready in waiting {
        assert_eq!(ready.await, Ok(()));
    }
    assert!(!lock(&shared).is_awaited());
}

/// As when a server opens its store and then fails to start.
#[test]
fn a_runtime_ends_though_a_store_of_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let open = Store::open(StoreSettings::sqlite(folder.path().join("hot.db")), Arc::new(|_| {}));
    let store = runtime.block_on(open).unwrap();
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        ended.send(()).unwrap();
    });
    let patience = std::time::Duration::from_secs(20);
    assert!(end.recv_timeout(patience).is_ok(), "it waits for a thread of the store");
    drop(store);
}
