//! The usual batch of SQLite, on a connection in the journal's own thread; its sync goes on beside the next batch.
//!
//! Used by `writer` before its general way. Each call of the driver there is a message to the thread that owns the file and
//! one back; with both cores busy, a dozen of them were a third of a commit's time, and with both idle each is two processors
//! that have to wake up. Here there is none ([decision 16](../../../../docs/adr/0016-usual-batches-of-sqlite-are-written-row-by-row.md)).
//! This way is for admissions, leases and closes that go well. Whatever it is not made for, and whatever does not go well
//! for another reason than the disk, it leaves unwritten to the general way, which finds out why.
//! A small batch goes into the tables at once, after what is ahead of its workspaces; a large one is written ahead of them
//! (see [`super::ahead`]), and parts of what is ahead come in between two batches.
//! Guarantees: what it answers as committed is the whole batch, and it is durable once [`Hot::told_when_synced`] says so;
//! in any other case nothing of it is written.

mod file;
mod known;
mod rows;
mod write;

use std::path::Path;
use std::sync::Arc;

use reeve_faults::{self as faults, Law};
use reeve_types::WorkspaceId;
use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

use super::ahead::{Behind, Part, body};
use super::handle::{SharedAhead, lock};
use super::lane::Lane;
use super::plan::Plan;
use super::statements::Due;
use super::work::Entry;
use super::written::Counters;
use crate::failure::Failure;
use crate::sqlite::checkpoints::Checkpoints;
use crate::sqlite::syncs::{Progress, Syncs, Told};
use crate::task;
use file::File;
use known::Known;
use write::Writes;

/// How a batch went.
pub(super) enum Went {
    /// All may read it; it is not synced yet.
    Committed,
    /// Nothing was written: the general way shall take the batch.
    Elsewhere,
    /// Nothing was written, by the environment's fault.
    Stopped(Failure),
    /// The COMMIT failed.
    CommitFailed(Failure),
}

/// The transaction under way: where it stands, and what counts it.
#[derive(Clone, Copy)]
pub(super) struct Call<'w> {
    pub(super) lane: Lane,
    pub(super) written: &'w Counters,
}

impl Call<'_> {
    /// The number of this transaction.
    fn number(&self) -> u64 {
        self.lane.seq.saturating_add(1)
    }
}

/// A connection of its own, and what goes on beside it.
pub(crate) struct Hot {
    file: File,
    known: Known,
    checkpoints: Checkpoints,
    syncs: Syncs,
    ahead: SharedAhead,
    /// In the tables, and of no use any more: another thread frees them.
    spent: Vec<Part>,
    /// Change sets from which on a batch is written ahead; 0 for never.
    ahead_min: usize,
}

impl Hot {
    /// Opens the file beside the connection of the general way; only one of them may write at a time.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) async fn open(path: &Path, ahead_min: usize) -> Result<Self, DbErr> {
        let file = File::open(path)?;
        let checkpoints = Checkpoints::start(path).await.map_err(db_error)?;
        let syncs = Syncs::start(path).map_err(|error| db_error(error.into()))?;
        let (known, ahead, spent) = (Known::default(), SharedAhead::default(), Vec::new());
        Ok(Self { file, known, checkpoints, syncs, ahead, spent, ahead_min })
    }

    /// What is ahead, for those who read.
    pub(crate) fn ahead(&self) -> SharedAhead {
        self.ahead.clone()
    }

    /// Whether a batch of so many may be written ahead.
    pub(super) fn is_many(&self, count: usize) -> bool {
        self.ahead_min > 0 && count >= self.ahead_min && !faults::is_broken(Law::VersionGuard) && keeps_laws()
    }

    /// One transaction from BEGIN to COMMIT or ROLLBACK.
    pub(super) async fn run(&mut self, entries: &[Entry], call: Call<'_>) -> Went {
        if self.is_many(entries.len()) && entries.iter().all(|entry| entry.piece().is_some()) {
            return self.run_ahead(entries, call).await;
        }
        let workspaces = entries.iter().map(Entry::workspace);
        let part = lock(&self.ahead).part(workspaces, (task::monotonic_ms(), call.number()));
        self.run_at_once((part, entries), call).await
    }

    /// Brings a part of what is ahead into the tables; `None` when there is nothing to bring in.
    pub(super) async fn catch_up(&mut self, what: Behind<'_>, call: Call<'_>) -> Option<Went> {
        let part = lock(&self.ahead).behind(what, (task::monotonic_ms(), call.number()))?;
        Some(self.run_at_once((part, &[]), call).await)
    }

    /// Frees what is of no use any more, when nobody commits who would have it done elsewhere.
    pub(super) fn rest(&mut self) {
        self.spent.clear();
    }

    /// Change sets after what is ahead of them, into the tables.
    async fn run_at_once(&mut self, (part, entries): (Part, &[Entry]), call: Call<'_>) -> Went {
        if !(entries.iter().all(|entry| entry.work.is_usual) && keeps_laws()) {
            return Went::Elsewhere;
        }
        // A batch that cannot be planned is told why by the general way.
        let Ok(mut plan) = Plan::of(&part.works, entries.iter(), Due::Apart) else { return Went::Elsewhere };
        let what = if entries.is_empty() { Writes::Known } else { Writes::AtOnce };
        let went = self.transaction((&mut plan, &part), what, call).await;
        if matches!(went, Went::Committed) {
            self.known.remember(plan.moved);
            lock(&self.ahead).done(&part);
            self.spent.push(part);
        }
        went
    }

    /// A batch as one row, provided that it will fit the tables.
    async fn run_ahead(&mut self, entries: &[Entry], call: Call<'_>) -> Went {
        let now = (task::monotonic_ms(), call.number());
        let asked = lock(&self.ahead).ask(entries, |workspace| self.known.stand(workspace));
        let Some(asked) = asked else { return Went::Elsewhere };
        let mut plan = Plan::default();
        entries.iter().for_each(|entry| plan.tell(entry));
        let body = body(entries.iter().filter_map(Entry::piece));
        let what = Writes::Ahead(body, asked);
        let went = self.transaction((&mut plan, &Part::default()), what, call).await;
        if matches!(went, Went::Committed) {
            lock(&self.ahead).push(entries, now);
        }
        went
    }

    /// After each batch that was committed: who hears when it is on the disk.
    pub(super) async fn told_when_synced(&mut self, told: Told) {
        let spent = std::mem::take(&mut self.spent);
        let told = move |result: Result<(), &str>| {
            told(result);
            drop(spent);
        };
        self.syncs.ask(Box::new(told)).await;
    }

    /// Waits until every batch committed so far is on the disk and its callers know.
    pub(super) async fn drain(&self) {
        self.syncs.drain().await;
    }

    /// What readers wait for.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.syncs.progress()
    }

    /// Another connection writes these.
    pub(super) fn forget<'a>(&mut self, workspaces: impl Iterator<Item = &'a WorkspaceId>) {
        self.known.forget(workspaces);
    }

    /// Lets go of the file.
    pub(crate) async fn close(self) {
        self.syncs.close().await;
        self.checkpoints.close().await;
    }
}

/// Whether no law is broken that the general way alone knows how to break.
fn keeps_laws() -> bool {
    let laws = [Law::RememberKeys, Law::OutboxWithChange, Law::WholeCommit];
    !laws.into_iter().any(faults::is_broken)
}

fn db_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

#[cfg(test)]
mod tests;
