//! What a workspace's actor takes in memory, and when it was last asked for: told by the actor, read by the registry.
//!
//! Estimates, from lengths and sizes: exact accounting would cost more than it saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// An actor stays for one idle millisecond per so many of its bytes, about what a waiting job takes, whatever the bound
/// on memory says. A rebuild reads some 10 µs for each job: without this, a few workspaces with backlogs of 100,000 that
/// do not fit together would be read back for every lease.
const BYTES_PER_IDLE_MS: u64 = 300;
/// The least, so that what an actor was just built for reaches it first.
const IDLE_MS_MIN: u64 = 10;

/// The sum over all actors.
#[derive(Debug, Default)]
pub(crate) struct Total(AtomicUsize);

impl Total {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One actor's.
#[derive(Debug)]
pub(crate) struct Footprint {
    bytes: AtomicUsize,
    used_ms: AtomicU64,
    total: Arc<Total>,
}

impl Footprint {
    pub(crate) fn new(total: Arc<Total>, now_ms: u64) -> Self {
        Self { bytes: AtomicUsize::new(0), used_ms: AtomicU64::new(now_ms), total }
    }

    /// It takes so much now. Called by its actor alone.
    pub(crate) fn set(&self, bytes: usize) {
        let before = self.bytes.swap(bytes, Ordering::Relaxed);
        // Wrapping, as atomics are: the sum over all is what counts.
        self.total.0.fetch_add(bytes.wrapping_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Somebody asked for the actor.
    pub(crate) fn touch(&self, now_ms: u64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// True when nobody asked for it within `patience_ms`, and building it again is cheap beside the time it was idle.
    pub(crate) fn is_worth_freeing(&self, now_ms: u64, patience_ms: u64) -> bool {
        let bytes = self.bytes() as u64;
        let idle_ms = now_ms.saturating_sub(self.used_ms.load(Ordering::Relaxed));
        // One without bytes has not even started.
        bytes > 0 && idle_ms >= (bytes / BYTES_PER_IDLE_MS).max(IDLE_MS_MIN).max(patience_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_follows_every_change() {
        let total = Arc::new(Total::default());
        let (a, b) = (Footprint::new(total.clone(), 0), Footprint::new(total.clone(), 0));
        a.set(100);
        b.set(50);
        a.set(30);
        assert_eq!(total.bytes(), 80);
        a.set(0);
        b.set(0);
        assert_eq!(total.bytes(), 0);
    }

    #[test]
    fn an_actor_just_built_is_left_alone() {
        let actor = Footprint::new(Arc::default(), 5);
        assert!(!actor.is_worth_freeing(1_000, 0), "it has not started");
        actor.set(1);
        assert!(!actor.is_worth_freeing(14, 0) && actor.is_worth_freeing(15, 0));
    }

    #[test]
    fn a_large_actor_stays_idle_for_longer() {
        let total = Arc::new(Total::default());
        let (small, large) = (Footprint::new(total.clone(), 0), Footprint::new(total, 0));
        small.set(6_000);
        large.set(30_000_000);
        assert!(!small.is_worth_freeing(19, 0) && small.is_worth_freeing(20, 0));
        assert!(!large.is_worth_freeing(99_999, 0) && large.is_worth_freeing(100_000, 0));
        assert!(!small.is_worth_freeing(499, 500) && small.is_worth_freeing(500, 500));
    }
}
