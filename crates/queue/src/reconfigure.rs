//! New tiers, weights, floors, shares and pools while jobs are queued and running.

use crate::arena::NIL;
use crate::pool::Pool;
use crate::{FairQueue, PoolIndex, Settings, SettingsError, TierIndex, WorkspaceKey};

/// Where an index of the old settings stands in the new ones.
type Moves = Vec<Option<usize>>;

impl FairQueue {
    /// Puts new settings in force. Nothing queued or running is lost, and the order inside each workspace
    /// stays; tags are re-keyed to the new weights, entitlements and debts to the new highest costs.
    ///
    /// Tiers and pools are matched by name and may change places: resolve their indexes anew afterwards.
    /// Workspaces of a tier that is gone are returned; they stand in the first tier until they are set
    /// again. This walks every job once (O(jobs)); it is the one operation that does.
    ///
    /// # Errors
    /// What [`Settings::validate`] refuses, and [`SettingsError::PoolInUse`] for a pool that is gone but
    /// still has jobs. The queue is unchanged then.
    pub fn reconfigure(&mut self, settings: Settings) -> Result<Vec<WorkspaceKey>, SettingsError> {
        settings.validate()?;
        let tiers = self.settings.tiers.iter().map(|tier| settings.tier(&tier.name).map(TierIndex::at));
        let tiers: Moves = tiers.collect();
        let pools = self.settings.pools.iter().map(|pool| settings.pool(&pool.name).map(PoolIndex::at));
        let pools: Moves = pools.collect();
        self.check_pools_unused(&pools)?;
        for lane_at in 0..self.lanes.len() as u32 {
            self.unlist(lane_at);
        }
        let old_pools = self.replace_pools(&settings, &tiers, &pools);
        let old_settings = std::mem::replace(&mut self.settings, settings);
        self.settings_epoch += 1;
        let mut homeless = Vec::new();
        for at in 0..self.workspaces.len() as u32 {
            if !self.workspaces[at as usize].is_known {
                continue;
            }
            let old = self.workspaces[at as usize].tier.at();
            self.drop_lanes_without_pool(at, &pools);
            self.move_lanes(at, &pools, tiers[old], (&old_pools, &old_settings));
            if tiers[old].is_none() {
                homeless.push(WorkspaceKey(at));
            }
        }
        Ok(homeless)
    }

    fn check_pools_unused(&self, pools: &Moves) -> Result<(), SettingsError> {
        for ((pool, settings), _) in
            self.pools.iter().zip(&self.settings.pools).zip(pools).filter(|(_, new)| new.is_none())
        {
            let queued = pool.tiers.iter().map(|tier| tier.ready() + tier.gated());
            let jobs = pool.running + queued.sum::<u64>();
            if jobs > 0 {
                return Err(SettingsError::PoolInUse { pool: settings.name.clone(), jobs });
            }
        }
        Ok(())
    }

    /// Pools of the new settings with the times, service and means of their namesakes, and no jobs
    /// counted yet. Returns the old ones.
    fn replace_pools(&mut self, settings: &Settings, tiers: &Moves, pools: &Moves) -> Vec<Pool> {
        let mut new: Vec<Pool> =
            settings.pools.iter().map(|pool| Pool::new(pool, settings.tiers.len())).collect();
        for (old, to) in self.pools.iter().zip(pools) {
            if let Some(to) = to {
                new[*to].inherit(old, tiers);
            }
        }
        std::mem::replace(&mut self.pools, new)
    }

    fn drop_lanes_without_pool(&mut self, workspace: u32, pools: &Moves) {
        let lanes: Vec<u32> = self.lanes_of(workspace).collect();
        let mut first = NIL;
        for at in lanes.into_iter().rev() {
            if pools[self.lane(at).pool as usize].is_some() {
                self.lane_mut(at).next = first;
                first = at;
            } else {
                self.lanes_free.push(at);
            }
        }
        self.workspaces[workspace as usize].lanes = first;
    }

    /// Re-keys a workspace's lanes, counts them in their new pools and tier, and lists them.
    fn move_lanes(&mut self, workspace: u32, pools: &Moves, tier: Option<usize>, old: (&[Pool], &Settings)) {
        let (old_pools, old_settings) = old;
        let old_tier = self.workspaces[workspace as usize].tier.at();
        let new_tier = tier.unwrap_or(0);
        self.workspaces[workspace as usize].tier = TierIndex(new_tier as u8);
        let old_weight = u128::from(old_settings.tiers[old_tier].weight);
        let new_weight = u128::from(self.settings.tiers[new_tier].weight);
        let lanes: Vec<u32> = self.lanes_of(workspace).collect();
        for at in lanes {
            let lane = &mut self.lanes[at as usize];
            let old_pool = &old_pools[lane.pool as usize];
            let to = pools[lane.pool as usize].unwrap_or_default();
            lane.pool = to as u16;
            let pool = &mut self.pools[to];
            if tier.is_none() {
                let ahead = lane.tier_tag.saturating_sub(old_pool.tiers[old_tier].virtual_time);
                lane.tier_tag = pool.tiers[new_tier].virtual_time + ahead;
            }
            // What the lane was served ahead of V was booked at the old weight.
            if let Some(ahead) = lane.shared_tag.checked_sub(pool.virtual_time) {
                lane.shared_tag = pool.virtual_time + ahead * old_weight / new_weight;
            }
            lane.debt_ms = pool.clip_debt(lane.debt_ms);
            pool.running += self.jobs.list(lane.running).count() as u64;
            self.tally_lane(at, true);
            self.follow_head(at);
        }
    }
}
