//! Amounts and factors as catalog files write them: `8`, `0.5`, or `"0.5"`.
//!
//! The derived form of `Credits` is its millionths, which is right for stored rows and wrong for people: an `8` in a
//! catalog must never be read as eight millionths. Nothing here rounds: finer input is refused.

use std::collections::BTreeMap;
use std::fmt;

use reeve_types::{Credits, PlanName};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A multiplier with at most six decimals, such as 2 or 1.5.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Factor(i64);

impl Factor {
    /// Times one.
    pub const ONE: Self = Self(Credits::SCALE);

    /// Millionths of the factor.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// A factor of so many millionths.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// An amount times this, rounded down to a millionth; `None` beyond what an amount can hold.
    pub fn of(self, amount: Credits) -> Option<Credits> {
        let product = i128::from(amount.micros()) * i128::from(self.0);
        i64::try_from(product.div_euclid(i128::from(Credits::SCALE))).ok().map(Credits::from_micros)
    }
}

impl serde::Serialize for Factor {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&Credits::from_micros(self.0))
    }
}

impl<'de> Deserialize<'de> for Factor {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        credits(d).map(|amount| Self(amount.micros()))
    }
}

/// A decimal, read exactly.
struct Decimal(Credits);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(DecimalVisitor).map(Self)
    }
}

pub(super) struct DecimalVisitor;

impl Visitor<'_> for DecimalVisitor {
    type Value = Credits;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount with at most 6 decimals")
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Credits, E> {
        Credits::whole(n).ok_or_else(|| E::custom(format_args!("`{n}` is beyond what an amount can hold")))
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Credits, E> {
        self.visit_str(&n.to_string())
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Credits, E> {
        // The shortest text that reads back as the same number is what the author wrote.
        self.visit_str(&n.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Credits, E> {
        text.parse().map_err(E::custom)
    }
}

/// Reads one amount: for `deserialize_with` in files that write amounts as catalogs do.
///
/// # Errors
/// What is not an amount, or finer than a millionth.
pub fn credits<'de, D: Deserializer<'de>>(d: D) -> Result<Credits, D::Error> {
    Decimal::deserialize(d).map(|amount| amount.0)
}

/// Like [`credits`], for a field that may be left out.
///
/// # Errors
/// What is not an amount, or finer than a millionth.
pub fn optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Credits>, D::Error> {
    Ok(Option::<Decimal>::deserialize(d)?.map(|amount| amount.0))
}

pub(super) fn list<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Credits>, D::Error> {
    Ok(Vec::<Decimal>::deserialize(d)?.into_iter().map(|amount| amount.0).collect())
}

/// Like [`credits`], for a list of amounts that may be left out.
///
/// # Errors
/// An entry that is not an amount, or finer than a millionth.
pub fn list_optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<Credits>>, D::Error> {
    list(d).map(Some)
}

pub(super) fn by_plan<'de, A: serde::de::MapAccess<'de>>(
    mut map: A,
) -> Result<BTreeMap<PlanName, Credits>, A::Error> {
    let mut amounts = BTreeMap::new();
    while let Some((plan, amount)) = map.next_entry::<PlanName, Decimal>()? {
        amounts.insert(plan, amount.0);
    }
    Ok(amounts)
}
