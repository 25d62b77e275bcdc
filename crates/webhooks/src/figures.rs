//! What monitoring may know of the deliveries.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The figures of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows of the outbox that were not looked through yet.
    pub outbox_rows: u64,
    /// Deliveries that wait, as counted last.
    pub waiting: u64,
    /// Age of the oldest event that waits, in milliseconds; 0 when none does.
    pub oldest_ms: u64,
    /// Tries that were taken.
    pub delivered: u64,
    /// Tries that failed and are repeated.
    pub failed: u64,
    /// Deliveries that were given up.
    pub given_up: u64,
    /// Endpoints that were disabled by their answers.
    pub disabled: u64,
}

/// The same, under way.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub outbox_rows: AtomicU64,
    pub waiting: AtomicU64,
    /// When the oldest event that waits happened; 0 when none does.
    pub oldest_at: AtomicI64,
    pub delivered: AtomicU64,
    pub failed: AtomicU64,
    pub given_up: AtomicU64,
    pub disabled: AtomicU64,
}

impl Counters {
    /// The figures at `now`, in milliseconds since 1970.
    pub(crate) fn read(&self, now: i64) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let oldest_at = self.oldest_at.load(Ordering::Relaxed);
        let age = if oldest_at == 0 { 0 } else { now.saturating_sub(oldest_at) };
        Figures {
            outbox_rows: of(&self.outbox_rows),
            waiting: of(&self.waiting),
            oldest_ms: u64::try_from(age).unwrap_or(0),
            delivered: of(&self.delivered),
            failed: of(&self.failed),
            given_up: of(&self.given_up),
            disabled: of(&self.disabled),
        }
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
