//! Settings that are lists.

use std::fmt;

use reeve_types::{Prefix, PrefixError};
use serde::{Deserializer, de};

/// Blocks of addresses.
///
/// # Errors
/// The first text that is none.
pub(super) fn prefixes(texts: &[String]) -> Result<Vec<Prefix>, PrefixError> {
    texts.iter().map(|text| text.parse()).collect()
}

/// A list, or one text with commas: a variable of the environment cannot hold a list.
pub(super) fn texts<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    struct Texts;

    impl<'de> de::Visitor<'de> for Texts {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of texts, or one text with commas")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Ok(parts.map(str::to_owned).collect())
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(item) = items.next_element::<String>()? {
                all.push(item);
            }
            Ok(all)
        }
    }

    source.deserialize_any(Texts)
}
