//! Settings of webhooks, and what the deliveries take of them.

use reeve_types::PrefixError;
use serde::Deserialize;

use super::lists::{prefixes, texts};

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
        Ok(reeve_webhooks::Settings {
            allow_http: self.allow_http,
            allow_addresses: prefixes(&self.allow_addresses)?,
            tries_max: self.tries_max,
            endpoint_tries_max: self.endpoint_tries_max,
            timeout_ms: self.timeout_ms,
            outbox_ms: i64::from(self.outbox_days) * DAY_MS,
            log_ms: i64::from(self.log_days) * DAY_MS,
        })
    }
}
