//! The queue itself: its parts, and the workspaces it knows.

use std::collections::BTreeSet;

use reeve_types::{JobId, Millis, WorkspaceId};
use rustc_hash::FxHashMap;

use crate::arena::{Arena, NIL, State};
use crate::lane::Lane;
use crate::places::Places;
use crate::pool::Pool;
use crate::reservation::Reservation;
use crate::workspace::Workspace;
use crate::{Misuse, PoolIndex, Settings, SettingsError, TierIndex, WorkspaceFacts, WorkspaceKey};

/// The tiered fair queue of all pools. See the crate's page for the algorithm.
#[derive(Debug, Clone)]
pub struct FairQueue {
    pub(crate) settings: Settings,
    pub(crate) pools: Vec<Pool>,
    pub(crate) workspaces: Vec<Workspace>,
    /// Their ids, which no dispatch looks at; `None` in a free slot.
    workspace_ids: Vec<Option<WorkspaceId>>,
    pub(crate) workspaces_free: Vec<u32>,
    pub(crate) keys: FxHashMap<WorkspaceId, WorkspaceKey>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) lanes_free: Vec<u32>,
    pub(crate) jobs: Arena,
    pub(crate) places: Places,
    /// Gated jobs by the instant at which they are ready.
    pub(crate) gates: BTreeSet<(Millis, u32)>,
    /// By the slot of the reserved job.
    pub(crate) reservations: FxHashMap<u32, Reservation>,
    pub(crate) tickets: u64,
    /// Counts new settings: what a reservation noted per tier means nothing after them.
    pub(crate) settings_epoch: u64,
    #[cfg(test)]
    pub(crate) broken: Option<crate::broken::Broken>,
}

