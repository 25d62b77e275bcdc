//! The single writer: runs a batch to its outcomes, whatever the database answers on the way.
//!
//! Owned by the journal task. Guarantees: every entry is answered exactly once, and `Durable` only after
//! a COMMIT that is known to have succeeded.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reeve_journal::{AbortReason, CommitOutcome};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait as _,
};

use super::handle::{Entry, Shared};
use super::offenders::Taken;
use super::statements::Statements;
use super::transaction::{Losers, Stop, Writing};
use crate::failure::{Failure, classify};
use crate::open::FatalHook;
use crate::task;

/// Tries of one transaction that the database asks to repeat.
const TRIES_MAX: u32 = 8;
/// Pause before the second try; it doubles from there.
const RETRY_MS: u64 = 2;
/// Tries to reach a database whose connection was lost: some half a minute.
const RECONNECTS_MAX: u32 = 24;
/// Longest pause between two of them.
const RECONNECT_MS_MAX: u64 = 2_000;

/// Opens another connection like the first.
pub(crate) type Connect =
    Arc<dyn Fn() -> BoxFuture<'static, Result<DatabaseConnection, DbErr>> + Send + Sync>;

/// Where the writer stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Counts owners of the lane: a writer with an older one is fenced.
    pub(crate) epoch: u64,
    /// The last transaction that committed.
    pub(crate) seq: u64,
}

/// Takes the lane over: waits out a transaction of the owner before, and fences it.
pub(crate) async fn take_lane(db: &DatabaseConnection) -> Result<Lane, DbErr> {
    db.execute_unprepared(
        "INSERT INTO lanes (lane, epoch, seq) VALUES (0, 0, 0) ON CONFLICT (lane) DO NOTHING",
    )
    .await?;
    let sql = "UPDATE lanes SET epoch = epoch + 1 WHERE lane = 0 RETURNING epoch, seq";
    read_lane(db, Statement::from_string(db.get_database_backend(), sql))
        .await?
        .ok_or_else(|| DbErr::Custom("the row of the lane is missing".to_owned()))
}

async fn read_lane(db: &DatabaseConnection, statement: Statement) -> Result<Option<Lane>, DbErr> {
    let Some(row) = db.query_one_raw(statement).await? else {
        return Ok(None);
    };
    let number = |column| row.try_get::<i64>("", column).map(|n| u64::try_from(n).unwrap_or(0));
    Ok(Some(Lane { epoch: number("epoch")?, seq: number("seq")? }))
}

/// How one transaction ended.
enum Tried {
    Committed(Losers),
    Stopped(Stop),
    /// The COMMIT was sent and no answer came.
    Uncertain(Losers, Failure),
    /// The disk failed in a COMMIT: what is cached can no longer be trusted.
    Broken(String),
}

/// What a lost connection left behind.
enum Resolved {
    Committed,
    NotCommitted,
    Impossible(String),
}

/// What is to be done with a batch after a try.
enum Verdict {
    Answered,
    Again(Vec<Entry>),
    Split(Vec<Entry>, Vec<Entry>),
}

/// The writer and its connection.
pub(super) struct Writer {
    pub(super) db: DatabaseConnection,
    pub(super) backend: DbBackend,
    pub(super) sql: Statements,
    pub(super) lane: Lane,
    pub(super) shared: Arc<Shared>,
    pub(super) fatal: FatalHook,
    /// `None` where a lost connection cannot be replaced.
    pub(super) connect: Option<Connect>,
    /// Set once nothing may be committed any more.
    pub(super) dead: Option<String>,
}

impl Writer {
    /// Commits a batch and answers every entry.
    pub(super) async fn run(&mut self, entries: Vec<Entry>) {
        let mut left = vec![entries];
        let mut tries = 0;
        while let Some(entries) = left.pop() {
            if entries.is_empty() {
                continue;
            }
            if let Some(why) = self.dead.clone() {
                self.abort(entries, AbortReason::Store(why));
                continue;
            }
            match self.settle(entries, &mut tries).await {
                Verdict::Answered => tries = 0,
                Verdict::Again(entries) => left.push(entries),
                Verdict::Split(head, tail) => left.extend([tail, head]),
            }
        }
    }

