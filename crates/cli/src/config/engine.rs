//! From settings to what the engine takes.

use reeve_actors::{EngineSettings, TierSettings};
use reeve_types::{NameError, TierName};
use reeve_workspace::Defaults;

use super::Settings;

impl Settings {
    /// The engine's settings.
    ///
    /// # Errors
    /// A tier whose name is none.
    pub fn engine(&self) -> Result<EngineSettings, NameError> {
        Ok(EngineSettings {
            tiers: self.tier_table()?,
            leases: self.leases,
            retry: self.retry,
            defaults: Defaults {
                queue_timeout_ms: self.timeouts.queue_ms,
                run_timeout_ms: self.timeouts.run_ms,
            },
            cost_ms_max: self.queue.cost_ms_max,
            cost_ms_default: self.queue.cost_ms_default,
            intro_cache_bytes_max: self.cache.intro_bytes_max,
            new_work_max: self.engine.new_work_max,
            actors_max: self.engine.actors_max,
            actors_bytes_max: self.engine.actors_bytes_max,
            threads: self.engine.threads,
            tick_ms: self.engine.tick_ms,
            audit_ms: self.engine.audit_ms,
        })
    }

    /// From the lowest tier to the highest.
    fn tier_table(&self) -> Result<Vec<TierSettings>, NameError> {
        let mut entries: Vec<_> = self.tiers.iter().collect();
        entries.sort_by_key(|(name, tier)| (tier.rank, (*name).clone()));
        let tier = |(name, tier): (&String, &super::settings::TierEntry)| {
            Ok(TierSettings {
                name: TierName::new(name)?,
                weight: tier.weight,
                floor_permille: tier.floor_permille,
                express_permille: tier.express_permille,
                running_max: tier.running_max,
                queued_max: tier.queued_max,
            })
        };
        entries.into_iter().map(tier).collect()
    }
}
