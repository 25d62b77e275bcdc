//! The one place of this crate that spawns and sleeps.
//!
//! Kept together so that a reader sees every task there is, and so that tests can ban the rest.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;

/// Runs a future on its own.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub(crate) fn spawn(runtime: &Handle, future: impl Future<Output = ()> + Send + 'static) {
    drop(runtime.spawn(future));
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Waits for a future, at most so long.
pub(crate) async fn within_ms<T>(ms: u64, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(ms), future).await.ok()
}
