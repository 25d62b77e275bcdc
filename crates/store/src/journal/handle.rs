//! The port's side of the journal: counts what waits, hands it to the task.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use reeve_journal::{
    AbortReason, ChangeSet, CommitOutcome, Journal, JournalHealth, Overloaded, PlatformChange, Room,
    StoreError, Urgency,
};
use reeve_types::{JobId, Millis, WorkspaceId};
use rustc_hash::FxHashMap;
use tokio::sync::{Semaphore, oneshot};

use super::ahead::{Ahead, JobAhead, Scope};
use super::inbox::Door;

use super::work::{Entry, Reply};
use super::written::Counters;
use super::{QUEUE_BYTES_MAX, QUEUE_COUNT_MAX, QUEUE_SUBMIT_BYTES_MAX, QUEUE_SUBMITS_MAX};
use crate::task;

/// What reaches the task.
pub(super) enum Item {
    Change(Entry),
    Platform(PlatformChange, Reply),
    Flush(oneshot::Sender<()>),
    /// Somebody waits for the tables.
    CatchUp,
    Close(oneshot::Sender<()>),
}

/// What the port and the task both know.
pub(super) struct Shared {
    /// Room for everyone.
    common: Arc<Semaphore>,
    /// Room for urgent change sets once the common room is used up.
    reserved: Arc<Semaphore>,
    count: AtomicUsize,
    bytes: AtomicUsize,
    /// When the oldest change set of the batch under way was submitted; 0 between batches. What waits behind the batch
    /// is younger, since the queue keeps its order.
    oldest_ms: AtomicU64,
    /// The same of a batch that is being synced.
    syncing_ms: AtomicU64,
    can_commit: AtomicBool,
    /// Why nothing may be committed any more.
    dead: OnceLock<String>,
    /// What is ahead of the tables; `None` where nothing ever is.
    ahead: Option<SharedAhead>,
    pub(super) written: Counters,
}

/// What the writer and those who read both look at.
pub(crate) type SharedAhead = Arc<Mutex<Ahead>>;

/// A thread that panicked with the lock leaves counts that still fit: it is held for single steps only.
pub(super) fn lock(ahead: &SharedAhead) -> MutexGuard<'_, Ahead> {
    ahead.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(ahead: Option<SharedAhead>) -> Arc<Self> {
        Arc::new(Self {
            ahead,
            common: Arc::new(Semaphore::new(QUEUE_SUBMITS_MAX)),
            reserved: Arc::new(Semaphore::new(QUEUE_COUNT_MAX - QUEUE_SUBMITS_MAX)),
            count: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            oldest_ms: AtomicU64::new(0),
            syncing_ms: AtomicU64::new(0),
            can_commit: AtomicBool::new(true),
            dead: OnceLock::new(),
            written: Counters::default(),
        })
    }

    /// Takes room, or refuses.
    ///
    /// Sizes are known only after deciding, so the bound in bytes is that of what waits already: it may be
    /// exceeded by as many change sets as hold room and are not submitted yet.
    fn reserve(&self, urgency: Urgency) -> Result<Room, Overloaded> {
        let (bytes_max, urgent) = match urgency {
            Urgency::Submit => (QUEUE_SUBMIT_BYTES_MAX, false),
            Urgency::Finish => (QUEUE_BYTES_MAX, true),
        };
        if self.bytes.load(Ordering::Acquire) >= bytes_max {
            return Err(Overloaded);
        }
        let common = self.common.clone().try_acquire_owned();
        let permit =
            common.or_else(|full| if urgent { self.reserved.clone().try_acquire_owned() } else { Err(full) });
        permit.map(Room::counted).map_err(|_| Overloaded)
    }

    fn enter(&self, weight_bytes: usize) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.bytes.fetch_add(weight_bytes, Ordering::AcqRel);
    }

    /// Answers a change set and gives its room back.
    pub(super) fn answer(&self, entry: Entry, outcome: CommitOutcome) {
        let Entry { work, reply, room, entered_ms, trail, .. } = entry;
        trail.end(&work.workspace, &outcome, task::monotonic_ms().saturating_sub(entered_ms));
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(work.weight_bytes, Ordering::AcqRel);
        // Before the answer, so that whoever hears it finds the room free.
        drop(room);
        let _ = reply.send(outcome);
    }

    /// A batch is under way, or none is any more.
    pub(super) fn set_under_way(&self, entries: &[Entry]) {
        self.oldest_ms.store(oldest_ms(entries), Ordering::Release);
    }

    /// A batch is being synced, or is no more. The one after it may be forgotten meanwhile, which does not matter: a disk
    /// that hangs soon stops the writer too.
    pub(super) fn set_syncing(&self, entries: &[Entry]) {
        self.syncing_ms.store(oldest_ms(entries), Ordering::Release);
    }

    /// How long the oldest change set has been waiting for its outcome.
    pub(super) fn oldest_age_ms(&self) -> u64 {
        let entered = [&self.oldest_ms, &self.syncing_ms].map(|oldest| oldest.load(Ordering::Acquire));
        let entered_ms = entered.into_iter().filter(|entered_ms| *entered_ms > 0).min();
        entered_ms.map_or(0, |entered_ms| task::monotonic_ms().saturating_sub(entered_ms))
    }

    /// Nothing is committed any more; true the first time.
    pub(super) fn die(&self, why: String) -> bool {
        self.dead.set(why).is_ok()
    }

    /// Why nothing is committed any more, if so.
    pub(super) fn dead(&self) -> Option<&str> {
        self.dead.get().map(String::as_str)
    }

    pub(super) fn set_can_commit(&self, can_commit: bool) {
        self.can_commit.store(can_commit, Ordering::Release);
    }
}

