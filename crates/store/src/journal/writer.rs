//! The single writer: runs a batch to its outcomes, whatever the database answers on the way.
//!
//! Owned by the journal task. Guarantees: every entry is answered exactly once, and `Durable` only after
//! a COMMIT that is known to have succeeded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reeve_faults::{self as faults, Law, Point};
use reeve_journal::{AbortReason, CommitOutcome};
use reeve_types::WorkspaceId;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};

use super::ahead::Behind;
use super::handle::Shared;
use super::hot::{Call, Hot, Went};
use super::lane::{Connect, Lane, Resolved};
use super::offenders::Taken;
use super::statements::Statements;
use super::teller::{Teller, tell};
use super::trail::requests;
use super::transaction::{Losers, Stop, Writing};
use super::work::Entry;
use crate::failure::{Failure, classify};
use crate::open::{Fatal, FatalHook};
use crate::{sqlite, task};

/// Tries of one transaction that the database asks to repeat.
pub(super) const TRIES_MAX: u32 = 8;
/// Pause before the second try; it doubles from there.
pub(super) const RETRY_MS: u64 = 2;
/// How long a server beyond a network may take to answer before its connection counts as lost.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long answers that a test wants early are given to reach their callers.
const HEARD: Duration = Duration::from_millis(20);

/// How one transaction ended.
pub(super) enum Tried {
    Committed(Losers),
    /// Committed, and not on the disk yet: the usual way of SQLite.
    Unsynced,
    Stopped(Stop),
    /// The COMMIT was sent and no answer came.
    Uncertain(Losers, Failure),
    /// The disk failed in a COMMIT: what is cached can no longer be trusted.
    Broken(String),
}

/// What is to be done with a batch after a try.
pub(super) enum Verdict {
    Answered,
    Again(Vec<Entry>),
    Split(Vec<Entry>, Vec<Entry>),
}

/// COMMIT, with the places where tests interfere.
async fn commit(txn: DatabaseTransaction) -> Result<(), Failure> {
    faults::pass(Point::JournalBeforeCommit);
    if faults::fails(Point::JournalBeforeCommit) {
        // Dropping an open transaction may panic.
        let _ = txn.rollback().await;
        return Err(Failure::Disk("a fault of a test before the commit".to_owned()));
    }
    txn.commit().await.map_err(|error| classify(&error))?;
    faults::pass(Point::JournalAfterCommit);
    if faults::fails(Point::JournalAfterCommit) {
        return Err(Failure::Disk("a fault of a test after the commit".to_owned()));
    }
    Ok(())
}

/// The writer and its connection.
pub(super) struct Writer {
    pub(super) db: DatabaseConnection,
    /// The short way for usual batches, where there is one.
    pub(super) hot: Option<Hot>,
    /// Tells callers beside the next batch, where the writer waits for another process meanwhile.
    pub(super) teller: Option<Teller>,
    pub(super) backend: DbBackend,
    pub(super) sql: Statements,
    pub(super) lane: Lane,
    pub(super) shared: Arc<Shared>,
    pub(super) fatal: FatalHook,
    /// `None` where a lost connection cannot be replaced.
    pub(super) connect: Option<Connect>,
    /// SQLite's file, to open it anew.
    pub(super) file: Option<PathBuf>,
    /// A transaction did not end in order: the connection is replaced before it is used again.
    pub(super) spoilt: bool,
    /// False from a lost session until another one was had: what `lane` says may be outdated meanwhile.
    pub(super) in_reach: bool,
}

