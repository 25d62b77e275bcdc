//! What a waiting job may be told: how many come first, and what it waits for.

use reeve_types::{JobId, Millis};

use crate::arena::State;
use crate::pool::Block;
use crate::{FairQueue, GateReason, PoolIndex, Position, TierIndex, WaitingFor, WorkspaceKey};

impl FairQueue {
    /// Where a queued job stands. `None` when it is not queued.
    ///
    /// The k-th job of a workspace expects before it the lesser of k and the number of ready jobs of each
    /// other workspace of its tier in this pool (paused ones excepted), and k - 1 of its own. A gated job
    /// stands where it would if its gate opened now. O(log jobs), no scan.
    pub fn position(&self, job: JobId) -> Option<Position> {
        let at = self.places.get(job, &self.jobs)?;
        let node = self.jobs.get(at);
        if !matches!(node.state, State::Ready | State::Gated(_)) {
            return None;
        }
        let lane = self.lane(node.lane);
        let tier = self.workspaces[lane.workspace as usize].tier;
        let before = lane.ready.rank(at, &self.jobs);
        Some(self.position_after(before, Some(node.lane), tier, PoolIndex(lane.pool)))
    }

    /// Where a job of that priority would stand if it were enqueued now, for quotes. `workspace` is
    /// `None` for one that the queue does not know. `None` when tier or pool are not in the settings.
    pub fn position_if_enqueued(
        &self,
        workspace: Option<WorkspaceKey>,
        tier: TierIndex,
        pool: PoolIndex,
        priority: i32,
    ) -> Option<Position> {
        self.pools.get(pool.at())?.tiers.get(tier.at())?;
        let workspace = workspace.filter(|key| self.workspace_id(*key).is_some());
        let lane_at = workspace.and_then(|key| self.lanes_of(key.0).find(|at| self.lane(*at).pool == pool.0));
        let before = lane_at.map_or(0, |at| self.lane(at).ready.rank_of_new(priority, &self.jobs));
        Some(self.position_after(before, lane_at, tier, pool))
    }

    /// Why a queued job has not started; the reason that will last longest on its own comes first.
    /// `has_worker` says whether a live worker serves its pool. `None` when the job is not queued.
    pub fn waiting_for(&self, job: JobId, has_worker: bool) -> Option<WaitingFor> {
        let node = self.jobs.get(self.places.get(job, &self.jobs)?);
        let lane = self.lane(node.lane);
        let gate = match node.state {
            State::Ready => None,
            State::Gated(why) => Some(why),
            State::Free | State::Reserved | State::Running => return None,
        };
        let block = self.workspaces[lane.workspace as usize].block;
        Some(self.reason(block, PoolIndex(lane.pool), gate, has_worker))
    }

    /// What a job would wait for if it were enqueued now without a gate, for quotes.
    pub fn waiting_for_if_enqueued(
        &self,
        workspace: Option<WorkspaceKey>,
        pool: PoolIndex,
        has_worker: bool,
    ) -> Option<WaitingFor> {
        self.pools.get(pool.at())?;
        let workspace = workspace.filter(|key| self.workspace_id(*key).is_some());
        let block = workspace.map_or(Block::None, |key| self.workspaces[key.0 as usize].block);
        Some(self.reason(block, pool, None, has_worker))
    }

    /// When the gate of a queued job opens; `None` without one.
    pub fn gate_until(&self, job: JobId) -> Option<Millis> {
        let at = self.places.get(job, &self.jobs)?;
        self.jobs.get(at).gate().map(|gate| gate.until)
    }

    /// Jobs of the workspace that are ready or gated, over all pools. O(pools).
    pub fn workspace_queued(&self, key: WorkspaceKey) -> u64 {
        if self.workspace_id(key).is_none() {
            return 0;
        }
        let lanes = self.lanes_of(key.0).map(|at| self.lane(at));
        lanes.map(|lane| u64::from(lane.ready.len(&self.jobs)) + u64::from(lane.gated_len)).sum()
    }

    fn reason(
        &self,
        block: Block,
        pool: PoolIndex,
        gate: Option<GateReason>,
        has_worker: bool,
    ) -> WaitingFor {
        let is_paused = block == Block::Paused || self.pools[pool.at()].paused;
        match (gate, block) {
            _ if is_paused => WaitingFor::Paused,
            (Some(GateReason::NotBefore), _) => WaitingFor::NotBefore,
            (Some(GateReason::RetryBackoff), _) => WaitingFor::RetryBackoff,
            _ if !has_worker => WaitingFor::Worker,
            (None, Block::Limit) => WaitingFor::WorkspaceLimit,
            (None, _) => WaitingFor::Turn,
        }
    }

    fn position_after(&self, before: u64, own: Option<u32>, tier: TierIndex, pool: PoolIndex) -> Position {
        let k = before + 1;
        let all = self.pools[pool.at()].tiers[tier.at()].lengths.sum_min(k);
        let own = own.map_or(0, |at| {
            let lane = self.lane(at);
            let workspace = &self.workspaces[lane.workspace as usize];
            let is_counted = workspace.tier == tier && workspace.block != Block::Paused;
            if is_counted { u64::from(lane.ready.len(&self.jobs)).min(k) } else { 0 }
        });
        Position { tier, in_workspace: k, ahead: all - own + before }
    }
}
