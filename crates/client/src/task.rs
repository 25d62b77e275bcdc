//! The one module that starts tasks, sleeps and reads the monotonic clock.
//!
//! Everything else takes futures and numbers, so that it can be tested without waiting. Nothing here
//! outlives its owner: a dropped handle or set stops its tasks.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};

/// A task that stops when this is dropped.
pub(crate) struct Guarded(tokio::task::JoinHandle<()>);

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts a task that lives as long as the guard.
#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks, waits and measures")]
pub(crate) fn guarded(future: impl Future<Output = ()> + Send + 'static) -> Guarded {
    Guarded(tokio::spawn(future))
}

/// Tasks that are waited for together; dropping the set stops them.
pub(crate) struct Tasks<T>(JoinSet<T>);

impl<T: Send + 'static> Tasks<T> {
    pub(crate) fn new() -> Self {
        Self(JoinSet::new())
    }

    /// Starts one more.
    pub(crate) fn start(&mut self, future: impl Future<Output = T> + Send + 'static) {
        self.0.spawn(future);
    }

    /// The next one that ended; `None` when there is none left.
    pub(crate) async fn next(&mut self) -> Option<Result<T, JoinError>> {
        self.0.join_next().await
    }
}

/// Runs blocking work on a thread for it; an error means that it panicked or the runtime stops.
#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks, waits and measures")]
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    tokio::task::spawn_blocking(work).await
}

#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks, waits and measures")]
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
    #[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks, waits and measures")]
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