impl Writer {
    /// Commits a batch and answers every entry.
    pub(super) async fn run(&mut self, entries: Vec<Entry>) {
        let mut left = self.parted(entries);
        let mut tries = 0;
        while let Some(entries) = left.pop() {
            if entries.is_empty() {
                continue;
            }
            if let Err(why) = self.be_in_reach().await {
                self.drain().await;
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

    async fn settle(&mut self, mut entries: Vec<Entry>, tries: &mut u32) -> Verdict {
        if faults::is_broken(Law::ReplyAfterCommit) {
            entries.iter_mut().for_each(Entry::answer_early);
            // A commit may be faster than its answers: a kill before it would take back what nobody has heard of yet.
            task::pause(HEARD).await;
        }
        let tried = self.attempt(&entries).await;
        if !matches!(tried, Tried::Unsynced | Tried::Committed(_)) {
            // Answers keep the order of the batches: an actor that hears of a lost change reads what was stored, and is
            // not to hear later of one before it.
            self.drain().await;
        }
        match tried {
            Tried::Unsynced => {
                self.lane.seq += 1;
                self.shared.written.commit();
                self.shared.set_can_commit(true);
                self.answer_when_synced(entries).await
            }
            Tried::Committed(losers) => {
                self.lane.seq += 1;
                self.shared.written.commit();
                self.shared.set_can_commit(true);
                self.committed(entries, losers).await;
                self.refresh_plans().await;
                Verdict::Answered
            }
            Tried::Stopped(stop) => self.stopped(entries, stop, tries).await,
            Tried::Uncertain(losers, failure) => self.uncertain(entries, losers, failure).await,
            Tried::Broken(detail) => {
                self.die(Fatal::Disk { detail });
                self.answer_all(entries, &CommitOutcome::Unknown);
                Verdict::Answered
            }
        }
    }

    /// One transaction from BEGIN to COMMIT or ROLLBACK.
    async fn attempt(&mut self, entries: &[Entry]) -> Tried {
        faults::pass(Point::JournalBeforeBegin);
        if let Some(hot) = &mut self.hot {
            match hot.run(entries, Call { lane: self.lane, written: &self.shared.written }).await {
                Went::Committed => return Tried::Unsynced,
                Went::Stopped(failure) => return Tried::Stopped(Stop::Failed(failure)),
                Went::CommitFailed(failure) => return self.commit_failed(Losers::new(), failure),
                Went::Elsewhere => hot.forget(entries.iter().map(Entry::workspace)),
            }
            // The general way knows the tables alone.
            let behind: Vec<&WorkspaceId> = entries.iter().map(Entry::workspace).collect();
            if let Err(tried) = self.catch_up(Behind::Of(&behind)).await {
                return tried;
            }
        }
        let txn = match self.begin().await {
            Ok(txn) => txn,
            Err(failure) => return Tried::Stopped(Stop::Failed(failure)),
        };
        let writing = self.writing(&txn);
        let written = self.answered(writing.write(entries, self.lane)).await;
        match written.unwrap_or_else(|failure| Err(Stop::Failed(failure))) {
            Ok(losers) => match self.answered(commit(txn)).await.unwrap_or_else(Err) {
                Ok(()) => Tried::Committed(losers),
                Err(failure) => {
                    self.spoilt = true;
                    self.commit_failed(losers, failure)
                }
            },
            Err(stop) => {
                self.roll_back(txn).await;
                Tried::Stopped(stop)
            }
        }
    }

    /// Rolls back, or sees to it that the connection is not used again.
    pub(super) async fn roll_back(&mut self, txn: DatabaseTransaction) {
        if let Err(error) = txn.rollback().await {
            tracing::debug!(%error, "a transaction did not roll back cleanly");
            self.spoilt = true;
        }
    }

    /// Replaces a connection of SQLite whose last transaction did not end in order. On a full disk SQLite ends a
    /// transaction by itself; the driver counts on as if it were open, makes a savepoint of the next one, and calls
    /// that committed although nothing ever commits what it lies in.
    async fn mend(&mut self) -> Result<(), Failure> {
        let Some(file) = self.file.clone().filter(|_| self.spoilt) else { return Ok(()) };
        // First, since an open transaction keeps the next one out.
        if let Err(error) = self.db.close_by_ref().await {
            tracing::debug!(%error, "a connection did not close cleanly");
        }
        self.db = sqlite::connect_to_write(&file).await.map_err(|error| classify(&error))?;
        self.spoilt = false;
        Ok(())
    }

    pub(super) async fn begin(&mut self) -> Result<DatabaseTransaction, Failure> {
        self.mend().await?;
        // IMMEDIATE, because a deferred transaction that writes later fails with BUSY without waiting.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let begun = self.answered(self.db.begin_with_options(options)).await?;
        begun.map_err(|error| classify(&error))
    }

    pub(super) fn writing<'t>(&'t self, txn: &'t DatabaseTransaction) -> Writing<'t> {
        Writing { txn, sql: &self.sql, backend: self.backend, written: &self.shared.written }
    }

    /// A server that says nothing for long is as good as gone: nobody else would notice a network that swallows
    /// everything. A file is waited for however long it takes, since what was begun goes on in its thread.
    pub(super) async fn answered<F: Future>(&self, asked: F) -> Result<F::Output, Failure> {
        if self.connect.is_none() {
            return Ok(asked.await);
        }
        task::within(ANSWER_MAX, asked)
            .await
            .ok_or_else(|| Failure::Lost("no answer came in time".to_owned()))
    }

    pub(super) fn commit_failed(&self, losers: Losers, failure: Failure) -> Tried {
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

    /// After a commit that is on the disk.
    async fn committed(&self, entries: Vec<Entry>, losers: Losers) {
        match &self.teller {
            Some(teller) => teller.tell(entries, losers).await,
            None => {
                self.drain().await;
                tell(&self.shared, entries, &losers);
            }
        }
    }

    /// Lets the next batch be written while this one goes onto the disk.
    pub(super) async fn answer_when_synced(&mut self, entries: Vec<Entry>) -> Verdict {
        let (shared, fatal) = (self.shared.clone(), self.fatal.clone());
        shared.set_syncing(&entries);
        let told = move |result: Result<(), &str>| {
            let outcome = match result {
                Ok(()) => CommitOutcome::Durable,
                Err(detail) => {
                    stop(&shared, &fatal, Fatal::Disk { detail: detail.to_owned() });
                    CommitOutcome::Unknown
                }
            };
            entries.into_iter().for_each(|entry| shared.answer(entry, outcome.clone()));
            shared.set_syncing(&[]);
            faults::pass(Point::JournalAfterAnswers);
        };
        if let Some(hot) = &mut self.hot {
            hot.told_when_synced(Box::new(told)).await;
        }
        Verdict::Answered
    }

    /// Waits for the answers of all batches so far.
    pub(super) async fn drain(&self) {
        if let Some(hot) = &self.hot {
            hot.drain().await;
        }
        if let Some(teller) = &self.teller {
            teller.drain().await;
        }
    }

    async fn stopped(&mut self, mut entries: Vec<Entry>, stop: Stop, tries: &mut u32) -> Verdict {
        match stop {
            Stop::AllLost => self.abort(entries, AbortReason::Version),
            // The session is not the one that has the lock, or the lane is not ours: resolving tells which.
            Stop::Fenced if self.connect.is_some() => {
                let failure = Failure::Lost("the session is not the one that may write".to_owned());
                self.failed(entries, failure, tries).await
            }
            Stop::Fenced => {
                let fatal = Fatal::TakenOver { by: String::new() };
                let why = fatal.to_string();
                self.die(fatal);
                self.abort(entries, AbortReason::Store(why))
            }
            Stop::Conflict => self.drop_offenders(entries).await,
            Stop::Failed(Failure::Data(detail)) if entries.len() == 1 => {
                tracing::error!(%detail, request.ids = requests(&entries), "a change set was refused by the store");
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
        let ids = requests(&entries);
        tracing::error!(%detail, changes = entries.len(), request.ids = ids, "a batch could not be committed");
        self.abort(entries, AbortReason::Store(detail))
    }

    async fn uncertain(&mut self, entries: Vec<Entry>, losers: Losers, failure: Failure) -> Verdict {
        let ids = requests(&entries);
        let detail = failure.detail();
        tracing::warn!(
            detail,
            changes = entries.len(),
            request.ids = ids,
            "the connection was lost in a commit"
        );
        match self.resolve().await {
            Resolved::Committed => {
                self.committed(entries, losers).await;
                Verdict::Answered
            }
            Resolved::NotCommitted => Verdict::Again(entries),
            Resolved::Impossible(detail) => {
                tracing::error!(%detail, request.ids = requests(&entries), "the outcome of a commit stays unknown");
                self.answer_all(entries, &CommitOutcome::Unknown);
                Verdict::Answered
            }
        }
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
    pub(super) fn die(&mut self, fatal: Fatal) {
        stop(&self.shared, &self.fatal, fatal);
    }
}

/// Says that nothing is committed any more.
fn stop(shared: &Shared, hook: &FatalHook, fatal: Fatal) {
    shared.set_can_commit(false);
    if shared.die(fatal.to_string()) {
        tracing::error!(why = %fatal, "the journal stops");
        hook(fatal);
    }
}
