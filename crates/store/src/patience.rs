//! How long a read waits for a database beyond a network, and the word that a read was given up.
//!
//! Used by the readers and by their pool. A network that swallows everything tells nobody: without a bound a read would
//! wait until the system gives its connection up, which is a quarter of an hour where something was sent, and for ever
//! where an answer was due. A file is waited for however long it takes, since the thread that reads it goes on.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reeve_journal::StoreError;

use crate::task;

/// How long a read that was given up makes the pool look at connections that come back.
const SUSPECT_MS: u64 = 60_000;

/// The patience of all readers of one store.
pub(crate) struct Patience {
    /// Longest wait for one read; `None` for a file.
    max: Option<Duration>,
    /// When a read was given up last, on the monotonic clock; 0 for never.
    gave_up_ms: AtomicU64,
}

impl Patience {
    /// Reads may take as long as they like.
    pub(crate) fn endless() -> Arc<Self> {
        Arc::new(Self { max: None, gave_up_ms: AtomicU64::new(0) })
    }

    /// A read may take so long.
    pub(crate) fn of(max: Duration) -> Arc<Self> {
        Arc::new(Self { max: Some(max), gave_up_ms: AtomicU64::new(0) })
    }

    /// What a read finds.
    ///
    /// # Errors
    /// Its own, and [`StoreError::Unavailable`] when no answer came in time.
    pub(crate) async fn wait<T>(
        &self,
        read: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(max) = self.max else { return read.await };
        let mut read = pin!(read);
        // After the read, hence dropped before it: by the time its connection comes back to the pool, the pool knows.
        // Also when it is the caller who stops waiting.
        let mut unfinished = Unfinished { of: self, over: false };
        let found = task::within(max, read.as_mut()).await;
        unfinished.over = found.is_some();
        found.unwrap_or_else(|| {
            let detail = format!("the database gave no answer within {} ms", max.as_millis());
            Err(StoreError::Unavailable(detail))
        })
    }

    /// Whether a connection that comes back may be one whose answer never came.
    pub(crate) fn is_strained(&self) -> bool {
        match self.gave_up_ms.load(Ordering::Acquire) {
            0 => false,
            at_ms => task::monotonic_ms().saturating_sub(at_ms) < SUSPECT_MS,
        }
    }
}

/// A read under way.
struct Unfinished<'p> {
    of: &'p Patience,
    over: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.of.gave_up_ms.store(task::monotonic_ms(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_read_without_an_answer_ends_and_its_connection_is_suspect() {
        let patience = Patience::of(Duration::from_millis(20));
        assert_eq!(patience.wait(async { Ok(7) }).await, Ok(7));
        assert!(!patience.is_strained());
        let ended = patience.wait(pending::<Result<(), StoreError>>()).await;
        assert!(
            matches!(&ended, Err(StoreError::Unavailable(why)) if why.contains("within 20 ms")),
            "{ended:?}"
        );
        assert!(patience.is_strained());
    }

    #[tokio::test]
    async fn the_pool_knows_before_a_connection_comes_back_also_when_the_caller_went_away() {
        struct Connection(Arc<Patience>, Arc<AtomicU64>);
        impl Drop for Connection {
            fn drop(&mut self) {
                self.1.store(1 + u64::from(self.0.is_strained()), Ordering::Release);
            }
        }
        let (patience, seen) = (Patience::of(Duration::from_secs(9)), Arc::new(AtomicU64::new(0)));
        let connection = Connection(patience.clone(), seen.clone());
        let read = patience.wait(async move {
            let _held = connection;
            pending::<Result<(), StoreError>>().await
        });
        assert!(task::within(Duration::from_millis(10), read).await.is_none());
        assert_eq!(seen.load(Ordering::Acquire), 2, "looked at as suspect");
    }

    #[tokio::test]
    async fn a_file_is_waited_for() {
        let patience = Patience::endless();
        let late = async {
            task::pause(Duration::from_millis(20)).await;
            Ok(7)
        };
        assert_eq!(patience.wait(late).await, Ok(7));
        assert!(!patience.is_strained());
    }
}
