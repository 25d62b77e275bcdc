//! The one place of this crate that starts tasks, waits and reads a monotonic clock.
//!
//! Tasks: the journal's writer (`journal::driver`, on SQLite a thread) and, on SQLite, checkpoints and syncs
//! (`sqlite::checkpoints`, `sqlite::syncs`); started by opening a store, ended by closing it.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Starts a task on the current tokio runtime.
#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks")]
pub(crate) fn spawn<F>(task: F) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(task)
}

/// Starts a thread for work that waits for the disk; what is answered ends with it. It is none of the runtime's, which
/// would wait for it before it ends: a server that fails to start must end all the same.
///
/// # Errors
/// When the system has none.
pub(crate) fn spawn_thread(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<oneshot::Receiver<()>> {
    let (ended, end) = oneshot::channel();
    let work = move || {
        let _ended = ended;
        work();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(work)?;
    Ok(end)
}

/// Starts a thread for one task that may block it.
///
/// # Errors
/// When the system has none.
pub(crate) fn spawn_in_thread<F>(name: &str, task: F) -> io::Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    spawn_thread(name, move || runtime.block_on(task)).map(drop)
}

/// Runs what waits for another process or a disk, beside the threads of tasks.
///
/// # Errors
/// The work panicked, or the runtime is shutting down.
#[expect(clippy::disallowed_methods, reason = "this is the module that leaves the threads of tasks")]
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    tokio::task::spawn_blocking(work).await
}

/// Waits; for the pauses between two tries.
#[expect(clippy::disallowed_methods, reason = "this is the module that waits")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Milliseconds on a clock that never steps, counted from the first time it is asked; never 0, which says "none" where
/// it is kept.
#[expect(clippy::disallowed_methods, reason = "this is the module that reads the monotonic clock")]
pub(crate) fn monotonic_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let elapsed = START.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// The result of `future`, or `None` after `time`.
pub(crate) async fn within<F: Future>(time: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(time, future).await.ok()
}
