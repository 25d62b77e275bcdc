//! The one place of this crate that starts tasks, waits and reads the monotonic clock.
//!
//! Tasks: the courier (`courier`), one for each try under way, one for each connection, and one for each change that
//! must not be cut off with the request that asked for it.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// Runs a future on its own.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// The future's value, or `None` when it takes longer.
pub(crate) async fn within_ms<T>(ms: u64, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(ms), future).await.ok()
}

/// A point on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Instant);

impl Mark {
    #[expect(clippy::disallowed_methods, reason = "measures how long a try took")]
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
