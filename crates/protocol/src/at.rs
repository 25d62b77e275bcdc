//! Instants on the wire: RFC 3339 in UTC with milliseconds.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike};
use reeve_types::Millis;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// An instant on the wire. Any offset is read, UTC is written; finer digits than milliseconds are cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct At(pub Millis);

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AtError {
    /// The text is not a time.
    #[error("`{0}` is not an RFC 3339 time such as `2026-01-31T12:00:00Z`")]
    Malformed(String),
    /// A time whose year cannot be written with four digits, or lies before the epoch.
    #[error("the year of `{0}` is outside 1970 to 9999")]
    Year(String),
}

impl At {
    /// 9999-12-31T23:59:59.999Z, the last instant with a four-digit year.
    const LAST: Millis = Millis::from_millis(253_402_300_799_999);

    /// The instant inside.
    pub const fn millis(self) -> Millis {
        self.0
    }
}

impl From<Millis> for At {
    fn from(at: Millis) -> Self {
        Self(at)
    }
}

impl From<At> for Millis {
    fn from(at: At) -> Self {
        at.0
    }
}

impl fmt::Display for At {
    /// An instant outside the years that the wire has is shown as the nearest end: RFC 3339 cannot say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.clamp(Millis::from_millis(0), Self::LAST), f)
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for At {
    type Err = AtError;

    fn from_str(text: &str) -> Result<Self, AtError> {
        let clip = || text.chars().take(40).collect::<String>();
        let utc = DateTime::parse_from_rfc3339(text).map_err(|_| AtError::Malformed(clip()))?.to_utc();
        if (1970..=9999).contains(&utc.year()) {
            Ok(Self(Millis::from_utc(utc)))
        } else {
            Err(AtError::Year(clip()))
        }
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Cow::<'_, str>::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

impl PartialSchema for At {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339 in UTC with milliseconds."))
            .into()
    }
}

impl ToSchema for At {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("At")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(text: &str) -> Result<i64, AtError> {
        text.parse::<At>().map(|at| at.0.value())
    }

    #[test]
    fn any_offset_is_read_and_utc_is_written() {
        assert_eq!(ms("2023-11-14T22:13:20.123Z"), Ok(1_700_000_000_123));
        assert_eq!(ms("2023-11-15T00:13:20.123999+02:00"), Ok(1_700_000_000_123));
        assert_eq!(At(Millis::from_millis(1_700_000_000_000)).to_string(), "2023-11-14T22:13:20.000Z");
    }

    #[test]
    fn years_that_the_wire_does_not_have_are_refused() {
        assert!(matches!(ms("1969-12-31T23:59:59Z"), Err(AtError::Year(_))));
        assert!(matches!(ms("1970-01-01T00:30:00+01:00"), Err(AtError::Year(_))));
        assert!(matches!(ms("9999-12-31T23:30:00-01:00"), Err(AtError::Year(_))));
        assert_eq!(ms("9999-12-31T23:59:59.999Z"), Ok(At::LAST.value()));
        for bad in ["", "2023-11-14", "1700000000", "2023-13-01T00:00:00Z", "2023-11-14T22:13:20"] {
            assert!(matches!(ms(bad), Err(AtError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn an_instant_beyond_the_wire_is_shown_as_its_end() {
        assert_eq!(At(Millis::from_millis(i64::MAX)).to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(At(Millis::from_millis(-5)).to_string(), "1970-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn instants_read_back(ms in 0..=At::LAST.value()) {
            let at = At(Millis::from_millis(ms));
            prop_assert_eq!(at.to_string().parse::<At>(), Ok(at));
        }

        #[test]
        fn hostile_text_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<At>();
        }
    }
}
