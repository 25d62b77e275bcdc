//! A monotonic clock for leases: the one reader of `std::time::Instant` in this crate.

use std::time::Instant;

/// Milliseconds since the engine started; never steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    #[expect(clippy::disallowed_methods, reason = "leases live on the monotonic clock, read here only")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
