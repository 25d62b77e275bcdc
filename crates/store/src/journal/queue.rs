//! What waits, and which of it may go into one transaction.
//!
//! Change sets of one workspace stay in order and go together only when their versions follow each
//! other; what does not fit waits for the next batch, where the stored version judges it. Two uses of
//! one claim or key never meet in a batch either, and giving a claim up is a use of it: the second is to
//! find the first one committed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use reeve_journal::PlatformChange;
use reeve_types::WorkspaceId;
use reeve_workspace::Claim;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::oneshot;

use super::handle::Item;
use super::inbox::Inbox;
use super::work::{Entry, Reply};
use super::{BATCH_AGE_MS_MAX, BATCH_BYTES_MAX, BATCH_COUNT_MAX};
use crate::task;

/// What the task does next.
pub(super) enum Next {
    Batch(Batch),
    Platform(PlatformChange, Reply),
    /// Somebody waits for the tables.
    CatchUp,
    Close(oneshot::Sender<()>),
    /// Nobody can submit any more.
    End,
}

/// Change sets of one transaction, and flushes to answer after it.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) flushes: Vec<oneshot::Sender<()>>,
    bytes: usize,
    /// The version after the last change set of each workspace in the batch; `None` once one was deferred.
    next: FxHashMap<WorkspaceId, Option<u64>>,
    claims: FxHashSet<Claim>,
    keys: FxHashSet<(WorkspaceId, Arc<str>)>,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_COUNT_MAX || self.bytes >= BATCH_BYTES_MAX
    }

    /// Takes a change set in, or gives it back for the next batch.
    fn take(&mut self, entry: Entry) -> Result<(), Box<Entry>> {
        let work = &entry.work;
        let key = work.key.as_ref().map(|key| (work.workspace.clone(), key.clone()));
        let follows = self.next.get(&work.workspace).is_none_or(|next| *next == Some(work.expected));
        let uses = || work.claims.iter().chain(&work.unclaims);
        let clashes = uses().any(|claim| self.claims.contains(claim))
            || key.as_ref().is_some_and(|key| self.keys.contains(key));
        if !follows || clashes {
            self.next.insert(work.workspace.clone(), None);
            return Err(Box::new(entry));
        }
        self.next.insert(work.workspace.clone(), work.expected.checked_add(1));
        self.claims.extend(uses().cloned());
        self.keys.extend(key);
        self.bytes += entry.work.weight_bytes;
        self.entries.push(entry);
        Ok(())
    }
}

/// The queue of the task.
pub(super) struct Queue {
    items: Inbox<Item>,
    /// Left over from earlier batches, before everything in `items`.
    deferred: VecDeque<Item>,
    /// Change sets of the last batch: how many to expect under load.
    last_count: usize,
}

impl Queue {
    pub(super) fn new(items: Inbox<Item>) -> Self {
        Self { items, deferred: VecDeque::new(), last_count: 0 }
    }

    /// As [`Self::next`]; `None` when nothing came for so long.
    pub(super) async fn next_within(&mut self, idle: Duration) -> Option<Next> {
        if self.deferred.is_empty() {
            // Cut off, it has taken nothing.
            match task::within(idle, self.items.recv()).await? {
                Some(item) => self.deferred.push_back(item),
                None => return Some(Next::End),
            }
        }
        Some(self.next().await)
    }

    /// Waits for work, then takes all that is ready, up to the bounds of a batch.
    pub(super) async fn next(&mut self) -> Next {
        let first = match self.deferred.pop_front() {
            Some(item) => Some(item),
            None => self.items.recv().await,
        };
        let mut batch = Batch::default();
        match first {
            None => return Next::End,
            Some(Item::Platform(change, reply)) => return Next::Platform(change, reply),
            Some(Item::CatchUp) => return Next::CatchUp,
            Some(Item::Close(reply)) => return Next::Close(reply),
            Some(item) => self.deferred.push_front(item),
        }
        self.drain(&mut batch);
        self.linger(&mut batch).await;
        self.last_count = batch.entries.len();
        Next::Batch(batch)
    }

    /// Everything that still waits, once nothing more is committed.
    pub(super) fn rest(&mut self) -> Vec<Item> {
        self.items.close();
        let mut rest: Vec<Item> = self.deferred.drain(..).collect();
        while let Some(item) = self.items.try_recv() {
            rest.push(item);
        }
        rest
    }

    /// Takes what is ready, up to what must stay before all that comes later.
    fn drain(&mut self, batch: &mut Batch) {
        let mut left: VecDeque<Item> = VecDeque::new();
        while !batch.is_full() && left.len() < BATCH_COUNT_MAX {
            let Some(item) = self.deferred.pop_front().or_else(|| self.items.try_recv()) else {
                break;
            };
            match item {
                Item::Change(entry) => {
                    if let Err(entry) = batch.take(entry) {
                        left.push_back(Item::Change(*entry));
                    }
                }
                // Who waits is known already; it comes in with this batch.
                Item::CatchUp => {}
                // Everything before it is in this batch, so it is answered with the batch.
                Item::Flush(reply) if left.is_empty() => batch.flushes.push(reply),
                other => {
                    left.push_back(other);
                    break;
                }
            }
        }
        left.append(&mut self.deferred);
        self.deferred = left;
    }

    /// Under load, callers of the last batch are about to come back: a short wait spares the first of them a
    /// transaction of its own. A batch after a small one never waits.
    ///
    /// Waiting for all of them, so that one batch holds every caller, was tried and is slower: deciding the
    /// next half no longer overlaps with committing the last one.
    async fn linger(&mut self, batch: &mut Batch) {
        let enough = self.last_count / 2;
        if batch.entries.len() >= enough || enough < 2 || !self.deferred.is_empty() {
            return;
        }
        let missing = self.items.gather(enough - batch.entries.len());
        // Cut off, it has taken nothing.
        let _ = task::within(Duration::from_millis(BATCH_AGE_MS_MAX), missing).await;
        self.drain(batch);
    }
}

#[cfg(test)]
mod tests;