impl FairQueue {
    /// An empty queue.
    ///
    /// # Errors
    /// What [`Settings::validate`] refuses.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let tiers = settings.tiers.len();
        Ok(Self {
            pools: settings.pools.iter().map(|pool| Pool::new(pool, tiers)).collect(),
            settings,
            workspaces: Vec::new(),
            workspace_ids: Vec::new(),
            workspaces_free: Vec::new(),
            keys: FxHashMap::default(),
            lanes: Vec::new(),
            lanes_free: Vec::new(),
            jobs: Arena::default(),
            places: Places::default(),
            gates: BTreeSet::new(),
            reservations: FxHashMap::default(),
            tickets: 0,
            settings_epoch: 0,
            #[cfg(test)]
            broken: None,
        })
    }

    /// Makes room for that many more jobs, so that a rebuild at start does not grow step by step.
    pub fn reserve(&mut self, jobs: usize) {
        self.jobs.reserve(jobs);
        self.places.reserve(jobs);
    }

    /// The settings in force; tier and pool indexes are places in them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Creates a workspace, or changes what is known of it.
    ///
    /// A new tier re-keys what is queued (`F_c' = V_c' + max(0, F_c - V_c)`): neither an advantage nor a
    /// debt against one tier's past is carried into another's. The order inside the workspace stays.
    ///
    /// # Errors
    /// [`Misuse::UnknownTier`].
    pub fn set_workspace(&mut self, id: &WorkspaceId, facts: WorkspaceFacts) -> Result<WorkspaceKey, Misuse> {
        if facts.tier.at() >= self.settings.tiers.len() {
            return Err(Misuse::UnknownTier(facts.tier));
        }
        let Some(key) = self.keys.get(id).copied() else {
            return Ok(self.add_workspace(id, facts));
        };
        if self.workspaces[key.0 as usize].tier != facts.tier {
            self.change_tier(key, facts.tier);
        }
        self.workspaces[key.0 as usize].set_limits(facts);
        self.update_block(key.0);
        Ok(key)
    }

    /// The key of a known workspace.
    pub fn workspace_key(&self, id: &WorkspaceId) -> Option<WorkspaceKey> {
        self.keys.get(id).copied()
    }

    /// The id of a known workspace.
    pub fn workspace_id(&self, key: WorkspaceKey) -> Option<&WorkspaceId> {
        self.workspace_ids.get(key.0 as usize)?.as_ref()
    }

    /// What was last set for a known workspace.
    pub fn workspace_facts(&self, key: WorkspaceKey) -> Option<WorkspaceFacts> {
        let workspace = self.workspaces.get(key.0 as usize)?;
        workspace.is_known.then(|| workspace.facts())
    }

    /// Jobs of the workspace that are reserved or running, over all pools.
    pub fn workspace_running(&self, key: WorkspaceKey) -> u32 {
        self.workspaces.get(key.0 as usize).map_or(0, |workspace| workspace.running)
    }

    /// Forgets a workspace with nothing queued, running or owed; the key is void afterwards.
    ///
    /// False, and nothing changed, while its tags lie ahead of the virtual times or it has a debt: a
    /// workspace must not come out of a short retirement richer than it went in.
    pub fn forget_workspace(&mut self, key: WorkspaceKey) -> bool {
        let Some(id) = self.workspace_id(key).cloned() else { return false };
        let tier = self.workspaces[key.0 as usize].tier.at();
        let lanes: Vec<u32> = self.lanes_of(key.0).collect();
        let owes_nothing = lanes.iter().all(|at| {
            let lane = self.lane(*at);
            let pool = &self.pools[lane.pool as usize];
            lane.is_empty()
                && lane.debt_ms <= 0
                && lane.tier_tag <= pool.tiers[tier].virtual_time
                && lane.shared_tag <= pool.virtual_time
        });
        if owes_nothing {
            self.keys.remove(&id);
            self.workspace_ids[key.0 as usize] = None;
            let workspace = &mut self.workspaces[key.0 as usize];
            (workspace.is_known, workspace.lanes) = (false, NIL);
            self.workspaces_free.push(key.0);
            self.lanes_free.extend(lanes);
        }
        owes_nothing
    }

    /// Workspaces known.
    pub fn workspaces_len(&self) -> usize {
        self.keys.len()
    }

    /// Jobs known: queued, reserved and running.
    pub fn jobs_len(&self) -> usize {
        self.places.len()
    }

    /// True while the job is ready or gated.
    pub fn is_queued(&self, job: JobId) -> bool {
        self.places
            .get(job, &self.jobs)
            .is_some_and(|at| matches!(self.jobs.get(at).state, State::Ready | State::Gated(_)))
    }

    /// True while the job is reserved or running.
    pub fn is_running(&self, job: JobId) -> bool {
        self.places
            .get(job, &self.jobs)
            .is_some_and(|at| matches!(self.jobs.get(at).state, State::Reserved | State::Running))
    }

    /// Pauses or resumes a pool: while paused, nothing is taken from it and its tags stand still.
    ///
    /// # Errors
    /// [`Misuse::UnknownPool`].
    pub fn set_pool_paused(&mut self, pool: PoolIndex, is_paused: bool) -> Result<(), Misuse> {
        self.pools.get_mut(pool.at()).ok_or(Misuse::UnknownPool(pool))?.paused = is_paused;
        Ok(())
    }

    /// The slots of a workspace's lanes.
    pub(crate) fn lanes_of(&self, workspace: u32) -> impl Iterator<Item = u32> {
        let mut at = self.workspaces[workspace as usize].lanes;
        std::iter::from_fn(move || {
            let here = (at != NIL).then_some(at)?;
            at = self.lane(here).next;
            Some(here)
        })
    }

    /// The workspace's lane for a pool, made if it has none.
    pub(crate) fn lane_for(&mut self, workspace: u32, pool: PoolIndex) -> u32 {
        let known = self.lanes_of(workspace).find(|at| self.lane(*at).pool == pool.0);
        if let Some(at) = known {
            return at;
        }
        let first = &mut self.workspaces[workspace as usize].lanes;
        let lane = Lane::new(workspace, pool.0, *first);
        let at = match self.lanes_free.pop() {
            Some(at) => {
                self.lanes[at as usize] = lane;
                at
            }
            None => {
                self.lanes.push(lane);
                self.lanes.len() as u32 - 1
            }
        };
        *first = at;
        at
    }

    /// Moves all lanes of a workspace in or out of the eligible sets when running, cap or pause say so.
    pub(crate) fn update_block(&mut self, at: u32) {
        let workspace = &self.workspaces[at as usize];
        let block = workspace.block_due(self.is_broken(crate::broken::Broken::CapIgnored));
        let old = workspace.block;
        if block == old {
            return;
        }
        let mut lane_at = workspace.lanes;
        while lane_at != NIL {
            self.unlist(lane_at);
            let len = self.lane(lane_at).ready.len(&self.jobs);
            let tier = self.tier_of(lane_at);
            tier.resize_lane(old, len, 0);
            tier.resize_lane(block, 0, len);
            lane_at = self.lane(lane_at).next;
        }
        self.workspaces[at as usize].block = block;
        self.list_all(at);
    }

    /// Lists every lane of a workspace that belongs into the eligible sets.
    pub(crate) fn list_all(&mut self, workspace: u32) {
        let mut lane_at = self.workspaces[workspace as usize].lanes;
        while lane_at != NIL {
            self.list(lane_at);
            lane_at = self.lane(lane_at).next;
        }
    }

    fn add_workspace(&mut self, id: &WorkspaceId, facts: WorkspaceFacts) -> WorkspaceKey {
        let (workspace, known_as) = (Workspace::new(facts), Some(id.clone()));
        let at = match self.workspaces_free.pop() {
            Some(at) => {
                self.workspaces[at as usize] = workspace;
                self.workspace_ids[at as usize] = known_as;
                at
            }
            None => {
                self.workspaces.push(workspace);
                self.workspace_ids.push(known_as);
                self.workspaces.len() as u32 - 1
            }
        };
        let key = WorkspaceKey(at);
        self.keys.insert(id.clone(), key);
        self.update_block(at);
        key
    }

    fn change_tier(&mut self, key: WorkspaceKey, tier: TierIndex) {
        let lanes: Vec<u32> = self.lanes_of(key.0).collect();
        let old = self.workspaces[key.0 as usize].tier.at();
        for at in &lanes {
            self.unlist(*at);
            self.tally_lane(*at, false);
            let lane = &mut self.lanes[*at as usize];
            let tiers = &self.pools[lane.pool as usize].tiers;
            let ahead = lane.tier_tag.saturating_sub(tiers[old].virtual_time);
            lane.tier_tag = tiers[tier.at()].virtual_time + ahead;
        }
        self.workspaces[key.0 as usize].tier = tier;
        for at in &lanes {
            self.tally_lane(*at, true);
            self.list(*at);
        }
    }
}
