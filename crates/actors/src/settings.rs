//! Settings of the engine; shipped values stand in `config/default.toml`.

use reeve_jobs::{LeaseSettings, RetrySettings};
use reeve_queue as queue;
use reeve_types::{PoolName, TierName};
use reeve_workspace::{Defaults, TierRules};

/// One tier: its place in the queue and its limits per workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierSettings {
    pub name: TierName,
    pub weight: u32,
    pub floor_permille: u32,
    pub express_permille: u32,
    pub running_max: u32,
    pub queued_max: u64,
}

/// Everything an engine needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// From the lowest tier to the highest.
    pub tiers: Vec<TierSettings>,
    pub leases: LeaseSettings,
    pub retry: RetrySettings,
    pub defaults: Defaults,
    /// L_max of every pool, in slot-milliseconds.
    pub cost_ms_max: u32,
    /// Cost of an action nobody has measured yet, in slot-milliseconds.
    pub cost_ms_default: u32,
    /// Bytes of job parameters kept in memory for leases and pages.
    pub intro_cache_bytes_max: u64,
    /// Submits and other new work under way at once, half of it for one workspace; more is refused with 503.
    pub new_work_max: usize,
    /// Workspace actors kept in memory; idle ones above it retire.
    pub actors_max: usize,
    /// Bytes that they may take together, with their jobs; idle ones above it retire.
    pub actors_bytes_max: usize,
    /// Threads that run actors.
    pub threads: usize,
    /// How often leases and deadlines are looked at.
    pub tick_ms: u64,
    /// Pause between two steps of the audit that compares the queue with the rows.
    pub audit_ms: u64,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            tiers: Vec::new(),
            leases: LeaseSettings::default(),
            retry: RetrySettings::default(),
            defaults: Defaults { queue_timeout_ms: 86_400_000, run_timeout_ms: 900_000 },
            cost_ms_max: 600_000,
            cost_ms_default: 2_000,
            intro_cache_bytes_max: 64 << 20,
            new_work_max: 4_096,
            actors_max: 100_000,
            actors_bytes_max: 384 << 20,
            threads: 1,
            tick_ms: 250,
            audit_ms: 5_000,
        }
    }
}

/// What a reload may change, in the forms that decisions and the queue look at.
#[derive(Debug)]
pub(crate) struct Rules {
    /// In the order of `settings.tiers`, which is also the queue's.
    pub tiers: Vec<TierRules>,
    pub settings: EngineSettings,
}

impl Rules {
    pub(crate) fn new(settings: EngineSettings) -> Self {
        Self { tiers: settings.tier_rules(), settings }
    }
}

impl EngineSettings {
    /// What decisions look at.
    pub(crate) fn tier_rules(&self) -> Vec<TierRules> {
        let rules = |tier: &TierSettings| TierRules {
            name: tier.name.clone(),
            running_max: tier.running_max,
            queued_max: tier.queued_max,
        };
        self.tiers.iter().map(rules).collect()
    }

    /// What the queue looks at.
    pub(crate) fn queue(&self, pools: impl IntoIterator<Item = PoolName>) -> queue::Settings {
        let tier = |tier: &TierSettings| queue::TierSettings {
            name: tier.name.clone(),
            weight: tier.weight,
            floor_permille: tier.floor_permille,
            express_permille: tier.express_permille,
        };
        let pool = |name| queue::PoolSettings {
            name,
            cost_ms_max: self.cost_ms_max,
            cost_ms_default: self.cost_ms_default.min(self.cost_ms_max),
        };
        queue::Settings {
            tiers: self.tiers.iter().map(tier).collect(),
            pools: pools.into_iter().map(pool).collect(),
        }
    }
}
