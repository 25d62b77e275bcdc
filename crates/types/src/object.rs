//! A JSON object as its text: what is kept, stored and shown far more often than somebody looks into it.
//!
//! Parameters of a job go through the server as they came. Read back into a map and written again they were a twentieth of
//! what a job costs, and as a map they take ten times the memory.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// A JSON object as text. Copies share it; it prints its length alone, since what it says is the customer's.
///
/// Reads and writes with `serde_json` only, and not inside of what serde buffers.
#[derive(Clone, Default)]
pub struct ObjectText(
    /// `None` is the empty object.
    Option<Arc<RawValue>>,
);

impl ObjectText {
    /// The text of an object.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(object: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self(if object.is_empty() { None } else { Some(to_raw_value(object)?.into()) }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("{}", |raw| raw.get())
    }

    /// What it says.
    ///
    /// # Errors
    /// When it has a number that no `Value` can hold; one made by [`Self::of`] has none.
    pub fn read(&self) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl PartialEq for ObjectText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ObjectText {}

impl fmt::Debug for ObjectText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectText({} bytes)", self.as_str().len())
    }
}

impl Serialize for ObjectText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(raw) => raw.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de> Deserialize<'de> for ObjectText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "{}" => Ok(Self(None)),
            text if text.starts_with('{') => Ok(Self(Some(raw.into()))),
            _ => Err(D::Error::custom("expected an object")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> ObjectText {
        ObjectText::of(value.as_object().unwrap()).unwrap()
    }

    #[test]
    fn an_object_goes_through_unchanged() {
        for value in
            [json!({}), json!({"prompt": "it's \"quoted\" \u{1f600}", "seed": u64::MAX, "of": [1, null]})]
        {
            let text = of(&value);
            assert_eq!(Value::Object(text.read().unwrap()), value);
            let around = serde_json::to_string(&[&text]).unwrap();
            assert_eq!(around, format!("[{}]", text.as_str()));
            assert_eq!(serde_json::from_str::<Vec<ObjectText>>(&around).unwrap(), [text]);
        }
        assert_eq!(of(&json!({})), ObjectText::default());
    }

    #[test]
    fn nothing_else_is_read() {
        for text in ["[]", "null", "1", "\"{}\"", "{", "{\"a\":}"] {
            assert!(serde_json::from_str::<ObjectText>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<ObjectText>(" { } ").unwrap().read().unwrap(), Map::new());
    }

    #[test]
    fn what_it_says_is_not_in_a_log() {
        assert_eq!(format!("{:?}", of(&json!({"prompt": "a cat"}))), "ObjectText(18 bytes)");
    }
}
