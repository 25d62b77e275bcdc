//! What the queue keeps for each pool, and for each tier in it.

use std::collections::BTreeMap;

use reeve_types::Millis;
use rustc_hash::FxHashMap;

use crate::eligible::Eligible;
use crate::fenwick::Lengths;
use crate::{GateReason, PoolSettings};

/// Units of a shared tag in one slot-millisecond of weight 1: rounding stays far below a millisecond.
pub(crate) const SHARED_SCALE: u128 = 1 << 24;

/// Why all lanes of a workspace are out of the eligible sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    None,
    Limit,
    Paused,
}

/// One tier in one pool.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoolTier {
    /// Eligible lanes, by tier tag with the head's charge (a finish tag) and by shared tag (a start tag).
    pub(crate) eligible: Eligible,
    /// Virtual time of the tier lane (V_c), in slot-milliseconds.
    pub(crate) virtual_time: u128,
    /// Service owed (E_c), in thousandths of a slot-millisecond; below (TIERS_MAX + 1) x L_max.
    pub(crate) entitlement: i64,
    /// Ready jobs per length of lane, without those of paused workspaces.
    pub(crate) lengths: Lengths,
    /// Ready jobs per second of admission.
    ages: BTreeMap<i64, u32>,
    pub(crate) ready_open: u64,
    pub(crate) ready_limited: u64,
    pub(crate) ready_paused: u64,
    pub(crate) gated_not_before: u64,
    pub(crate) gated_backoff: u64,
    /// Reserved or running.
    pub(crate) running: u64,
    pub(crate) served_jobs: u64,
    pub(crate) served_ms: u64,
    pub(crate) worked_ms: u64,
}

/// One pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) tiers: Vec<PoolTier>,
    /// Shared virtual time (V), in units of [`SHARED_SCALE`].
    pub(crate) virtual_time: u128,
    /// Number of the last dispatch that was not taken back as the latest one; 0 before the first.
    pub(crate) latest: u64,
    /// Numbers given out.
    pub(crate) dispatches: u64,
    /// Reserved or running.
    pub(crate) running: u64,
    pub(crate) paused: bool,
    pub(crate) cost_ms_max: u32,
    pub(crate) cost_ms_default: u32,
    means: FxHashMap<u32, u64>,
}

/// Weight of the past in a running mean: one job in sixteen.
const MEAN_SPAN: u64 = 16;

impl Pool {
    /// An empty pool.
    pub(crate) fn new(settings: &PoolSettings, tiers: usize) -> Self {
        Self {
            tiers: vec![PoolTier::default(); tiers],
            virtual_time: 0,
            latest: 0,
            dispatches: 0,
            running: 0,
            paused: false,
            cost_ms_max: settings.cost_ms_max,
            cost_ms_default: settings.cost_ms_default,
            means: FxHashMap::default(),
        }
    }

    /// Takes over what outlives new settings: times, service, means, pause; not the counts of jobs.
    pub(crate) fn inherit(&mut self, old: &Self, tiers: &[Option<usize>]) {
        self.virtual_time = old.virtual_time;
        (self.latest, self.dispatches) = (old.latest, old.dispatches);
        self.paused = old.paused;
        self.means.clone_from(&old.means);
        // No tier can have been owed more (P2), so none comes out of a lower L_max owed more than it.
        let bound = (self.tiers.len() as i64 + 1) * i64::from(self.cost_ms_max) * 1_000;
        for (from, to) in old.tiers.iter().zip(tiers) {
            let Some(to) = to else { continue };
            let to = &mut self.tiers[*to];
            to.virtual_time = from.virtual_time;
            to.entitlement = from.entitlement.min(bound);
            to.served_jobs = from.served_jobs;
            to.served_ms = from.served_ms;
            to.worked_ms = from.worked_ms;
        }
    }

    /// The estimate for a job, in [1, L_max].
    pub(crate) fn cost_ms(&self, declared_ms: u32, action: u32) -> u32 {
        let cost_ms = match declared_ms {
            0 => self.means.get(&action).map_or(u64::from(self.cost_ms_default), |sum| sum / MEAN_SPAN),
            declared_ms => u64::from(declared_ms),
        };
        u32::try_from(cost_ms).unwrap_or(u32::MAX).clamp(1, self.cost_ms_max)
    }

