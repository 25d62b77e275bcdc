//! The one place of this crate that starts tasks and waits.
//!
//! Tasks: the journal's writer (`journal::driver`), started by opening a store, ended by closing it.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

/// Starts a task on the current tokio runtime.
#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks")]
pub(crate) fn spawn<F>(task: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(task)
}

/// Waits; for the pauses between two tries.
#[expect(clippy::disallowed_methods, reason = "this is the module that waits")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// The result of `future`, or `None` after `time`.
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(time, future).await.ok()
}
