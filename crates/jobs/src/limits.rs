//! Settings of leases and retries. Shipped values stand in `config/default.toml`.

use serde::{Deserialize, Serialize};

/// How long leases live without a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseSettings {
    /// A lease lapses this long after its last heartbeat or progress.
    pub lease_ms: u64,
    /// How often a worker is told to send heartbeats.
    pub heartbeat_ms: u64,
    /// A lease never heard of within this time goes back without costing an attempt.
    pub lease_ack_ms: u64,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { lease_ms: 30_000, heartbeat_ms: 10_000, lease_ack_ms: 20_000 }
    }
}

/// How lost and failed attempts are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// Attempts that may be lost or fail before the job fails.
    pub attempts_max: u16,
    /// Workers that may vanish with the job before it is called poison.
    pub poison_lapses_max: u16,
    /// First back-off; doubles with each lost attempt.
    pub backoff_ms: u64,
    /// Longest back-off.
    pub backoff_ms_max: u64,
    /// How long the hold stays when a provider's answer never came (X11).
    pub unknown_ms_max: u64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            poison_lapses_max: 3,
            backoff_ms: 1_000,
            backoff_ms_max: 60_000,
            unknown_ms_max: 3_600_000,
        }
    }
}

impl RetrySettings {
    /// The wait before the next attempt after `lost` ones: exponential, plus up to a quarter of jitter.
    ///
    /// `jitter` is a random number that the caller draws; the whole function stays deterministic.
    pub fn backoff_ms(&self, lost: u16, jitter: u32) -> u64 {
        let doubled = self.backoff_ms.saturating_mul(1_u64 << u32::from(lost.saturating_sub(1)).min(20));
        let base = doubled.min(self.backoff_ms_max);
        base + base / 4 * u64::from(jitter) / u64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_maximum() {
        let retry = RetrySettings::default();
        let waits: Vec<u64> = (1..9).map(|lost| retry.backoff_ms(lost, 0)).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(retry.backoff_ms(1, u32::MAX), 1_250);
    }
}
