//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    /// An attempt ends by itself.
    End { job: u32, attempt: u16 },
    /// A lost worker's lease lapses.
    Lapse { job: u32, attempt: u16 },
    /// The caller cancels.
    Cancel { job: u32 },
    /// The worker has learnt that the job is cancelled.
    Stop { job: u32, attempt: u16 },
    /// A planned change of the fleet, by its place in the load.
    Change { workers: u32, change: u32 },
    /// A worker vanishes.
    Loss { worker: u32 },
    /// A lost worker is replaced.
    Back { workers: u32 },
}

/// Events by time, and by the order in which they were planned.
#[derive(Debug, Default)]
pub(super) struct Events {
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
}

impl Events {
    /// Plans an event so long after an instant; beyond all time is never.
    pub(super) fn plan_after(&mut self, now: u64, delay_ms: u64, event: Event) {
        self.plan(now.saturating_add(delay_ms), event);
    }

    pub(super) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.heap.push(Reverse((at, self.planned, event)));
    }

    pub(super) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next event due by `now`.
    pub(super) fn due(&mut self, now: u64) -> Option<Event> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((.., event))| event)
    }
}
