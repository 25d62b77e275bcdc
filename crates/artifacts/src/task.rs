//! Blocking work: the only place of this crate that leaves the async threads.

use tokio::task::JoinError;

/// Runs what waits for a disk.
///
/// # Errors
/// The work panicked, or the runtime is shutting down.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns; what runs is bounded by the disk")]
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    tokio::task::spawn_blocking(work).await
}