    async fn settle(&mut self, entries: Vec<Entry>, tries: &mut u32) -> Verdict {
        match self.attempt(&entries).await {
            Tried::Committed(losers) => {
                self.lane.seq += 1;
                self.shared.set_can_commit(true);
                self.committed(entries, &losers)
            }
            Tried::Stopped(stop) => self.stopped(entries, stop, tries).await,
            Tried::Uncertain(losers, failure) => self.uncertain(entries, &losers, failure).await,
            Tried::Broken(detail) => {
                self.die(format!("the disk failed in a commit: {detail}"));
                self.answer_all(entries, &CommitOutcome::Unknown);
                Verdict::Answered
            }
        }
    }

    /// One transaction from BEGIN to COMMIT or ROLLBACK.
    async fn attempt(&self, entries: &[Entry]) -> Tried {
        // IMMEDIATE, because a deferred transaction that writes later fails with BUSY without waiting.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = match self.db.begin_with_options(options).await {
            Ok(txn) => txn,
            Err(error) => return Tried::Stopped(Stop::Failed(classify(&error))),
        };
        let writing = Writing { txn: &txn, sql: &self.sql, backend: self.backend };
        match writing.write(entries, self.lane).await {
            Ok(losers) => match txn.commit().await {
                Ok(()) => Tried::Committed(losers),
                Err(error) => self.commit_failed(losers, classify(&error)),
            },
            Err(stop) => {
                if let Err(error) = txn.rollback().await {
                    tracing::debug!(%error, "a transaction did not roll back cleanly");
                }
                Tried::Stopped(stop)
            }
        }
    }

    fn commit_failed(&self, losers: Losers, failure: Failure) -> Tried {
        let sqlite = matches!(self.backend, DbBackend::Sqlite);
        match failure {
            Failure::Disk(detail) => Tried::Broken(detail),
            // The thread that owns the file is gone in the middle of a commit: as bad as a failed disk.
            Failure::Lost(detail) if sqlite => Tried::Broken(detail),
            Failure::Lost(_) => Tried::Uncertain(losers, failure),
            // The database answered, so it knows that it did not commit.
            Failure::Data(_) | Failure::Transient(_) | Failure::Other(_) => {
                Tried::Stopped(Stop::Failed(failure))
            }
        }
    }

    fn committed(&self, entries: Vec<Entry>, losers: &Losers) -> Verdict {
        for entry in entries {
            let outcome = if losers.contains(&entry.change.workspace) {
                CommitOutcome::Aborted(AbortReason::Version)
            } else {
                CommitOutcome::Durable
            };
            self.shared.answer(entry, outcome);
        }
        Verdict::Answered
    }

    async fn stopped(&mut self, mut entries: Vec<Entry>, stop: Stop, tries: &mut u32) -> Verdict {
        match stop {
            Stop::AllLost => self.abort(entries, AbortReason::Version),
            Stop::Fenced => {
                self.die("another process took the database over".to_owned());
                self.abort(entries, AbortReason::Store("another process took the database over".to_owned()))
            }
            Stop::Conflict => self.drop_offenders(entries).await,
            Stop::Failed(Failure::Data(detail)) if entries.len() == 1 => {
                tracing::error!(%detail, "a change set was refused by the store");
                self.abort(entries, AbortReason::Data(detail))
            }
            Stop::Failed(Failure::Data(_)) => {
                let tail = entries.split_off(entries.len() / 2);
                Verdict::Split(entries, tail)
            }
            Stop::Failed(failure) => self.failed(entries, failure, tries).await,
        }
    }

    /// A transaction that certainly did not commit, by the environment's fault.
    async fn failed(&mut self, entries: Vec<Entry>, failure: Failure, tries: &mut u32) -> Verdict {
        let detail = failure.detail().to_owned();
        *tries += 1;
        if *tries < TRIES_MAX {
            match failure {
                Failure::Transient(_) => {
                    task::pause(Duration::from_millis(RETRY_MS << *tries)).await;
                    return Verdict::Again(entries);
                }
                Failure::Lost(_) if self.connect.is_some() => match self.resolve().await {
                    Resolved::Committed | Resolved::NotCommitted => return Verdict::Again(entries),
                    Resolved::Impossible(_) => {}
                },
                _ => {}
            }
        }
        tracing::error!(%detail, "a batch could not be committed");
        self.abort(entries, AbortReason::Store(detail))
    }

    async fn uncertain(&mut self, entries: Vec<Entry>, losers: &Losers, failure: Failure) -> Verdict {
        tracing::warn!(detail = failure.detail(), "the connection was lost in a commit");
        match self.resolve().await {
            Resolved::Committed => self.committed(entries, losers),
            Resolved::NotCommitted => Verdict::Again(entries),
            Resolved::Impossible(detail) => {
                tracing::error!(%detail, "the outcome of a commit stays unknown");
                self.answer_all(entries, &CommitOutcome::Unknown);
                Verdict::Answered
            }
        }
    }

    /// Replaces the connection and learns from the lane whether the transaction under way committed.
    ///
    /// The update of the lane's row waits for the old transaction, and the new epoch fences it.
    async fn resolve(&mut self) -> Resolved {
        let Some(connect) = self.connect.clone() else {
            return Resolved::Impossible("the connection cannot be replaced".to_owned());
        };
        self.shared.set_can_commit(false);
        let mut detail = String::new();
        for n in 0..RECONNECTS_MAX {
            task::pause(Duration::from_millis((RETRY_MS << n.min(12)).min(RECONNECT_MS_MAX))).await;
            match self.take_over(&connect).await {
                Ok(Some(lane)) => {
                    let committed = lane.seq > self.lane.seq;
                    self.lane = lane;
                    self.shared.set_can_commit(true);
                    return if committed { Resolved::Committed } else { Resolved::NotCommitted };
                }
                Ok(None) => {
                    self.die("another process took the database over".to_owned());
                    return Resolved::Impossible("another process took the database over".to_owned());
                }
                Err(error) => detail = error.to_string(),
            }
        }
        Resolved::Impossible(detail)
    }

    async fn take_over(&mut self, connect: &Connect) -> Result<Option<Lane>, DbErr> {
        let db = connect().await?;
        let sql = "UPDATE lanes SET epoch = epoch + 1 WHERE lane = 0 AND epoch = $1 RETURNING epoch, seq";
        let epoch = i64::try_from(self.lane.epoch).unwrap_or(i64::MAX);
        let lane = read_lane(&db, Statement::from_sql_and_values(self.backend, sql, [epoch.into()])).await?;
        // The old connection is broken; whether it closes in order does not matter.
        drop(std::mem::replace(&mut self.db, db));
        Ok(lane)
    }

    async fn drop_offenders(&mut self, entries: Vec<Entry>) -> Verdict {
        let taken = match Taken::find(&self.db, &self.sql, &entries).await {
            Ok(taken) => taken,
            Err(error) => return self.abort(entries, AbortReason::Store(error.to_string())),
        };
        let (good, bad) = taken.part(entries);
        if bad.is_empty() {
            // Cannot be with one writer; without this it would be tried for ever.
            return self.abort(good, AbortReason::Store("a conflict could not be found again".to_owned()));
        }
        bad.into_iter().for_each(|(entry, outcome)| self.shared.answer(entry, outcome));
        Verdict::Again(good)
    }

    fn abort(&self, entries: Vec<Entry>, reason: AbortReason) -> Verdict {
        self.answer_all(entries, &CommitOutcome::Aborted(reason));
        Verdict::Answered
    }

    fn answer_all(&self, entries: Vec<Entry>, outcome: &CommitOutcome) {
        entries.into_iter().for_each(|entry| self.shared.answer(entry, outcome.clone()));
    }

    /// Stops committing for good and tells the composition root.
    pub(super) fn die(&mut self, why: String) {
        tracing::error!(%why, "the journal stops");
        self.shared.set_can_commit(false);
        self.dead = Some(why.clone());
        (self.fatal)(why);
    }
}
