//! What an operator sets: tiers with their weights, floors and express shares, and pools.
//!
//! Built from `config/default.toml` by the composition root. Nothing here knows a tier by name:
//! the order and the numbers are the whole meaning.

use reeve_types::{PoolName, TierName};

/// Most tiers: every dispatch does work for each of them, and remembers one number for each.
pub const TIERS_MAX: usize = 16;
/// Most pools.
pub const POOLS_MAX: usize = 1_024;
/// Largest weight: with it, one millisecond still moves a shared tag.
pub const WEIGHT_MAX: u32 = 1_000_000;

/// A tier, by its place in [`Settings::tiers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierIndex(pub u8);

/// A pool, by its place in [`Settings::pools`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIndex(pub u16);

impl TierIndex {
    /// The place as a number to index with.
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

impl PoolIndex {
    /// The place as a number to index with.
    pub const fn at(self) -> usize {
        self.0 as usize
    }
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSettings {
    /// The tier's name, unique among the tiers.
    pub name: TierName,
    /// Share of what floors and express leave, relative to the other tiers' weights; 1 to [`WEIGHT_MAX`].
    pub weight: u32,
    /// Share of all service that the tier gets whatever the others send, in parts per thousand.
    pub floor_permille: u32,
    /// Share of the slots that the tier may fill ahead of every weight, in parts per thousand; 0 for none.
    pub express_permille: u32,
}

/// One pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// The pool's name, unique among the pools.
    pub name: PoolName,
    /// Highest cost that one dispatch is charged (L_max), in slot-milliseconds. Every bound of the
    /// scheduler is a multiple of it.
    pub cost_ms_max: u32,
    /// Cost of an undeclared action before the first of its jobs has ended, in slot-milliseconds.
    pub cost_ms_default: u32,
}

/// Tiers and pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// 1 to [`TIERS_MAX`], from the lowest to the highest; their places are the [`TierIndex`]es.
    pub tiers: Vec<TierSettings>,
    /// At most [`POOLS_MAX`]; their places are the [`PoolIndex`]es.
    pub pools: Vec<PoolSettings>,
}

/// Why settings cannot be used. The operator's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No tier, or more than there may be.
    #[error("`{count}` tiers are set, use 1 to {TIERS_MAX}")]
    TierCount {
        /// How many are set.
        count: usize,
    },
    /// More pools than there may be.
    #[error("`{count}` pools are set, use at most {POOLS_MAX}")]
    PoolCount {
        /// How many are set.
        count: usize,
    },
    /// Two tiers have one name.
    #[error("tier `{tier}` is set twice, keep one")]
    TierTwice {
        /// That name.
        tier: TierName,
    },
    /// Two pools have one name.
    #[error("pool `{pool}` is set twice, keep one")]
    PoolTwice {
        /// That name.
        pool: PoolName,
    },
    /// A weight of 0, or above [`WEIGHT_MAX`].
    #[error("tier `{tier}` has weight `{weight}`, use 1 to {WEIGHT_MAX}")]
    Weight {
        /// The tier.
        tier: TierName,
        /// Its weight.
        weight: u32,
    },
    /// An express share beyond the whole.
    #[error("tier `{tier}` has the express share `{express_permille}`, use at most 1000 parts per thousand")]
    Express {
        /// The tier.
        tier: TierName,
        /// Its share, in parts per thousand.
        express_permille: u32,
    },
    /// The tiers are guaranteed more than there is.
    #[error("the floors sum up to `{sum_permille}`, use at most 1000 parts per thousand")]
    Floors {
        /// The sum of their floors, in parts per thousand.
        sum_permille: u64,
    },
    /// A pool on which every dispatch would be free.
    #[error("pool `{pool}` has a highest cost of `0` ms, use at least 1")]
    CostMax {
        /// The pool.
        pool: PoolName,
    },
    /// A first guess that is 0 or above the pool's highest cost.
    #[error("pool `{pool}` has the default cost `{cost_ms_default}` ms, use 1 to its highest cost")]
    CostDefault {
        /// The pool.
        pool: PoolName,
        /// The guess, in slot-milliseconds.
        cost_ms_default: u32,
    },
    /// A pool that is left out of new settings and still has jobs.
    #[error("pool `{pool}` still has `{jobs}` jobs, cancel them or let them end before removing it")]
    PoolInUse {
        /// The pool.
        pool: PoolName,
        /// How many jobs wait or run in it.
        jobs: u64,
    },
}

