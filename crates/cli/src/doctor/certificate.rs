//! The server's certificate: whether it fits its key, and until when it is good.
//!
//! Its two dates are read from the DER by hand: they stand behind five elements that need not be understood, and what
//! understands all of them is a large dependency for two dates.

use std::path::Path;

use chrono::NaiveDate;
use reeve_api::Certificate;
use reeve_types::Millis;

use super::Finding;
use crate::config::TlsSettings;

const CHECK: &str = "certificate";
/// A renewal is due; those who renew by themselves do it earlier.
const DAYS_LEFT_MIN: i64 = 14;
const DAY_MS: i64 = 86_400_000;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

pub(super) fn check(tls: &TlsSettings, now: Millis) -> Finding {
    if tls.cert.is_empty() {
        return Finding::good(CHECK, "none: plain HTTP, for this machine or behind a proxy that speaks TLS");
    }
    let certificate = match Certificate::load(Path::new(&tls.cert), Path::new(&tls.key)) {
        Ok(certificate) => certificate,
        Err(error) => return Finding::wrong(CHECK, error.to_string(), "see docs/security.md, `server.tls`"),
    };
    let dates = certificate.leaf().and_then(|leaf| validity(&leaf));
    let Some((from, until)) = dates else {
        return Finding::warning(
            CHECK,
            format!("`{}` does not say until when it is good", tls.cert),
            "renew it",
        );
    };
    judged(&tls.cert, (from, until), now)
}

fn judged(file: &str, (from, until): (Millis, Millis), now: Millis) -> Finding {
    let renew = "renew it, then SIGHUP or POST /v1/reload puts it in force";
    if now > until {
        return Finding::failed(CHECK, format!("`{file}` expired at {until}"), renew);
    }
    if now < from {
        return Finding::failed(
            CHECK,
            format!("`{file}` is good only from {from} on"),
            "set the clock, or wait",
        );
    }
    let days = until.since(now) / DAY_MS;
    let found = format!("`{file}` is good for {days} more days, until {until}");
    if days < DAYS_LEFT_MIN { Finding::warning(CHECK, found, renew) } else { Finding::good(CHECK, found) }
}

/// From when to when a certificate is good (RFC 5280, 4.1).
fn validity(der: &[u8]) -> Option<(Millis, Millis)> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (signed, _) = element(certificate, SEQUENCE)?;
    let after_version = element(signed, VERSION).map_or(signed, |(_, rest)| rest);
    // Serial number, algorithm, issuer.
    let after_issuer = skip(skip(skip(after_version)?)?)?;
    let (dates, _) = element(after_issuer, SEQUENCE)?;
    let (from, rest) = time(dates)?;
    Some((from, time(rest)?.0))
}

/// The content of the first element if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(bytes)?;
    (found == tag).then_some((content, rest))
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    any(bytes).map(|(_, _, rest)| rest)
}

/// Tag, content and rest. A length is one byte below 128, or that many bytes of length behind the first.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (len, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
        let add = |sum: usize, byte: &u8| sum.checked_mul(256)?.checked_add(usize::from(*byte));
        (len.iter().try_fold(0, add)?, rest)
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((*tag, content, rest))
}

/// `YYMMDDHHMMSSZ`, of the years 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn time(bytes: &[u8]) -> Option<(Millis, &[u8])> {
    let (tag, content, rest) = any(bytes)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    let part = |n: usize| text.get(n * 2..n * 2 + 2)?.parse::<u32>().ok();
    let day = NaiveDate::from_ymd_opt(year, part(0)?, part(1)?)?;
    let at = day.and_hms_opt(part(2)?, part(3)?, part(4)?)?;
    Some((Millis::from_utc(at.and_utc()), rest))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::super::State;
    use super::*;

    /// A folder with a certificate that is good between two days.
    fn made(from: (i32, u8, u8), until: (i32, u8, u8)) -> (tempfile::TempDir, TlsSettings) {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let certificate = params.self_signed(&key).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let tls = TlsSettings { cert: path("cert.pem"), key: path("key.pem") };
        std::fs::write(&tls.cert, certificate.pem()).unwrap();
        std::fs::write(&tls.key, key.serialize_pem()).unwrap();
        (folder, tls)
    }

    fn at(text: &str) -> Millis {
        Millis::from_utc(text.parse().unwrap())
    }

    #[test]
    fn the_dates_of_a_certificate_decide() {
        let (_folder, tls) = made((2026, 1, 1), (2026, 3, 1));
        let state = |now: &str| check(&tls, at(now)).state;
        assert_eq!(state("2026-01-15T00:00:00Z"), State::Good);
        assert_eq!(state("2026-02-20T00:00:00Z"), State::Warning);
        assert_eq!(state("2026-03-02T00:00:00Z"), State::Bad);
        assert_eq!(state("2025-12-31T00:00:00Z"), State::Bad);
    }

    #[test]
    fn dates_beyond_2049_are_written_otherwise_and_read_too() {
        let (_folder, tls) = made((2026, 1, 1), (2051, 6, 30));
        let found = check(&tls, at("2026-01-15T00:00:00Z"));
        assert!(found.found.contains("until 2051-06-30T00:00:00"), "{found:?}");
    }

    #[test]
    fn what_is_no_certificate_is_told_and_never_misread() {
        let (folder, tls) = made((2026, 1, 1), (2026, 3, 1));
        let none = folder.path().join("none.pem").display().to_string();
        let found = check(&TlsSettings { cert: none, ..tls }, at("2026-01-15T00:00:00Z"));
        assert!(found.state == State::Bad && found.found.contains("none.pem"), "{found:?}");
        for bad in
            [&b""[..], &[SEQUENCE], &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff], &[SEQUENCE, 2, SEQUENCE, 9]]
        {
            assert_eq!(validity(bad), None, "{bad:?}");
        }
    }
}
