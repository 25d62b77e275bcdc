//! Exact decimals on the wire: credits and other quantities, never through floating point.
//!
//! Both read the text of the JSON number itself, so `0.1` is one tenth and finer input than six
//! decimals is refused, not rounded. They only work with `serde_json` and only outside flattened or
//! tagged shapes, where serde has already turned the number into a float.

use std::borrow::Cow;
use std::fmt;

use reeve_types::Credits;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Credits on the wire: a JSON number with at most 6 decimals; whole amounts print without a fraction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(pub Credits);

/// Something counted that is not credits (units, seconds): the same exact decimal, another meaning.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Credits::ZERO);

    /// The amount inside.
    pub const fn credits(self) -> Credits {
        self.0
    }
}

impl From<Credits> for Amount {
    fn from(credits: Credits) -> Self {
        Self(credits)
    }
}

impl From<Amount> for Credits {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl Quantity {
    /// Millionths in one.
    pub const SCALE: i64 = 1_000_000;

    /// From millionths.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The millionths.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// A whole number; `None` when it does not fit.
    pub const fn whole(n: i64) -> Option<Self> {
        match n.checked_mul(Self::SCALE) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Milliseconds as seconds; they stop at the ends of the range.
    pub const fn seconds_from_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// Seconds as milliseconds, cut.
    pub const fn seconds_to_ms(self) -> i64 {
        self.0 / 1_000
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Credits::from_micros(self.0), f)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        write_decimal(self.0, s)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        read_decimal(d).map(Self)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        write_decimal(Credits::from_micros(self.0), s)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        read_decimal(d).map(|decimal| Self(decimal.micros()))
    }
}

/// `Credits` is the house's exact decimal of six places: its text is the JSON number.
fn write_decimal<S: Serializer>(decimal: Credits, s: S) -> Result<S::Ok, S::Error> {
    if decimal.micros() % Credits::SCALE == 0 {
        // Most amounts are whole, and a text that is read once more to see that it is a number takes ten times as long.
        return s.serialize_i64(decimal.micros() / Credits::SCALE);
    }
    RawValue::from_string(decimal.to_string()).map_err(ser::Error::custom)?.serialize(s)
}

fn read_decimal<'de, D: Deserializer<'de>>(d: D) -> Result<Credits, D::Error> {
    let raw = Box::<RawValue>::deserialize(d)?;
    raw.get().parse().map_err(de::Error::custom)
}

fn decimal_schema(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Number)
        .description(Some(description))
        .multiple_of(Some(0.000_001))
        .into()
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        decimal_schema("Credits: a number with at most 6 decimals.")
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}

impl PartialSchema for Quantity {
    fn schema() -> RefOr<Schema> {
        decimal_schema("A number with at most 6 decimals.")
    }
}

impl ToSchema for Quantity {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Quantity")
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<i64, String> {
        serde_json::from_str::<Amount>(text).map(|a| a.0.micros()).map_err(|e| e.to_string())
    }

    #[test]
    fn an_amount_is_the_number_that_was_written() {
        assert_eq!(read("0.1"), Ok(100_000));
        assert_eq!(read("12"), Ok(12_000_000));
        assert_eq!(read(" -2.5e-1 "), Ok(-250_000));
        // A float has no such number: it would come back as ...807.
        assert_eq!(read("9223372036854.775807"), Ok(i64::MAX));
    }

    #[test]
    fn whole_amounts_print_without_a_fraction() {
        assert_eq!(serde_json::to_string(&Amount(Credits::from_micros(12_000_000))).unwrap(), "12");
        assert_eq!(serde_json::to_string(&Amount(Credits::from_micros(-1))).unwrap(), "-0.000001");
        assert_eq!(serde_json::to_string(&Quantity::seconds_from_ms(10_000)).unwrap(), "10");
    }

    #[test]
    fn finer_larger_or_other_input_is_refused() {
        assert!(read("0.0000001").unwrap_err().contains("more than 6 decimals"));
        for text in ["1e30", "\"1\"", "null", "true", "[]", "{\"a\":1}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_absent_amount_is_not_a_wrong_one() {
        #[derive(Deserialize)]
        struct Holder {
            credits: Option<Amount>,
        }
        assert_eq!(serde_json::from_str::<Holder>("{}").unwrap().credits, None);
        assert_eq!(serde_json::from_str::<Holder>(r#"{"credits":null}"#).unwrap().credits, None);
        assert!(serde_json::from_str::<Holder>(r#"{"credits":"1"}"#).is_err());
    }

    proptest! {
        #[test]
        fn amounts_read_back_exactly(
            micros in prop_oneof![-i64::MAX..=i64::MAX, (-1_000_000_000..=1_000_000_000_i64).prop_map(|n| n * 1_000_000)],
        ) {
            let amount = Amount(Credits::from_micros(micros));
            let text = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), amount);
        }
    }
}
