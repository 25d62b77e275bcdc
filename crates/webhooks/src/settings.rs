//! What may be set, with shipped values.

use reeve_types::Prefix;

/// Settings of the deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether plain http is allowed.
    pub allow_http: bool,
    /// Addresses that are allowed although they are no public ones.
    pub allow_addresses: Vec<Prefix>,
    /// Tries under way at once, to all endpoints.
    pub tries_max: usize,
    /// Tries under way at once, to one endpoint.
    pub endpoint_tries_max: usize,
    /// Longest time of one try, from the look-up of the name to the end of the answer.
    pub timeout_ms: u64,
    /// How long the outbox is kept, which is how far a replay reaches back.
    pub outbox_ms: i64,
    /// How long the log of deliveries is kept.
    pub log_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_http: false,
            allow_addresses: Vec::new(),
            tries_max: 64,
            endpoint_tries_max: 8,
            timeout_ms: 15_000,
            outbox_ms: 7 * 86_400_000,
            log_ms: 30 * 86_400_000,
        }
    }
}
