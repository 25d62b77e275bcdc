//! Blocks of network addresses: whom deliveries may reach, and which proxies are believed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    len: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no block of addresses such as `10.0.0.0/8` or `fd00::/8`")]
pub struct PrefixError(String);

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let wrong = || PrefixError(text.chars().take(60).collect());
        let (address, len) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let len = if len.is_empty() { bits } else { len.trim().parse().map_err(|_| wrong())? };
        if len > bits || text.ends_with('/') { Err(wrong()) } else { Ok(Self { address, len }) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

impl Prefix {
    /// The addresses that share their first `len` bits with this one; all bits where it has fewer.
    pub const fn new(address: IpAddr, len: u8) -> Self {
        Self { address, len }
    }

    /// Is this address in it? An IPv4 address is in no block of IPv6, whatever it is written as.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(of), IpAddr::V4(it)) => same(of.to_bits().into(), it.to_bits().into(), 32, self.len),
            (IpAddr::V6(of), IpAddr::V6(it)) => same(of.to_bits(), it.to_bits(), 128, self.len),
            _ => false,
        }
    }
}

/// Are the first `len` of `bits` bits the same?
fn same(a: u128, b: u128, bits: u32, len: u8) -> bool {
    let rest = bits.saturating_sub(u32::from(len));
    // A shift by all bits is none.
    (a ^ b).checked_shr(rest).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_prefix_reads_as_it_prints() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.168.1.1/32", "fd00::/8", "::/0"] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), text);
        }
        assert_eq!("127.0.0.1".parse::<Prefix>().unwrap().to_string(), "127.0.0.1/32");
        for bad in ["", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0/8", "example.com/8", "10.0.0.0/-1"]
        {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_block_ends_where_its_bits_differ() {
        let within =
            |block: &str, address: &str| block.parse::<Prefix>().unwrap().contains(address.parse().unwrap());
        assert!(within("10.0.0.0/8", "10.255.0.1") && !within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("0.0.0.0/0", "255.1.2.3") && !within("0.0.0.0/0", "::1"));
        assert!(within("fd00::/8", "fdff::1") && !within("fd00::/8", "fe00::1"));
        assert!(within("10.1.2.3", "10.1.2.3") && !within("10.1.2.3", "10.1.2.2"));
    }

    proptest! {
        #[test]
        fn hostile_text_never_panics(text in "\\PC{0,60}") {
            let _ = text.parse::<Prefix>();
        }
    }
}
