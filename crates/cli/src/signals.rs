//! Ctrl-C and SIGTERM: the first asks to end in order, the second ends at once. SIGHUP asks to read settings again.

use std::io;

use crate::system;

/// The exit code of a process that a second signal ended, as shells have it for Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Waits for the first signal. From then on a second one ends the process.
///
/// # Errors
/// The system does not let signals be heard.
pub async fn first() -> io::Result<()> {
    next().await?;
    system::spawn(async {
        if next().await.is_ok() {
            eprintln!("\nended at once; what was acknowledged is safe");
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}

#[cfg(unix)]
async fn next() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn next() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Hang-ups: by old custom, a service reads its settings again.
pub struct Hangups {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Hangups {
    /// Hears them from now on; without it the first one would end the process.
    ///
    /// # Errors
    /// The system does not let them be heard.
    pub fn hear() -> io::Result<Self> {
        Ok(Self { signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())? })
    }

    /// Waits for the next; false when there is none to come.
    pub async fn next(&mut self) -> bool {
        self.signal.recv().await.is_some()
    }
}

#[cfg(not(unix))]
impl Hangups {
    /// There are none.
    pub fn hear() -> io::Result<Self> {
        Ok(Self {})
    }

    /// There is none to come.
    pub async fn next(&mut self) -> bool {
        false
    }
}
