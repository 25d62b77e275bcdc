//! A journal without a disk: same promises, plus faults on demand. For tests of what stands above.

mod insight;
mod read;
mod reconcile;
mod tables;
mod webhooks;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::change::{ChangeSet, PlatformChange};
use crate::outcome::{
    AbortReason, CommitOutcome, Journal, JournalHealth, Overloaded, Room, Urgency, Written,
};
use tables::Tables;

/// What goes wrong with the next change sets, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault this time.
    None,
    /// Certainly not written.
    Abort,
    /// Nobody knows, and it was written.
    UnknownWritten,
    /// Nobody knows, and it was not written.
    UnknownLost,
    /// No room.
    Overloaded,
    /// The caller dies of it: asking for room panics.
    Panic,
}

/// An outcome kept back, and who waits for it.
type Held = (oneshot::Sender<CommitOutcome>, CommitOutcome);

/// An in-memory journal and reader in one.
#[derive(Default)]
pub struct MemoryJournal {
    tables: Mutex<Tables>,
    faults: Mutex<VecDeque<Fault>>,
    /// While set, outcomes are kept back.
    held: Mutex<Option<Vec<Held>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of another test thread leaves plain data behind; reading on is fine.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryJournal {
    /// An empty store without faults.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// An empty store without its version guard: one that the conformance suite must refuse.
    #[cfg(test)]
    fn unguarded() -> Arc<Self> {
        let journal = Self::new();
        lock(&journal.tables).guard_dropped = true;
        journal
    }

    /// Plans what happens to the next change sets.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.faults).extend(faults);
    }

    /// Keeps outcomes back from now on: changes are written, nobody hears of it.
    pub fn hold_outcomes(&self) {
        lock(&self.held).get_or_insert_with(Vec::new);
    }

    /// Sends every outcome kept back, in order, and stops keeping them.
    pub fn release_outcomes(&self) {
        for (reply, outcome) in lock(&self.held).take().unwrap_or_default() {
            let _ = reply.send(outcome);
        }
    }

    /// Outbox rows written so far.
    pub fn outbox_len(&self) -> u64 {
        lock(&self.tables).webhooks.told()
    }

    fn answer(&self, reply: oneshot::Sender<CommitOutcome>, outcome: CommitOutcome) {
        match lock(&self.held).as_mut() {
            Some(held) => held.push((reply, outcome)),
            // The receiver may be gone: a caller that stopped waiting does not undo a commit.
            None => drop(reply.send(outcome)),
        }
    }
}

impl Journal for MemoryJournal {
    fn reserve(&self, _: Urgency) -> Result<Room, Overloaded> {
        let mut faults = lock(&self.faults);
        match faults.front() {
            Some(Fault::Overloaded) => {
                faults.pop_front();
                Err(Overloaded)
            }
            Some(Fault::Panic) => {
                faults.pop_front();
                drop(faults);
                told_to_panic()
            }
            _ => Ok(Room::unbounded()),
        }
    }

    fn submit(&self, change: ChangeSet, _: Room) -> oneshot::Receiver<CommitOutcome> {
        let fault = lock(&self.faults).pop_front().unwrap_or(Fault::None);
        let (reply, outcome) = oneshot::channel();
        let result = match fault {
            Fault::Abort => CommitOutcome::Aborted(AbortReason::Store("told to".to_owned())),
            Fault::UnknownLost => CommitOutcome::Unknown,
            Fault::UnknownWritten => {
                lock(&self.tables).commit(change);
                CommitOutcome::Unknown
            }
            Fault::None | Fault::Overloaded | Fault::Panic => lock(&self.tables).commit(change),
        };
        self.answer(reply, result);
        outcome
    }

    fn submit_platform(
        &self,
        change: PlatformChange,
    ) -> Result<oneshot::Receiver<CommitOutcome>, Overloaded> {
        let (reply, outcome) = oneshot::channel();
        let _ = reply.send(lock(&self.tables).platform(change));
        Ok(outcome)
    }

    fn flush(&self) -> oneshot::Receiver<()> {
        let (reply, done) = oneshot::channel();
        let _ = reply.send(());
        done
    }

    fn health(&self) -> JournalHealth {
        let depth = lock(&self.held).as_ref().map_or(0, Vec::len);
        JournalHealth { can_commit: true, depth, oldest_age_ms: 0, written: Written::default() }
    }
}

#[expect(clippy::panic, reason = "the fault is the panic of whoever asks")]
fn told_to_panic() -> Result<Room, Overloaded> {
    panic!("told to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Subject, run_all};

    #[tokio::test]
    async fn the_memory_journal_keeps_every_promise() {
        run_all(|| async {
            let memory = MemoryJournal::new();
            Subject { journal: memory.clone(), reader: memory }
        })
        .await;
    }

    #[test]
    fn a_store_without_its_version_guard_is_no_journal() {
        let suite = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(run_all(|| async {
                let journal = MemoryJournal::unguarded();
                Subject { journal: journal.clone(), reader: journal }
            }));
        });
        assert!(suite.join().is_err(), "the suite must go red");
    }
}
