//! Lengths that arrive as JSON numbers, taken from their decimal text: no price is computed in floating point (X16).

use serde_json::Value;

/// A length in millionths, rounded up to the next one.
///
/// Rounding up here never changes a whole-unit `ceil`: whole units lie on the grid of millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Units(u64);

/// Why a value is not a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitsError {
    /// Infinite, or no number at all.
    #[error("must be a finite number")]
    NotANumber,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
}

impl Units {
    const SCALE: u64 = 1_000_000;

    /// So many whole units.
    pub const fn whole(units: u32) -> Self {
        Self(units as u64 * Self::SCALE)
    }

    /// From a JSON value. What is larger than any length saturates: bounds are the caller's.
    ///
    /// # Errors
    /// When it is not a number, or below zero.
    pub fn from_json(value: &Value) -> Result<Self, UnitsError> {
        match value {
            Value::Number(number) => Self::from_decimal(&number.to_string()),
            _ => Err(UnitsError::NotANumber),
        }
    }

    /// From the decimal text of a number, with an exponent or without.
    ///
    /// # Errors
    /// When it is not one, or below zero.
    pub fn from_decimal(text: &str) -> Result<Self, UnitsError> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match body.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_| UnitsError::NotANumber)?)
            }
            None => (body, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || mantissa.ends_with('.') {
            return Err(UnitsError::NotANumber);
        }
        let digits = [whole, fraction].concat();
        let fraction_len = i64::try_from(fraction.len()).map_err(|_| UnitsError::NotANumber)?;
        let micros = scaled_up(digits.trim_start_matches('0'), i64::from(exponent) - fraction_len + 6);
        if negative && micros > 0 { Err(UnitsError::Negative) } else { Ok(Self(micros)) }
    }

    /// Whole units, a part counting as one.
    pub const fn ceil(self) -> u64 {
        self.0.div_ceil(Self::SCALE)
    }

    /// Whole units, a part not counting.
    pub const fn floor(self) -> u64 {
        self.0 / Self::SCALE
    }

    /// True for nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The millionths.
    pub const fn micros(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Units {
    /// A decimal without trailing zeros.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, fraction) = (self.floor(), self.0 % Self::SCALE);
        if fraction == 0 {
            return f.pad(&whole.to_string());
        }
        f.pad(format!("{whole}.{fraction:06}").trim_end_matches('0'))
    }
}

/// `digits` x 10^`power`, rounded up, saturating. `digits` has no leading zero.
///
/// By text, because a hostile number may have more digits than any integer type.
fn scaled_up(digits: &str, power: i64) -> u64 {
    const DIGITS_MAX: i64 = 19;
    let (Ok(len), false) = (i64::try_from(digits.len()), digits.is_empty()) else {
        return 0;
    };
    let whole_len = len.saturating_add(power);
    if whole_len > DIGITS_MAX {
        return u64::MAX;
    }
    let kept = usize::try_from(whole_len.clamp(0, len)).unwrap_or(0);
    let (head, tail) = digits.split_at_checked(kept).unwrap_or((digits, ""));
    let zeros = u32::try_from(whole_len - len).unwrap_or(0);
    // At most 19 digits, so neither the parse nor the product can overflow.
    let whole = head.parse::<u64>().unwrap_or(0).saturating_mul(10_u64.saturating_pow(zeros));
    whole.saturating_add(u64::from(tail.bytes().any(|b| b != b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_length_is_read_exactly_from_its_text() {
        let micros = |text: &str| Units::from_decimal(text).map(Units::micros);
        assert_eq!(micros("3.5"), Ok(3_500_000));
        assert_eq!(micros("10"), Ok(10_000_000));
        assert_eq!(micros("1e1"), Ok(10_000_000));
        assert_eq!(micros("1.5e-3"), Ok(1_500));
        assert_eq!(micros("0.0000001"), Ok(1));
        assert_eq!(micros("1e-300"), Ok(1));
        assert_eq!(micros("5.0000001"), Ok(5_000_001));
        assert_eq!(micros("1e300"), Ok(u64::MAX));
        assert_eq!(micros("-0"), Ok(0));
        assert_eq!(micros("-0.5"), Err(UnitsError::Negative));
        for bad in ["", "-", "NaN", "inf", "1.", ".5", "1e", "0x10", "1e99999999999"] {
            assert_eq!(micros(bad), Err(UnitsError::NotANumber), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for value in [json!("5"), json!(null), json!(true), json!([5]), json!({})] {
            assert_eq!(Units::from_json(&value), Err(UnitsError::NotANumber), "{value}");
        }
    }

    #[test]
    fn a_whole_number_is_never_rounded_up_to_the_next() {
        for n in 0..=2_000_u32 {
            let float = Units::from_json(&json!(f64::from(n)));
            assert_eq!(float.map(Units::ceil), Ok(u64::from(n)));
        }
    }

    proptest! {
        #[test]
        fn thousandths_count_as_begun_seconds(ms in 0_u64..700_000) {
            let units = Units::from_decimal(&format!("{}.{:03}", ms / 1000, ms % 1000));
            prop_assert_eq!(units.map(Units::ceil), Ok(ms.div_ceil(1000)));
        }

        #[test]
        fn reading_never_panics(text in "-?[0-9]{0,60}(\\.[0-9]{0,60})?(e-?[0-9]{1,12})?") {
            let _ = Units::from_decimal(&text);
        }

        #[test]
        fn any_json_float_reads_and_bounds_it(x in 0.0_f64..1e9) {
            let units = Units::from_json(&json!(x)).map(Units::ceil);
            prop_assert_eq!(units, Ok(x.ceil() as u64));
        }
    }
}
