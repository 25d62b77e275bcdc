//! Reading a job's parameters, which strangers write.
//!
//! Absent and `null` mean the default; a value of the wrong kind or out of its bounds is refused by
//! name. Nothing here panics, whatever the JSON.

use serde_json::{Map, Value};

use crate::RenderError;

/// Smallest and largest side of a picture that is asked for, in pixels.
pub const SIDE_MIN: u32 = 16;
/// See [`SIDE_MIN`].
pub const SIDE_MAX: u32 = 2048;
/// Longest video, in seconds.
pub const SECONDS_MAX: f64 = 600.0;

/// The parameters of one task.
#[derive(Clone, Copy)]
pub struct Params<'a>(&'a Map<String, Value>);

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl<'a> Params<'a> {
    /// The parameters as the job carries them.
    pub fn new(map: &'a Map<String, Value>) -> Self {
        Self(map)
    }

    /// The raw value; `null` is absent.
    pub fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, or `None` when absent.
    pub fn text(self, name: &'static str) -> Result<Option<&'a str>, RenderError> {
        let read = |value: &'a Value| value.as_str().ok_or_else(|| bad(name, "is not a text"));
        self.value(name).map(read).transpose()
    }

    /// A number within bounds, or `None` when absent.
    pub fn number(self, name: &'static str, low: f64, high: f64) -> Result<Option<f64>, RenderError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = value.as_f64().ok_or_else(|| bad(name, "is not a number"))?;
        if (low..=high).contains(&number) {
            Ok(Some(number))
        } else {
            Err(bad(name, &format!("is `{number}`; it must lie within {low} to {high}")))
        }
    }

    /// The prompt; empty when absent.
    pub fn prompt(self) -> Result<&'a str, RenderError> {
        Ok(self.text("prompt")?.unwrap_or(""))
    }

    /// The seed: any integer, by default made from the prompt.
    pub fn seed(self, by_default: u64) -> Result<u64, RenderError> {
        let Some(value) = self.value("seed") else { return Ok(by_default) };
        let signed = value.as_i64().map(|seed| seed as u64);
        signed.or_else(|| value.as_u64()).ok_or_else(|| bad("seed", "is not a 64-bit integer"))
    }

    /// `width` and `height`, each [`SIDE_MIN`] to `side_max`.
    pub fn size(self, by_default: Size, side_max: u32) -> Result<Size, RenderError> {
        let side = |name, otherwise| self.side(name, otherwise, side_max);
        Ok(Size { width: side("width", by_default.width)?, height: side("height", by_default.height)? })
    }

    fn side(self, name: &'static str, by_default: u32, side_max: u32) -> Result<u32, RenderError> {
        let Some(value) = self.value(name) else { return Ok(by_default) };
        // `512.0` is an integer to most senders' languages; `512.5` is a mistake.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0);
        let pixels = whole.ok_or_else(|| bad(name, "is not a whole number"))?;
        if (f64::from(SIDE_MIN)..=f64::from(side_max)).contains(&pixels) {
            Ok(pixels as u32)
        } else {
            Err(bad(name, &format!("is `{pixels}`; it must lie within {SIDE_MIN} to {side_max} pixels")))
        }
    }

    /// Samples along each side of a pixel: more for the better qualities. Other names are 1, because
    /// what qualities exist and cost is the catalog's business.
    pub fn samples_per_side(self) -> Result<u32, RenderError> {
        Ok(match self.text("quality")? {
            Some("high" | "ultra") => 2,
            _ => 1,
        })
    }

    /// The length of a video: `seconds`, or else what `length` stands for, or else 4 s.
    pub fn seconds(self) -> Result<f64, RenderError> {
        let by_length = match self.text("length")? {
            Some("standard") => 8.0,
            Some("premium") => 16.0,
            _ => 4.0,
        };
        let seconds = self.number("seconds", 0.0, SECONDS_MAX)?.unwrap_or(by_length);
        if seconds > 0.0 { Ok(seconds) } else { Err(bad("seconds", "must be above 0")) }
    }
}

/// A refusal of one parameter.
pub fn bad(name: &'static str, reason: &str) -> RenderError {
    RenderError::BadParameter { name, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with<T>(params: Value, read: impl Fn(Params) -> T) -> T {
        read(Params::new(params.as_object().unwrap()))
    }

    const DEFAULT: Size = Size { width: 512, height: 512 };

    #[test]
    fn sides_are_whole_numbers_within_bounds() {
        let read = |value: Value| with(json!({ "width": value }), |p| p.size(DEFAULT, SIDE_MAX));
        assert_eq!(read(json!(16)).unwrap().width, 16);
        assert_eq!(read(json!(640.0)).unwrap().width, 640);
        assert_eq!(read(json!(null)).unwrap(), DEFAULT);
        for wrong in [json!(15), json!(2049), json!(-1), json!(1e300), json!("512"), json!(99.5), json!([1])]
        {
            assert!(matches!(read(wrong), Err(RenderError::BadParameter { name: "width", .. })));
        }
    }

    #[test]
    fn a_seed_is_any_integer() {
        let read = |value: Value| with(json!({ "seed": value }), |p| p.seed(7));
        assert_eq!(read(json!(null)).unwrap(), 7);
        assert_eq!(read(json!(-1)).unwrap(), u64::MAX);
        assert_eq!(read(json!(u64::MAX)).unwrap(), u64::MAX);
        assert!(read(json!(1.5)).is_err());
        assert!(read(json!("1")).is_err());
    }

    #[test]
    fn seconds_are_positive_and_bounded() {
        let read = |params: Value| with(params, |p| p.seconds());
        assert_eq!(read(json!({})).unwrap(), 4.0);
        assert_eq!(read(json!({"length": "premium"})).unwrap(), 16.0);
        assert_eq!(read(json!({"seconds": 600})).unwrap(), 600.0);
        for wrong in [json!(0), json!(-3), json!(600.01), json!("5")] {
            assert!(read(json!({ "seconds": wrong })).is_err());
        }
    }
}
