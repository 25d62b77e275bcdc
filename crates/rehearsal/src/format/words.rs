//! Instants and spans of time as examples write them.

use std::fmt;

use reeve_types::Millis;
use serde::de::{Deserialize, Deserializer, Error};

/// An instant: RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant(pub Millis);

impl Instant {
    fn read(text: &str) -> Result<Self, String> {
        let parsed = chrono::DateTime::parse_from_rfc3339(text);
        parsed
            .map(|at| Self(Millis::from_utc(at.to_utc())))
            .map_err(|_| format!("`{text}` is not an instant such as `2026-01-31T00:00:00Z`"))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(d)?).map_err(Error::custom)
    }
}

/// An instant, or the name of one that the workspace knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(Millis),
    PeriodEnd,
    TermEnd,
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.as_str() {
            "period_end" => Ok(Self::PeriodEnd),
            "term_end" => Ok(Self::TermEnd),
            text => Instant::read(text).map(|at| Self::At(at.0)).map_err(Error::custom),
        }
    }
}

/// When something ends: an instant, or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End(pub Option<Millis>);

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => at.fmt(f),
            None => f.pad("never"),
        }
    }
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.as_str() {
            "never" => Ok(Self(None)),
            text => Instant::read(text).map(|at| Self(Some(at.0))).map_err(Error::custom),
        }
    }
}

/// A span of time such as `6d 23h 59m 59s`, or `250ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub ms: i64,
}

impl Span {
    fn read(text: &str) -> Option<Self> {
        let parts = text.split_whitespace();
        let ms = parts.map(part_ms).try_fold(0_i64, |sum, ms| sum.checked_add(ms?))?;
        (ms > 0).then_some(Self { ms })
    }
}

fn part_ms(part: &str) -> Option<i64> {
    let digits = part.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = part.split_at_checked(digits)?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit_ms)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::read(&text).ok_or_else(|| {
            Error::custom(format_args!("`{text}` is not a span of time such as `7d` or `6d 23h 59m`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up_and_nonsense_is_refused() {
        assert_eq!(Span::read("1d 1h 1m 1s 1ms"), Some(Span { ms: 90_061_001 }));
        for text in ["", "0s", "7", "d", "1w", "-1d", "99999999999999999999d"] {
            assert_eq!(Span::read(text), None, "{text}");
        }
    }
}
