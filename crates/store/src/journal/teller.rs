//! Tells callers what became of their batch while the next one is under way.
//!
//! Used by `writer` where a commit is durable once it returns; with SQLite the thread that syncs does this
//! (`sqlite::syncs`). Telling a hundred callers wakes a hundred tasks, and the database would have nothing to do meanwhile.
//! Guarantees: batches are told of in the order of their commits, each entry exactly once.

use std::sync::Arc;

use reeve_faults::{self as faults, Point};
use reeve_journal::{AbortReason, CommitOutcome};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::handle::Shared;
use super::transaction::Losers;
use super::work::Entry;
use crate::task;

/// Batches that may wait to be told of: callers that cannot be told in time are not to pile up.
const WAITING_MAX: usize = 2;

/// What the task is asked for.
enum Ask {
    Tell(Vec<Entry>, Losers),
    Drain(oneshot::Sender<()>),
}

/// The task that tells.
pub(super) struct Teller {
    asks: mpsc::Sender<Ask>,
    task: JoinHandle<()>,
    shared: Arc<Shared>,
}

impl Teller {
    /// Starts it.
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        let (asks, asked) = mpsc::channel(WAITING_MAX);
        let task = task::spawn(run(asked, shared.clone()));
        Self { asks, task, shared }
    }

    /// After a commit: all of `entries` are durable, but for those of `losers`.
    pub(super) async fn tell(&self, entries: Vec<Entry>, losers: Losers) {
        if let Err(mpsc::error::SendError(Ask::Tell(entries, losers))) =
            self.asks.send(Ask::Tell(entries, losers)).await
        {
            tell(&self.shared, entries, &losers);
        }
    }

    /// Waits until everybody was told.
    pub(super) async fn drain(&self) {
        let (reply, done) = oneshot::channel();
        if self.asks.send(Ask::Drain(reply)).await.is_ok() {
            // An error means that the task is gone, and who waited has heard that.
            let _ = done.await;
        }
    }

    /// Ends the task, after what waits.
    pub(super) async fn close(self) {
        drop(self.asks);
        // It says nothing at its end.
        let _ = self.task.await;
    }
}

async fn run(mut asked: mpsc::Receiver<Ask>, shared: Arc<Shared>) {
    while let Some(ask) = asked.recv().await {
        match ask {
            Ask::Tell(entries, losers) => tell(&shared, entries, &losers),
            // One that stopped waiting is no fault.
            Ask::Drain(reply) => drop(reply.send(())),
        }
    }
}

/// Tells a batch that was committed.
pub(super) fn tell(shared: &Shared, entries: Vec<Entry>, losers: &Losers) {
    for entry in entries {
        let outcome = if losers.contains(entry.workspace()) {
            CommitOutcome::Aborted(AbortReason::Version)
        } else {
            CommitOutcome::Durable
        };
        shared.answer(entry, outcome);
    }
    faults::pass(Point::JournalAfterAnswers);
}

#[cfg(test)]
mod tests {
    use reeve_journal::Room;

    use super::*;
    use crate::journal::desk::{Desk, create, ws};

    /// Change sets of new workspaces, and what becomes of them.
    fn entries(names: &[&str]) -> (Vec<Entry>, Vec<oneshot::Receiver<CommitOutcome>>) {
        let mut desk = Desk::new();
        let made = names.iter().map(|name| {
            let change = desk.decide(&ws(name), &create(None)).unwrap();
            let (reply, outcome) = oneshot::channel();
            (Entry::new(change, (reply, Room::unbounded()), false), outcome)
        });
        made.unzip()
    }

    #[tokio::test]
    async fn after_a_drain_everybody_knows_who_is_durable_and_who_lost() {
        let teller = Teller::start(Shared::new(None));
        let (batch, outcomes) = entries(&["first", "second"]);
        teller.tell(batch, Losers::from([ws("second")])).await;
        teller.drain().await;
        let outcomes: Vec<_> = outcomes.into_iter().map(|mut outcome| outcome.try_recv().unwrap()).collect();
        assert_eq!(outcomes, [CommitOutcome::Durable, CommitOutcome::Aborted(AbortReason::Version)]);
        teller.close().await;
    }

    #[tokio::test]
    async fn what_waits_is_told_before_the_end() {
        let teller = Teller::start(Shared::new(None));
        let (batch, mut outcomes) = entries(&["last"]);
        teller.tell(batch, Losers::new()).await;
        teller.close().await;
        assert_eq!(outcomes[0].try_recv().unwrap(), CommitOutcome::Durable);
    }

    #[tokio::test]
    async fn without_its_task_callers_are_told_all_the_same() {
        let teller = Teller::start(Shared::new(None));
        teller.task.abort();
        let (batch, mut outcomes) = entries(&["late"]);
        teller.drain().await;
        teller.tell(batch, Losers::new()).await;
        assert_eq!(outcomes[0].try_recv().unwrap(), CommitOutcome::Durable);
    }
}