    /// A job of the action took that long.
    pub(crate) fn learn(&mut self, action: u32, actual_ms: u64) {
        let actual_ms = actual_ms.clamp(1, u64::from(self.cost_ms_max));
        let sum = self.means.entry(action).or_insert(actual_ms * MEAN_SPAN);
        *sum = *sum - *sum / MEAN_SPAN + actual_ms;
    }

    /// The estimate with the debt: what a dispatch charges.
    ///
    /// It lies in [1, L_max]. The upper bound keeps every bound of the scheduler a multiple of L_max (the
    /// rest stays in the debt); the lower one makes each dispatch move a tag, so that jobs paid for in
    /// advance cannot be served without end at one instant of virtual time.
    pub(crate) fn charge_ms(&self, cost_ms: u32, debt_ms: i64) -> u32 {
        let charge_ms = i64::from(cost_ms).saturating_add(debt_ms).clamp(1, i64::from(self.cost_ms_max));
        u32::try_from(charge_ms).unwrap_or(self.cost_ms_max)
    }

    /// A debt inside [-L_max, L_max].
    pub(crate) fn clip_debt(&self, debt_ms: i64) -> i64 {
        let bound = i64::from(self.cost_ms_max);
        debt_ms.clamp(-bound, bound)
    }
}

impl PoolTier {
    /// A lane with this block goes from one number of ready jobs to another.
    pub(crate) fn resize_lane(&mut self, block: Block, from: u32, to: u32) {
        let ready = match block {
            Block::None => &mut self.ready_open,
            Block::Limit => &mut self.ready_limited,
            Block::Paused => &mut self.ready_paused,
        };
        *ready = *ready - u64::from(from) + u64::from(to);
        if block != Block::Paused {
            self.lengths.remove(from);
            self.lengths.add(to);
        }
    }

    /// A job admitted then becomes ready.
    pub(crate) fn age_add(&mut self, admitted_at: Millis) {
        *self.ages.entry(second(admitted_at)).or_insert(0) += 1;
    }

    /// A job admitted then is ready no longer.
    pub(crate) fn age_remove(&mut self, admitted_at: Millis) {
        let second = second(admitted_at);
        if let Some(count) = self.ages.get_mut(&second) {
            *count -= 1;
            if *count == 0 {
                self.ages.remove(&second);
            }
        }
    }

    /// Admission of the oldest ready job, rounded down to a second.
    pub(crate) fn oldest(&self) -> Option<Millis> {
        self.ages.first_key_value().map(|(second, _)| Millis::from_millis(second.saturating_mul(1_000)))
    }

    /// Jobs ready, whatever keeps their workspaces from being eligible.
    pub(crate) const fn ready(&self) -> u64 {
        self.ready_open + self.ready_limited + self.ready_paused
    }

    /// Jobs whose gate is shut.
    pub(crate) const fn gated(&self) -> u64 {
        self.gated_not_before + self.gated_backoff
    }

    /// The count of gated jobs with that reason.
    pub(crate) fn gated_mut(&mut self, why: GateReason) -> &mut u64 {
        match why {
            GateReason::NotBefore => &mut self.gated_not_before,
            GateReason::RetryBackoff => &mut self.gated_backoff,
        }
    }
}

/// A second is exact enough for a wait that is worth a look, and keeps the map as short as the wait.
fn second(at: Millis) -> i64 {
    at.value().div_euclid(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reeve_types::PoolName;

    fn pool() -> Pool {
        let name = PoolName::new("p").unwrap();
        Pool::new(&PoolSettings { name, cost_ms_max: 1_000, cost_ms_default: 200 }, 1)
    }

    #[test]
    fn an_undeclared_cost_follows_what_its_jobs_took() {
        let mut pool = pool();
        assert_eq!(pool.cost_ms(0, 7), 200);
        pool.learn(7, 500);
        assert_eq!(pool.cost_ms(0, 7), 500);
        (0..100).for_each(|_| pool.learn(7, 100));
        assert!((100..110).contains(&pool.cost_ms(0, 7)));
        assert_eq!(pool.cost_ms(0, 8), 200, "other actions keep their own mean");
        assert_eq!(pool.cost_ms(5_000, 7), 1_000, "declared costs are clipped");
    }

    #[test]
    fn a_charge_stays_between_one_and_the_highest_cost() {
        let pool = pool();
        assert_eq!(pool.charge_ms(300, 0), 300);
        assert_eq!(pool.charge_ms(300, -300), 1);
        assert_eq!(pool.charge_ms(300, 900), 1_000);
    }
}
