//! Tasks and waiting: the only place of this crate where either is started.

use std::future::Future;
use std::time::Duration;

/// Runs on this worker's thread, whatever becomes of the request that asked for it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns; the only task is a verification run"
)]
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    actix_web::rt::spawn(task);
}

/// Waits in real time: requests wait for people and machines, not for the store's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}
