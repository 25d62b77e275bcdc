//! The monotonic clock, to the microsecond.

use std::time::{Duration, Instant};

/// A point on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(Instant);

impl Mark {
    #[expect(clippy::disallowed_methods, reason = "latencies are what a benchmark is about")]
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed_us(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }

    /// How long it is until this point; nothing when it is past.
    #[expect(clippy::disallowed_methods, reason = "jobs of a paced load are due by this clock")]
    pub(super) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Microseconds from this point to a later one.
    pub(super) fn us_to(self, later: Self) -> u64 {
        u64::try_from(later.0.saturating_duration_since(self.0).as_micros()).unwrap_or(u64::MAX)
    }

    /// Seconds from this point to a later one.
    pub(super) fn seconds_to(self, later: Self) -> f64 {
        later.0.saturating_duration_since(self.0).as_secs_f64()
    }

    pub(super) fn elapsed_seconds(self) -> f64 {
        self.seconds_to(Self::now())
    }
}
