//! Settings of webhooks, and what the deliveries take of them.

use std::fmt;

use reeve_webhooks::{Prefix, PrefixError};
use serde::{Deserialize, Deserializer, de};

const DAY_MS: i64 = 86_400_000;

/// What is delivered where, and for how long it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookSettings {
    pub allow_http: bool,
    #[serde(deserialize_with = "texts")]
    pub allow_addresses: Vec<String>,
    pub tries_max: usize,
    pub endpoint_tries_max: usize,
    pub timeout_ms: u64,
    pub outbox_days: u32,
    pub log_days: u32,
}

impl WebhookSettings {
    /// What the deliveries take.
    ///
    /// # Errors
    /// A text of `allow_addresses` that is no block of addresses.
    pub fn deliveries(&self) -> Result<reeve_webhooks::Settings, PrefixError> {
        let allowed: Result<Vec<Prefix>, PrefixError> =
            self.allow_addresses.iter().map(|text| text.parse()).collect();
        Ok(reeve_webhooks::Settings {
            allow_http: self.allow_http,
            allow_addresses: allowed?,
            tries_max: self.tries_max,
            endpoint_tries_max: self.endpoint_tries_max,
            timeout_ms: self.timeout_ms,
            outbox_ms: i64::from(self.outbox_days) * DAY_MS,
            log_ms: i64::from(self.log_days) * DAY_MS,
        })
    }
}

/// A list, or one text with commas: a variable of the environment cannot hold a list.
fn texts<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
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
