//! Settings for tests.

use reeve_types::{PoolName, TierName, WorkspaceId};

use super::dice::Dice;
use crate::{PoolSettings, Settings, TierSettings};

pub(super) const COST_MS_MAX: u32 = 1_000;

/// Tiers as (weight, floor, express share) and that many pools.
pub(super) fn settings(tiers: &[(u32, u32, u32)], pools: usize) -> Settings {
    let tiers = tiers.iter().enumerate().map(|(n, (weight, floor, express))| TierSettings {
        name: TierName::new(&format!("tier-{n}")).unwrap(),
        weight: *weight,
        floor_permille: *floor,
        express_permille: *express,
    });
    let pools = (0..pools).map(|n| PoolSettings {
        name: PoolName::new(&format!("pool-{n}")).unwrap(),
        cost_ms_max: COST_MS_MAX,
        cost_ms_default: 200,
    });
    Settings { tiers: tiers.collect(), pools: pools.collect() }
}

/// One to four tiers with random numbers; the floors leave something.
pub(super) fn random(dice: &mut Dice, pools: usize) -> Settings {
    let count = dice.between(1, 4);
    let tiers: Vec<_> = (0..count)
        .map(|_| {
            let weight = dice.between(1, 8) as u32;
            let floor = if dice.is(80) { dice.between(10, 240) as u32 } else { 0 };
            let express = if dice.is(30) { dice.between(100, 900) as u32 } else { 0 };
            (weight, floor, express)
        })
        .collect();
    settings(&tiers, pools)
}

pub(super) fn workspace(n: u64) -> WorkspaceId {
    WorkspaceId::new(&format!("w{n}")).unwrap()
}
