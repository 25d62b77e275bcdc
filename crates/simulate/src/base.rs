//! The settings a load starts from: those of the server that it is a picture of.
//!
//! The command passes what `config/default.toml` and the operator's own file say; a load may override them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Refusal;

/// What the server's settings say that a simulation needs. Other keys are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Base {
    /// By name.
    pub tiers: BTreeMap<String, BaseTier>,
    pub queue: BaseQueue,
    pub leases: BaseLeases,
    pub retry: BaseRetry,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BaseTier {
    /// Order of the tiers, lowest first.
    pub rank: u32,
    pub weight: u32,
    pub floor_permille: u32,
    pub express_permille: u32,
    /// Jobs of one workspace that run at once.
    pub running_max: u32,
    /// Jobs of one workspace that may wait.
    pub queued_max: u64,
}

/// Costs in the queue's accounts, in slot-milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BaseQueue {
    pub cost_ms_max: u32,
    pub cost_ms_default: u32,
}

/// How a lost worker is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BaseLeases {
    /// A lease lapses this long after its last sign of life.
    pub lease_ms: u64,
}

/// How failed and lost attempts are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct BaseRetry {
    pub attempts_max: u16,
    pub backoff_ms: u64,
    pub backoff_ms_max: u64,
}

impl Base {
    /// From the text of a settings file that has all of these keys, such as `config/default.toml`.
    ///
    /// # Errors
    /// [`Refusal::Text`].
    pub fn from_toml(text: &str) -> Result<Self, Refusal> {
        toml::from_str(text).map_err(|error| Refusal::Text { why: error.to_string() })
    }
}

impl BaseRetry {
    /// The wait before the attempt after `lost` ones: exponential, plus up to a quarter of jitter.
    pub(crate) fn backoff_ms(&self, lost: u16, jitter: u64) -> u64 {
        let doubled = self.backoff_ms.saturating_mul(1_u64 << u32::from(lost.saturating_sub(1)).min(20));
        let base = doubled.min(self.backoff_ms_max);
        base.saturating_add(jitter % (base / 4 + 1))
    }
}
