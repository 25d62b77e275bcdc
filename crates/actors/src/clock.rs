//! The clock that deadlines and credits live on: the system's, or one that is moved by hand.
//!
//! Leases never live on it: they run on the monotonic clock, so that a jump of forty days takes no job away
//! from the worker that renders it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use reeve_types::{Clock, Millis};

/// A clock that stands still until it is moved, and only moves forward. For test servers.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    pub const fn at(at: Millis) -> Self {
        Self(AtomicI64::new(at.value()))
    }

    /// Moves it to `to`; false, and nothing changed, when that lies behind it.
    pub fn advance_to(&self, to: Millis) -> bool {
        self.0.fetch_max(to.value(), Ordering::SeqCst) <= to.value()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Where an engine takes the time from.
#[derive(Clone)]
pub enum ClockSource {
    /// Moves by itself.
    System(Arc<dyn Clock>),
    /// Moves by [`crate::Engine::advance_clock`] alone.
    Manual(Arc<ManualClock>),
}

/// What operators may know of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockView {
    pub now: Millis,
    pub manual: bool,
}

impl ClockSource {
    /// The present instant.
    pub fn now(&self) -> Millis {
        match self {
            Self::System(clock) => clock.now(),
            Self::Manual(clock) => clock.now(),
        }
    }

    /// True when it stands still until it is moved.
    pub const fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }
}

impl From<Arc<ManualClock>> for ClockSource {
    fn from(clock: Arc<ManualClock>) -> Self {
        Self::Manual(clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_never_goes_back() {
        let clock = ManualClock::at(Millis::from_millis(10));
        assert!(!clock.advance_to(Millis::from_millis(9)));
        assert!(clock.advance_to(Millis::from_millis(10)));
        assert!(clock.advance_to(Millis::from_millis(11)));
        assert_eq!(clock.now(), Millis::from_millis(11));
    }
}
