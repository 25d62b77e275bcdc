//! The one place of this crate that spawns and sleeps.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;

/// The upkeep at work; it ends with the engine, or when this is told to.
#[derive(Debug)]
pub struct Running(JoinHandle<()>);

impl Running {
    /// Ends it, wherever it is: all that it does can be done again.
    pub async fn stop(self) {
        self.0.abort();
        drop(self.0.await);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the module that starts tasks")]
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Running {
    Running(tokio::spawn(future))
}

#[expect(clippy::disallowed_methods, reason = "this is the module that waits")]
pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
