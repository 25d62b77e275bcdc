//! The address that the server would listen on: free, or taken by a server that runs.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::{Finding, server};
use crate::args::Remote;
use crate::config::Settings;

const CHECK: &str = "port";

/// What was found, and whether a server of ours answers there.
pub(super) async fn check(settings: &Settings, is_held: bool) -> (Finding, bool) {
    let listen = &settings.server.listen;
    let error = match TcpListener::bind(listen) {
        Ok(_) => return (Finding::good(CHECK, format!("`{listen}` is free")), false),
        Err(error) => error,
    };
    let choose = "choose another address with --listen or `server.listen`";
    if error.kind() != ErrorKind::AddrInUse {
        let found = format!("cannot listen on `{listen}`: {error}");
        return (Finding::failed(CHECK, found, choose), false);
    }
    let remote = Remote { url: url_here(settings), key: None, ca: None };
    if server::is_alive(&remote).await {
        return (Finding::good(CHECK, format!("`{listen}` is in use: a server answers there")), true);
    }
    // With a certificate that this machine does not trust nobody can be asked; then the database's holder tells.
    if is_held {
        return (Finding::good(CHECK, format!("`{listen}` is in use, and a server has the database")), true);
    }
    let found = format!("`{listen}` is in use by another program");
    (Finding::failed(CHECK, found, format!("stop that one, or {choose}")), false)
}

/// How a client on this machine reaches the server of these settings.
pub(super) fn url_here(settings: &Settings) -> String {
    let scheme = if settings.server.tls.cert.is_empty() { "http" } else { "https" };
    match settings.server.listen.parse::<SocketAddr>() {
        Ok(address) => format!("{scheme}://{}", reachable(address)),
        Err(_) => format!("{scheme}://{}", settings.server.listen),
    }
}

/// Nobody can connect to "every address".
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn listening_on(listen: String) -> Settings {
        let mut settings = crate::config::shipped().unwrap();
        settings.server.listen = listen;
        settings
    }

    #[tokio::test]
    async fn an_address_is_free_or_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = listening_on(taken.local_addr().unwrap().to_string());
        let (found, is_served) = check(&settings, false).await;
        assert!(found.state == State::Bad && !is_served, "{found:?}");
        let (found, is_served) = check(&settings, true).await;
        assert!(found.state == State::Good && is_served, "{found:?}");
        drop(taken);
        let (found, is_served) = check(&settings, false).await;
        assert!(found.state == State::Good && !is_served, "{found:?}");
    }

    #[test]
    fn every_address_is_reached_over_this_machine() {
        assert_eq!(url_here(&listening_on("0.0.0.0:80".to_owned())), "http://127.0.0.1:80");
        assert_eq!(url_here(&listening_on("[::]:80".to_owned())), "http://[::1]:80");
        let mut settings = listening_on("10.0.0.1:443".to_owned());
        settings.server.tls.cert = "c".to_owned();
        assert_eq!(url_here(&settings), "https://10.0.0.1:443");
    }
}
