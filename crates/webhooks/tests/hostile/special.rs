//! Addresses that are kept for special purposes, in every way that browsers and resolvers read them. What is special is
//! told here by the standard library and by hand, not by the guard's own table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use reeve_webhooks::Settings;

use crate::{Desk, runner};

/// Is it none that a public host has?
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
}

fn is_special_v6(v6: Ipv6Addr) -> bool {
    let [first, second, ..] = v6.segments();
    let last = Ipv4Addr::from_bits(v6.to_bits() as u32);
    let is_translated = v6.to_bits() >> 32 == (0x64_ff9b << 64);
    if is_translated || v6.to_ipv4_mapped().is_some() {
        return is_special_v4(last);
    }
    // The first block holds ::, ::1 and old ways to write IPv4.
    v6.to_bits() >> 32 == 0
        || v6.is_multicast()
        || v6.is_unique_local()
        || v6.is_unicast_link_local()
        || first == 0x2002
        || (first == 0x2001 && second == 0xdb8)
}

fn special_v4() -> impl Strategy<Value = Ipv4Addr> {
    let blocks = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([127, 0, 0, 1], 32),
        ([169, 254, 0, 0], 16),
        ([169, 254, 169, 254], 32),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([224, 0, 0, 0], 4),
        ([255, 255, 255, 255], 32),
    ];
    (select(blocks.to_vec()), any::<u32>()).prop_map(|((base, len), bits)| {
        Ipv4Addr::from_bits(Ipv4Addr::from(base).to_bits() | bits.checked_shr(len).unwrap_or(0))
    })
}

fn special_v6() -> impl Strategy<Value = Ipv6Addr> {
    let blocks: Vec<(u128, u32)> =
        vec![(0xfc00 << 112, 7), (0xfe80 << 112, 10), (0xff00 << 112, 8), (0x2002 << 112, 16)];
    let block = (select(blocks), any::<u128>())
        .prop_map(|((base, len), bits)| Ipv6Addr::from_bits(base | (bits >> len)));
    let inside = special_v4().prop_map(|v4| v4.to_ipv6_mapped());
    let translated =
        special_v4().prop_map(|v4| Ipv6Addr::from_bits((0x64_ff9b << 96) | u128::from(v4.to_bits())));
    prop_oneof![block, inside, translated, Just(Ipv6Addr::LOCALHOST), Just(Ipv6Addr::UNSPECIFIED)]
}

/// One number of an address: decimal, hexadecimal, octal, with zeros before it.
fn numeral(n: u32, way: usize) -> String {
    match way % 6 {
        1 => format!("0x{n:x}"),
        2 => format!("0X{n:X}"),
        3 => format!("0{n:o}"),
        4 => format!("0x00{n:x}"),
        5 => format!("000{n:o}"),
        _ => n.to_string(),
    }
}

/// An IPv4 address in one of the ways that browsers and resolvers read: one to four numbers, each in its own way.
fn written_v4(v4: Ipv4Addr, parts: usize, ways: &[usize], ends_in_dot: bool) -> String {
    let bits = v4.to_bits();
    let numbers = match parts {
        1 => vec![bits],
        2 => vec![bits >> 24, bits & 0xff_ffff],
        3 => vec![bits >> 24, (bits >> 16) & 0xff, bits & 0xffff],
        _ => v4.octets().map(u32::from).to_vec(),
    };
    let texts: Vec<String> = numbers.iter().zip(ways).map(|(n, way)| numeral(*n, *way)).collect();
    format!("{}{}", texts.join("."), if ends_in_dot { "." } else { "" })
}

fn host() -> impl Strategy<Value = String> {
    let plain = (special_v4(), 1_usize..=4, prop::collection::vec(0_usize..6, 4), any::<bool>());
    let v4 = plain.prop_map(|(v4, parts, ways, dot)| written_v4(v4, parts, &ways, dot));
    let escaped = (v4.boxed(), any::<Index>()).prop_map(|(text, at)| {
        let at = at.index(text.len());
        let escape = format!("%{:02X}", text.as_bytes()[at]);
        format!("{}{escape}{}", &text[..at], &text[at + 1..])
    });
    let plain = (special_v4(), 1_usize..=4, prop::collection::vec(0_usize..6, 4), any::<bool>());
    let v4 = plain.prop_map(|(v4, parts, ways, dot)| written_v4(v4, parts, &ways, dot));
    let v6 = (special_v6(), 0..4_u8).prop_map(|(v6, way)| {
        let [.., g, h] = v6.segments();
        let [a, b, c, d] = [g >> 8, g & 0xff, h >> 8, h & 0xff];
        let long = v6.segments().map(|part| format!("{part:04X}")).join(":");
        match way {
            0 => format!("[{v6}]"),
            1 => format!("[{long}]"),
            2 => format!("[{}:{a}.{b}.{c}.{d}]", &long[..29]),
            _ => format!("[{}]", v6.to_string().to_uppercase()),
        }
    });
    prop_oneof![3 => v4, 1 => escaped, 2 => v6]
}

fn around() -> impl Strategy<Value = (&'static str, &'static str)> {
    let before =
        vec!["https://", "HTTPS://", "https:", "https:/", "https:///", "https:\\\\", "hTtPs:////", "http://"];
    (select(before), select(vec!["", "/", ":443/", ":1", ":65535/x", "?a=b", "#c", "/a/../b", "\\@8.8.8.8/"]))
}

#[test]
fn a_special_address_is_refused_in_whichever_way_it_is_written() {
    for allow_http in [false, true] {
        let desk = Desk::open(Settings { allow_http, ..Settings::default() });
        let ran = runner(1_500).run(&(host(), around()), |(host, (before, after))| {
            let url = format!("{before}{host}{after}");
            prop_assert!(!desk.takes(&url), "taken: {url}");
            Ok(())
        });
        ran.unwrap();
    }
}

#[test]
fn only_blocks_that_the_operator_named_are_taken_of_the_special_ones() {
    let allow_addresses = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let desk = Desk::open(Settings { allow_addresses, ..Settings::default() });
    let own = |address: IpAddr| match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[..2] == [10, 1],
        IpAddr::V6(v6) => v6.octets()[0] == 0xfd,
    };
    let strategy = prop_oneof![special_v4().prop_map(IpAddr::from), special_v6().prop_map(IpAddr::from)];
    let ran = runner(1_500).run(&strategy, |address| {
        let url = match address {
            IpAddr::V4(v4) => format!("https://{v4}/"),
            IpAddr::V6(v6) => format!("https://[{v6}]/"),
        };
        prop_assert_eq!(desk.takes(&url), own(address), "{}", url);
        Ok(())
    });
    ran.unwrap();
    assert!(desk.takes("https://10.1.2.3/") && desk.takes("https://[fd12::1]:8443/"));
}
