//! Who sent a request that came through proxies.
//!
//! Used where requests are counted by address, and nowhere else: nobody is let in because of an address. Each proxy
//! adds the address it was called from at the end of `X-Forwarded-For`. Whatever stands before the first address that
//! a trusted proxy did not vouch for was written by the caller, and is worth nothing.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use reeve_types::Prefix;

/// Most proxies in a row; a longer list is not followed to its end.
const HOPS_MAX: usize = 16;

/// The address nearest to the server that is no trusted proxy's.
pub(crate) fn origin(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Prefix]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    let mut nearest = peer?.to_canonical();
    if trusted.is_empty() || !is_trusted(nearest) {
        return Some(nearest);
    }
    // Several lines are one list, in their order.
    let lines: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(HOPS_MAX) {
        // What cannot be read ends the list: the proxy that passed it on answers for it.
        let Some(address) = address(hop.trim()) else { break };
        nearest = address;
        if !is_trusted(nearest) {
            break;
        }
    }
    Some(nearest)
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = plain.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|addr| addr.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        let trusted: Vec<Prefix> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        origin(Some(peer.parse().unwrap()), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(of("203.0.113.9", &["1.1.1.1"], &[]), "203.0.113.9");
        assert_eq!(of("203.0.113.9", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(origin(None, &HeaderMap::new(), &[]), None);
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts_and_what_the_caller_wrote_does_not() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        let cases: [(&[&str], &str); 9] = [
            (&[], "10.0.0.1"),
            (&["198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::7]:443, fd00::1"], "2001:db8::7"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["198.51.100.7, unknown"], "10.0.0.1"),
        ];
        for (lines, expected) in cases {
            assert_eq!(of("10.0.0.1", lines, &trusted), expected, "{lines:?}");
        }
        assert_eq!(of("::ffff:10.0.0.1", &["198.51.100.7"], &trusted), "198.51.100.7");
    }

    proptest! {
        #[test]
        fn hostile_lists_lead_to_an_address(line in "[ -~]{0,200}") {
            of("10.0.0.1", &[&line], &["10.0.0.0/8"]);
        }
    }
}
