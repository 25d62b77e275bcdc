//! Addresses by what becomes of them.

use proptest::prelude::*;

use super::*;

/// Refused, each for the first and the last of a block or a well-known member of it.
const REFUSED: &[&str] = &[
    "0.0.0.0",
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.0",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "192.175.48.1",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::2",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff:ffff::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
];

/// The neighbours of the blocks above, and a few well-known hosts.
const PUBLIC_ONES: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:800::200e",
];

#[test]
fn special_addresses_are_refused_and_public_ones_are_not() {
    let guard = Guard::default();
    for text in REFUSED {
        assert!(guard.address(text.parse().unwrap()).is_err(), "{text} must be refused");
    }
    for text in PUBLIC_ONES {
        assert_eq!(guard.address(text.parse().unwrap()).map(|_| ()), Ok(()), "{text} is public");
    }
}

#[test]
fn the_operator_may_allow_a_block_and_nothing_else_of_it_follows() {
    let guard = Guard::new(true, vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    for fine in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "8.8.8.8"] {
        assert!(guard.address(fine.parse().unwrap()).is_ok(), "{fine}");
    }
    for bad in ["10.2.0.1", "127.0.0.1", "fc00::1", "64:ff9b::10.1.2.3"] {
        assert!(guard.address(bad.parse().unwrap()).is_err(), "{bad}");
    }
}

#[test]
fn an_address_is_connected_to_as_what_it_reaches() {
    let guard = Guard::default();
    let reached = guard.address("::ffff:8.8.8.8".parse().unwrap());
    assert_eq!(reached, Ok("8.8.8.8".parse().unwrap()));
}

#[test]
fn urls_are_judged_by_scheme_user_and_written_address() {
    let guard = Guard::default();
    for fine in ["https://hooks.example.com/a?b=c", "https://8.8.8.8:8443/", "https://[2606:4700::1]/"] {
        assert!(guard.url(fine).is_ok(), "{fine}");
    }
    for bad in [
        "",
        "hooks.example.com",
        "http://hooks.example.com",
        "ftp://hooks.example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://./",
        "https:...",
        "https://user@hooks.example.com",
        "https://user:pass@hooks.example.com",
        "https://:pass@hooks.example.com",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1\\@8.8.8.8/",
    ] {
        assert!(guard.url(bad).is_err(), "{bad}");
    }
    assert!(Guard::new(true, Vec::new()).url("http://hooks.example.com").is_ok());
    assert!(Guard::new(true, Vec::new()).url("http://127.0.0.1").is_err());
}

proptest! {
    #[test]
    fn a_mapped_address_is_judged_as_the_one_it_reaches(bits: u32) {
        let v4 = Ipv4Addr::from_bits(bits);
        let guard = Guard::default();
        let (plain, mapped) = (guard.address(v4.into()), guard.address(v4.to_ipv6_mapped().into()));
        prop_assert_eq!(plain, mapped);
    }

    #[test]
    fn nothing_outside_the_public_block_of_ipv6_is_called(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        let is_public = bits >> 125 == 1 || bits >> 32 == Ipv6Addr::from(NAT64).to_bits() >> 32
            || address.to_ipv4_mapped().is_some();
        prop_assert!(is_public || Guard::default().address(address.into()).is_err());
    }

    #[test]
    fn hostile_text_never_panics(text in "\\PC{0,60}") {
        let _ = Guard::default().url(&text);
    }
}