impl Settings {
    /// Refuses what no queue can be run with.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.validate_tiers()?;
        self.validate_pools()
    }

    /// The tier of that name.
    pub fn tier(&self, name: &TierName) -> Option<TierIndex> {
        let at = self.tiers.iter().position(|tier| tier.name == *name)?;
        u8::try_from(at).ok().map(TierIndex)
    }

    /// The pool of that name.
    pub fn pool(&self, name: &PoolName) -> Option<PoolIndex> {
        let at = self.pools.iter().position(|pool| pool.name == *name)?;
        u16::try_from(at).ok().map(PoolIndex)
    }

    fn validate_tiers(&self) -> Result<(), SettingsError> {
        let count = self.tiers.len();
        if count == 0 || count > TIERS_MAX {
            return Err(SettingsError::TierCount { count });
        }
        for (at, tier) in self.tiers.iter().enumerate() {
            if self.tiers.iter().take(at).any(|other| other.name == tier.name) {
                return Err(SettingsError::TierTwice { tier: tier.name.clone() });
            }
            if tier.weight == 0 || tier.weight > WEIGHT_MAX {
                return Err(SettingsError::Weight { tier: tier.name.clone(), weight: tier.weight });
            }
            if tier.express_permille > 1_000 {
                let express_permille = tier.express_permille;
                return Err(SettingsError::Express { tier: tier.name.clone(), express_permille });
            }
        }
        let sum_permille = self.tiers.iter().map(|tier| u64::from(tier.floor_permille)).sum();
        if sum_permille > 1_000 {
            return Err(SettingsError::Floors { sum_permille });
        }
        Ok(())
    }

    fn validate_pools(&self) -> Result<(), SettingsError> {
        let count = self.pools.len();
        if count > POOLS_MAX {
            return Err(SettingsError::PoolCount { count });
        }
        for (at, pool) in self.pools.iter().enumerate() {
            if self.pools.iter().take(at).any(|other| other.name == pool.name) {
                return Err(SettingsError::PoolTwice { pool: pool.name.clone() });
            }
            if pool.cost_ms_max == 0 {
                return Err(SettingsError::CostMax { pool: pool.name.clone() });
            }
            if pool.cost_ms_default == 0 || pool.cost_ms_default > pool.cost_ms_max {
                let cost_ms_default = pool.cost_ms_default;
                return Err(SettingsError::CostDefault { pool: pool.name.clone(), cost_ms_default });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(name: &str, weight: u32, floor_permille: u32, express_permille: u32) -> TierSettings {
        TierSettings { name: TierName::new(name).unwrap(), weight, floor_permille, express_permille }
    }

    fn pool(name: &str, cost_ms_max: u32, cost_ms_default: u32) -> PoolSettings {
        PoolSettings { name: PoolName::new(name).unwrap(), cost_ms_max, cost_ms_default }
    }

    fn refusal(tiers: Vec<TierSettings>, pools: Vec<PoolSettings>) -> Option<SettingsError> {
        Settings { tiers, pools }.validate().err()
    }

    #[test]
    fn floors_may_take_everything_but_not_more() {
        assert_eq!(refusal(vec![tier("a", 1, 400, 0), tier("b", 1, 600, 0)], vec![]), None);
        let error = refusal(vec![tier("a", 1, 400, 0), tier("b", 1, 601, 0)], vec![]);
        assert_eq!(error, Some(SettingsError::Floors { sum_permille: 1_001 }));
    }

    #[test]
    fn each_mistake_has_its_own_refusal() {
        let one = || vec![tier("a", 1, 0, 0)];
        assert!(matches!(refusal(vec![], vec![]), Some(SettingsError::TierCount { count: 0 })));
        let many = (0..17).map(|n| tier(&format!("t{n}"), 1, 0, 0)).collect();
        assert!(matches!(refusal(many, vec![]), Some(SettingsError::TierCount { count: 17 })));
        let twice = vec![tier("a", 1, 0, 0), tier("a", 2, 0, 0)];
        assert!(matches!(refusal(twice, vec![]), Some(SettingsError::TierTwice { .. })));
        assert!(matches!(refusal(vec![tier("a", 0, 0, 0)], vec![]), Some(SettingsError::Weight { .. })));
        assert!(matches!(refusal(vec![tier("a", 1, 0, 1_001)], vec![]), Some(SettingsError::Express { .. })));
        assert!(matches!(refusal(one(), vec![pool("p", 0, 0)]), Some(SettingsError::CostMax { .. })));
        assert!(matches!(refusal(one(), vec![pool("p", 5, 6)]), Some(SettingsError::CostDefault { .. })));
        let pools = vec![pool("p", 5, 5), pool("p", 6, 6)];
        assert!(matches!(refusal(one(), pools), Some(SettingsError::PoolTwice { .. })));
    }
}
