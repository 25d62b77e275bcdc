//! Amounts of credits: an integer of millionths, with checked arithmetic only.

use std::fmt;
use std::str::FromStr;

/// An amount of credits in millionths (10^-6), so that every price rule stays in integers (X16).
///
/// There is no `+` and no conversion from floating point: each use says what happens on overflow.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Credits(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal number at all.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// More decimals than a millionth has.
    #[error("`{0}` has more than 6 decimals; credits are counted in millionths")]
    TooFine(String),
    /// Its millionths do not fit an `i64`.
    #[error("`{0}` is beyond what an amount can hold")]
    TooLarge(String),
}

impl Credits {
    /// Millionths in one credit.
    pub const SCALE: i64 = 1_000_000;
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount from its millionths, as stored.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Whole credits; `None` when they do not fit.
    pub const fn whole(credits: i64) -> Option<Self> {
        match credits.checked_mul(Self::SCALE) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The millionths, for storage.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The sum; `None` on overflow.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference; `None` on overflow. It may be negative.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The difference, and nothing where it would be negative.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.checked_sub(other).filter(|rest| !rest.is_negative()).unwrap_or(Self::ZERO)
    }

    /// The amount `n` times; `None` on overflow.
    pub const fn checked_mul(self, n: i64) -> Option<Self> {
        match self.0.checked_mul(n) {
            Some(product) => Some(Self(product)),
            None => None,
        }
    }

    /// True for amounts above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// True for amounts below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum of many amounts, computed wide and refused when it does not fit.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        let wide: i128 = amounts.into_iter().map(|amount| i128::from(amount.0)).sum();
        i64::try_from(wide).ok().map(Self)
    }
}

impl fmt::Display for Credits {
    /// A decimal without trailing zeros; whole amounts print without a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let (whole, fraction) = (size / Self::SCALE.unsigned_abs(), size % Self::SCALE.unsigned_abs());
        if fraction == 0 && f.width().is_none() && f.precision().is_none() {
            // The usual one, without a text of its own.
            return write!(f, "{sign}{whole}");
        }
        if fraction == 0 {
            return f.pad(&format!("{sign}{whole}"));
        }
        let digits = format!("{fraction:06}");
        f.pad(&format!("{sign}{whole}.{}", digits.trim_end_matches('0')))
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}cr")
    }
}

impl FromStr for Credits {
    type Err = AmountError;

    /// Reads a JSON number's text exactly: sign, digits, fraction, exponent. Finer input is refused, never rounded.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let not_a_number = || AmountError::NotANumber(clip(text));
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match body.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| not_a_number())?),
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || mantissa.ends_with('.') {
            return Err(not_a_number());
        }
        let digits: String = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Ok(Self::ZERO);
        }
        // value = trimmed x 10^power credits
        let dropped = i64::try_from(significant.len() - trimmed.len()).map_err(|_| not_a_number())?;
        let fraction_len = i64::try_from(fraction.len()).map_err(|_| not_a_number())?;
        let power = i64::from(exponent) - fraction_len + dropped + 6;
        if power < 0 {
            return Err(AmountError::TooFine(clip(text)));
        }
        let too_large = || AmountError::TooLarge(clip(text));
        let scale =
            u32::try_from(power).ok().and_then(|power| 10_i64.checked_pow(power)).ok_or_else(too_large)?;
        let size = trimmed.parse::<i64>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(too_large)?;
        Ok(Self(if negative { -size } else { size }))
    }
}

/// The head of a hostile text: error messages stay short whatever was sent.
fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn micros(text: &str) -> Result<i64, AmountError> {
        text.parse::<Credits>().map(Credits::micros)
    }

    #[test]
    fn reads_what_json_can_write() {
        assert_eq!(micros("0"), Ok(0));
        assert_eq!(micros("-0.0"), Ok(0));
        assert_eq!(micros("12"), Ok(12_000_000));
        assert_eq!(micros("0.000001"), Ok(1));
        assert_eq!(micros("-3.50"), Ok(-3_500_000));
        assert_eq!(micros("1e3"), Ok(1_000_000_000));
        assert_eq!(micros("2.5E-1"), Ok(250_000));
        assert_eq!(micros("1000000.0000000"), Ok(1_000_000_000_000));
    }

    #[test]
    fn finer_input_is_refused_not_rounded() {
        assert!(matches!(micros("0.0000001"), Err(AmountError::TooFine(_))));
        assert!(matches!(micros("1e-7"), Err(AmountError::TooFine(_))));
        assert!(matches!(micros("999999999999.1234567"), Err(AmountError::TooFine(_))));
    }

    #[test]
    fn hostile_text_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "+1", "1e", "1e99999999999", "NaN", "0x1", "1 ", "--1"] {
            assert!(matches!(micros(text), Err(AmountError::NotANumber(_))), "{text}");
        }
        for text in ["1e400", "9223372036855", "99999999999999999999999999"] {
            assert!(matches!(micros(text), Err(AmountError::TooLarge(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_reads_back(n in any::<i64>().prop_filter("min has no positive twin", |n| *n != i64::MIN)) {
            prop_assert_eq!(Credits::from_micros(n).to_string().parse::<Credits>(), Ok(Credits::from_micros(n)));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Credits>();
        }
    }
}
