//! Where deliveries may go: public addresses only, unless the operator allows others.
//!
//! An endpoint's address is given by somebody outside, and the server calls it from inside: without this guard it
//! would be a way to whatever listens beside the server. What counts is the address that is connected to, so names
//! are judged by what they resolve to, at each try, and the connection is made to the very address that was judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reeve_types::Prefix;
use url::{Host, Url};

/// Why an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forbidden {
    #[error("`{0}` is not an address of the web: {1}")]
    Malformed(String, String),
    #[error("`{0}` is neither https nor http")]
    Scheme(String),
    #[error("plain http is not allowed; use https, or set `webhooks.allow_http`")]
    PlainHttp,
    #[error("an address must not hold a user name or password")]
    UserInfo,
    #[error("`{address}` is {what}; `webhooks.allow_addresses` may allow it")]
    Address { address: IpAddr, what: &'static str },
}

/// What is allowed here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    allow_http: bool,
    allowed: Vec<Prefix>,
}

impl Guard {
    pub(crate) const fn new(allow_http: bool, allowed: Vec<Prefix>) -> Self {
        Self { allow_http, allowed }
    }

    /// A web address that may be called as far as its text tells: scheme, no user, and an address that is written out.
    pub(crate) fn url(&self, text: &str) -> Result<Url, Forbidden> {
        let url = Url::parse(text)
            .map_err(|e| Forbidden::Malformed(text.chars().take(200).collect(), e.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            "http" => return Err(Forbidden::PlainHttp),
            other => return Err(Forbidden::Scheme(other.chars().take(40).collect())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::UserInfo);
        }
        match url.host() {
            Some(Host::Ipv4(address)) => drop(self.address(address.into())?),
            Some(Host::Ipv6(address)) => drop(self.address(address.into())?),
            // A name of dots alone reads as a host, and is nobody's.
            Some(Host::Domain(name)) if name.bytes().any(|byte| byte != b'.') => {}
            Some(Host::Domain(_)) | None => {
                return Err(Forbidden::Malformed(
                    text.chars().take(200).collect(),
                    "it has no host".to_owned(),
                ));
            }
        }
        Ok(url)
    }

    /// The address to connect to, if it may be called.
    pub(crate) fn address(&self, address: IpAddr) -> Result<IpAddr, Forbidden> {
        // An IPv4 address in the clothes of an IPv6 one reaches the IPv4 host.
        let address = address.to_canonical();
        match special(address) {
            Some(_) if self.allowed.iter().any(|prefix| prefix.contains(address)) => Ok(address),
            Some(what) => Err(Forbidden::Address { address, what }),
            None => Ok(address),
        }
    }
}

/// What an address is for, when it is not an ordinary public one. After the registries of special-purpose addresses of
/// IANA; what they call globally reachable and is no host of anybody's, such as anycast, is refused as well.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

const V4: [(&str, [u8; 4], u8); 19] = [
    ("of this network", [0, 0, 0, 0], 8),
    ("private", [10, 0, 0, 0], 8),
    ("shared by customers of a provider", [100, 64, 0, 0], 10),
    ("a loopback address", [127, 0, 0, 0], 8),
    ("link-local", [169, 254, 0, 0], 16),
    ("private", [172, 16, 0, 0], 12),
    ("kept for protocols", [192, 0, 0, 0], 24),
    ("kept for documentation", [192, 0, 2, 0], 24),
    ("kept for name servers of private addresses", [192, 31, 196, 0], 24),
    ("kept for multicast relays", [192, 52, 193, 0], 24),
    ("kept for 6to4 relays", [192, 88, 99, 0], 24),
    ("private", [192, 168, 0, 0], 16),
    ("kept for name servers of private addresses", [192, 175, 48, 0], 24),
    ("kept for benchmarks", [198, 18, 0, 0], 15),
    ("kept for documentation", [198, 51, 100, 0], 24),
    ("kept for documentation", [203, 0, 113, 0], 24),
    ("multicast", [224, 0, 0, 0], 4),
    ("reserved", [240, 0, 0, 0], 4),
    // In no registry: a public address at which a cloud answers its machines.
    ("a cloud's own", [168, 63, 129, 16], 32),
];

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let inside = |(_, of, len): &&(&str, [u8; 4], u8)| {
        Prefix::new(Ipv4Addr::from(*of).into(), *len).contains(address.into())
    };
    V4.iter().find(inside).map(|(what, _, _)| *what)
}

const V6: [(&str, [u16; 8], u8); 8] = [
    ("kept for protocols", [0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ("kept for documentation", [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ("6to4", [0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ("kept for name servers of private addresses", [0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48),
    ("kept for documentation", [0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    ("local to a site", [0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    ("link-local", [0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    ("multicast", [0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];
/// IPv4 addresses behind a translator; a network that has no IPv4 resolves every such host to one of these.
const NAT64: [u16; 8] = [0x64, 0xff9b, 0, 0, 0, 0, 0, 0];
/// The only block from which public addresses are given out.
const PUBLIC: [u16; 8] = [0x2000, 0, 0, 0, 0, 0, 0, 0];

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let inside = |of: [u16; 8], len| Prefix::new(Ipv6Addr::from(of).into(), len).contains(address.into());
    if inside(NAT64, 96) {
        let [.., a, b, c, d] = address.octets();
        return special_v4(Ipv4Addr::new(a, b, c, d));
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if let Some((what, ..)) = V6.iter().find(|(_, of, len)| inside(*of, *len)) {
        return Some(what);
    }
    (!inside(PUBLIC, 3)).then_some("not one that is given out")
}

#[cfg(test)]
mod tests;
