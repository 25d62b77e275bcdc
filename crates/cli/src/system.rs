//! The one module that asks the system for the time, for randomness, for tasks and for pauses.
//!
//! Everything else is given these, so that it can be tested without waiting and without chance.

use std::future::Future;
use std::time::{Duration, Instant};

use reeve_actors::Entropy;
use reeve_types::{Clock, Millis};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Millis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is unset; the workspaces' own clocks never step back, so 0 harms nothing.
        Millis::from_millis(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A generator that the system's randomness seeds, and that nobody can guess: secrets of keys come from it too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the randomness that everything else is given")]
    fn bits(&self) -> u128 {
        rand::random()
    }
}

/// Bytes nobody can guess.
#[expect(clippy::disallowed_methods, reason = "made once, for the secret that signs links")]
pub fn secret_bytes() -> [u8; 32] {
    rand::random()
}

/// A task on the present runtime.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}

/// A task on a runtime, from a thread that has none.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub fn spawn_on<T: Send + 'static>(
    runtime: &Handle,
    future: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    runtime.spawn(future)
}

/// Work that blocks, on a thread for it; `None` when it broke off.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// A task on this thread, inside an actix system; for what may not move to another thread.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub fn spawn_here<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    actix_web::rt::spawn(future)
}

/// A pause.
#[expect(clippy::disallowed_methods, reason = "this is the wrapper that the ban points to")]
pub async fn pause_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// The future's value, or `None` when it takes longer.
pub async fn within_ms<T>(ms: u64, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(ms), future).await.ok()
}

/// A point on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Mark(Instant);

impl Mark {
    /// Now.
    #[expect(clippy::disallowed_methods, reason = "measures how long something took, for people")]
    pub fn now() -> Self {
        Self(Instant::now())
    }

    /// Seconds since then.
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Runs a command that only talks to a server.
///
/// # Errors
/// The system gives no thread or socket.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, std::io::Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(future))
}

/// Files that this process may have open, raised as far as the system lets it; thousands of event streams need them.
#[cfg(unix)]
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Refused when the hard limit is not ours to reach: then the soft one stays, which is no failure.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current
}

/// Elsewhere there is no such limit to raise.
#[cfg(not(unix))]
pub fn raise_open_files() -> Option<u64> {
    None
}
