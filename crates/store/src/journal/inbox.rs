//! What reaches the journal's task: a channel whose reader can sleep until so many are there.
//!
//! Under load the task waits for half a batch rather than for each change set of it: waking it for one that only has to
//! be put beside the others cost two turns of the processor each time.
//! Guarantees: the order of arrival; whoever waits for a number hears of it however senders and reader meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc};

/// Stands for a reader that waits for no number.
const NOBODY: u64 = u64::MAX;

/// What both ends know. Counts are those of everything ever sent.
struct Arrivals {
    sent: AtomicU64,
    /// How many the reader waits for.
    wanted: AtomicU64,
    enough: Notify,
}

/// The end that sends; shared by all who submit.
pub(super) struct Door<T> {
    items: mpsc::UnboundedSender<T>,
    arrivals: Arc<Arrivals>,
}

/// The end that the task reads.
pub(super) struct Inbox<T> {
    items: mpsc::UnboundedReceiver<T>,
    arrivals: Arc<Arrivals>,
    taken: u64,
}

/// Both ends.
pub(super) fn inbox<T>() -> (Door<T>, Inbox<T>) {
    let (sender, items) = mpsc::unbounded_channel();
    let arrivals =
        Arc::new(Arrivals { sent: AtomicU64::new(0), wanted: AtomicU64::new(NOBODY), enough: Notify::new() });
    (Door { items: sender, arrivals: arrivals.clone() }, Inbox { items, arrivals, taken: 0 })
}

impl<T> Door<T> {
    /// Hands it to the task.
    ///
    /// # Errors
    /// Gives it back when the task is gone.
    pub(super) fn send(&self, item: T) -> Result<(), T> {
        self.items.send(item).map_err(|refused| refused.0)?;
        // The reader says what it wants before it looks at what was sent, so one of the two sees the other.
        let sent = self.arrivals.sent.fetch_add(1, Ordering::SeqCst) + 1;
        if sent >= self.arrivals.wanted.load(Ordering::SeqCst) {
            self.arrivals.wanted.store(NOBODY, Ordering::SeqCst);
            self.arrivals.enough.notify_one();
        }
        Ok(())
    }
}

impl<T> Inbox<T> {
    /// The next one; `None` once nobody can send any more. Cut off, it has taken nothing.
    pub(super) async fn recv(&mut self) -> Option<T> {
        let item = self.items.recv().await;
        self.taken += u64::from(item.is_some());
        item
    }

    /// The next one, if it is there.
    pub(super) fn try_recv(&mut self) -> Option<T> {
        let item = self.items.try_recv().ok();
        self.taken += u64::from(item.is_some());
        item
    }

    /// Returns once so many are there to be taken. Takes none of them.
    pub(super) async fn gather(&mut self, count: usize) {
        let wanted = self.taken.saturating_add(count as u64);
        loop {
            self.arrivals.wanted.store(wanted, Ordering::SeqCst);
            if self.arrivals.sent.load(Ordering::SeqCst) >= wanted {
                self.arrivals.wanted.store(NOBODY, Ordering::SeqCst);
                return;
            }
            // It may also be for an earlier number whose waiter was cut off.
            self.arrivals.enough.notified().await;
        }
    }

    /// From now on nothing more comes in.
    pub(super) fn close(&mut self) {
        self.items.close();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn the_reader_sleeps_until_the_number_is_there() {
        let (door, mut inbox) = inbox();
        door.send(1).unwrap();
        let mut gathered = Box::pin(inbox.gather(3));
        for item in [2, 3] {
            assert!(poll!(&mut gathered).is_pending());
            door.send(item).unwrap();
        }
        assert!(poll!(&mut gathered).is_ready());
        drop(gathered);
        assert_eq!(
            [inbox.try_recv(), inbox.recv().await, inbox.try_recv(), inbox.try_recv()],
            [Some(1), Some(2), Some(3), None]
        );
    }

    #[tokio::test]
    async fn a_wait_that_was_cut_off_does_not_end_the_next_one() {
        let (door, mut inbox) = inbox();
        let mut cut_off = Box::pin(inbox.gather(1));
        assert!(poll!(&mut cut_off).is_pending());
        door.send(1).unwrap();
        drop(cut_off);
        assert_eq!(inbox.recv().await, Some(1));
        let mut gathered = Box::pin(inbox.gather(1));
        assert!(poll!(&mut gathered).is_pending());
        door.send(2).unwrap();
        assert!(poll!(&mut gathered).is_ready());
    }

    #[tokio::test]
    async fn what_was_sent_before_counts() {
        let (door, mut inbox) = inbox();
        door.send(1).unwrap();
        door.send(2).unwrap();
        assert!(poll!(Box::pin(inbox.gather(2))).is_ready());
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_gives_the_item_back() {
        let (door, inbox) = inbox();
        drop(inbox);
        assert_eq!(door.send(7), Err(7));
    }
}