/// When the oldest of them was submitted; 0 for none.
fn oldest_ms(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.entered_ms).min().unwrap_or(0)
}

/// The journal as others see it.
pub(crate) struct Handle {
    items: Door<Item>,
    shared: Arc<Shared>,
}

impl Handle {
    pub(super) fn new(items: Door<Item>, shared: Arc<Shared>) -> Self {
        Self { items, shared }
    }

    /// Returns once the tables have everything that was answered before this call and that `scope` reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when they cannot be brought up to date.
    pub(crate) async fn caught_up(&self, scope: &Scope) -> Result<(), StoreError> {
        let Some(ready) = self.shared.ahead.as_ref().and_then(|ahead| lock(ahead).wait(scope)) else {
            return Ok(());
        };
        let behind = || StoreError::Unavailable("the tables are behind what is committed".to_owned());
        self.items.send(Item::CatchUp).map_err(|_| behind())?;
        ready.await.map_err(|_| behind())
    }

    /// What the row of a job does not say yet. Not all of it is on the disk.
    pub(crate) fn job_ahead(&self, job: JobId) -> Option<JobAhead> {
        lock(self.shared.ahead.as_ref()?).job(job)
    }

    /// The addresses that jobs name whose rows are not in the tables yet.
    pub(crate) fn job_urls_ahead(&self) -> FxHashMap<JobId, Arc<str>> {
        self.shared.ahead.as_ref().map(|ahead| lock(ahead).job_urls()).unwrap_or_default()
    }

    /// When workspaces are due of which the tables do not have everything yet.
    pub(crate) fn due_ahead(&self) -> FxHashMap<WorkspaceId, Option<Millis>> {
        self.shared.ahead.as_ref().map(|ahead| lock(ahead).due()).unwrap_or_default()
    }

    /// Commits what waits, then stops the task. Later change sets are aborted.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.items.send(Item::Close(reply)).is_ok() {
            // An error means that the task is gone, which is what was asked for.
            let _ = closed.await;
        }
    }
}

/// The outcome of what reaches a journal that was closed.
pub(super) fn closed() -> CommitOutcome {
    CommitOutcome::Aborted(AbortReason::Store("the journal is closed".to_owned()))
}

impl Journal for Handle {
    fn reserve(&self, urgency: Urgency) -> Result<Room, Overloaded> {
        self.shared.reserve(urgency)
    }

    fn submit(&self, change: ChangeSet, room: Room) -> oneshot::Receiver<CommitOutcome> {
        let (reply, outcome) = oneshot::channel();
        let entry = Entry::new(change, (reply, room), self.shared.ahead.is_some());
        self.shared.enter(entry.work.weight_bytes);
        // The channel itself is unbounded: its bound is the room, which differs by urgency.
        if let Err(Item::Change(entry)) = self.items.send(Item::Change(entry)) {
            self.shared.answer(entry, closed());
        }
        outcome
    }

    fn submit_platform(
        &self,
        change: PlatformChange,
    ) -> Result<oneshot::Receiver<CommitOutcome>, Overloaded> {
        if self.shared.count.load(Ordering::Acquire) >= QUEUE_COUNT_MAX {
            return Err(Overloaded);
        }
        let (reply, outcome) = oneshot::channel();
        if let Err(Item::Platform(_, reply)) = self.items.send(Item::Platform(change, reply)) {
            let _ = reply.send(closed());
        }
        Ok(outcome)
    }

    fn flush(&self) -> oneshot::Receiver<()> {
        let (reply, done) = oneshot::channel();
        if let Err(Item::Flush(reply)) = self.items.send(Item::Flush(reply)) {
            let _ = reply.send(());
        }
        done
    }

    fn health(&self) -> JournalHealth {
        JournalHealth {
            // The writer may not know yet that a sync failed.
            can_commit: self.shared.can_commit.load(Ordering::Acquire) && self.shared.dead().is_none(),
            depth: self.shared.count.load(Ordering::Acquire),
            oldest_age_ms: self.shared.oldest_age_ms(),
            written: self.shared.written.read(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_change_sets_have_room_that_new_work_cannot_take() {
        let shared = Shared::new(None);
        let mut taken: Vec<Room> = std::iter::from_fn(|| shared.reserve(Urgency::Submit).ok()).collect();
        assert_eq!(taken.len(), QUEUE_SUBMITS_MAX);
        taken.extend(std::iter::from_fn(|| shared.reserve(Urgency::Finish).ok()));
        assert_eq!(taken.len(), QUEUE_COUNT_MAX);
        taken.clear();
        assert!(shared.reserve(Urgency::Submit).is_ok());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let shared = Shared::new(None);
        shared.enter(QUEUE_SUBMIT_BYTES_MAX);
        assert!(shared.reserve(Urgency::Submit).is_err());
        assert!(shared.reserve(Urgency::Finish).is_ok());
        shared.enter(QUEUE_BYTES_MAX);
        assert!(shared.reserve(Urgency::Finish).is_err());
    }
}
