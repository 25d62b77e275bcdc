//! The address that the server listens on.
//!
//! Used by the commands that serve. Guarantees: thousands may connect at once.

use std::io::{Error, ErrorKind};
use std::net::TcpListener;

use crate::exit::Failure;

/// Connections that may wait to be accepted; the system may allow fewer (`net.core.somaxconn`).
const WAITING_CONNECTIONS_MAX: i32 = 8_192;

/// Binds an address.
///
/// # Errors
/// It is taken, or not ours to take.
pub fn bind(listen: &str) -> Result<TcpListener, Failure> {
    let failed = |e: Error| {
        let way_out = match e.kind() {
            ErrorKind::AddrInUse => {
                "; stop the program that has it, or name another with --listen or `server.listen`"
            }
            _ => "",
        };
        Failure::environment(&format!("cannot listen on `{listen}`"), format!("{e}{way_out}"))
    };
    let listener = TcpListener::bind(listen).map_err(failed)?;
    // The standard library lets 128 connections wait. One more is not refused but left unanswered, and its caller tries
    // again after a whole second: a fleet that connects at once would see that.
    rustix::net::listen(&listener, WAITING_CONNECTIONS_MAX).map_err(|e| failed(e.into()))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    /// Far more than the standard library's 128, and within what systems allow that have not been told otherwise.
    const AT_ONCE: usize = 400;

    #[test]
    fn hundreds_may_connect_before_the_first_is_accepted() {
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").ok();
        let allowed = allowed.and_then(|text| text.trim().parse::<usize>().ok()).unwrap_or(AT_ONCE);
        let listener = bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Less than the second after which a connection that was left unanswered is tried again.
        let patience = Duration::from_millis(900);
        let all: Vec<_> =
            (0..AT_ONCE.min(allowed)).map(|_| TcpStream::connect_timeout(&address, patience)).collect();
        assert_eq!(all.iter().filter(|connected| connected.is_err()).count(), 0);
    }
}
