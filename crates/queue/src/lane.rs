//! A lane: one workspace's jobs of one pool, with the tags, and its way into and out of the eligible sets.

use reeve_types::Millis;

use crate::FairQueue;
use crate::arena::{NIL, State};
use crate::contest::Key;
use crate::latest::Latest;
use crate::pool::{Block, Pool, PoolTier};
use crate::ready::Ready;

/// [`Lane::left_at`] of a lane that never was eligible.
pub(crate) const NEVER: u64 = u64::MAX;

/// One workspace in one pool.
///
/// Both tags hold the *base* of the head job while the lane is eligible and the finish tag of the last
/// one served otherwise. The base is frozen when the lane becomes eligible and from then on moves by
/// charges only, also when the head changes: a base taken anew from the virtual time at each new head
/// would let a lane served in step 3 lose its turn in steps 1 and 2 again and again (P3).
#[derive(Debug, Clone)]
#[repr(align(128))]
pub(crate) struct Lane {
    /// F_c, in slot-milliseconds.
    pub(crate) tier_tag: u128,
    /// F, in units of [`SHARED_SCALE`](crate::pool::SHARED_SCALE).
    pub(crate) shared_tag: u128,
    /// Actual less estimated cost not charged yet, within [-L_max, L_max].
    pub(crate) debt_ms: i64,
    /// [`Pool::latest`] when the lane stopped being eligible: one that is back before the next
    /// dispatch was away for nobody, and keeps its tags.
    pub(crate) left_at: u64,
    pub(crate) workspace: u32,
    /// The workspace's next lane.
    pub(crate) next: u32,
    pub(crate) pool: u16,
    /// Its seat in the eligible sets; [`NIL`] while it is not in them.
    pub(crate) seat: u32,
    pub(crate) ready: Ready,
    pub(crate) latest_ready: Latest,
    /// First ready job.
    pub(crate) head: u32,
    /// When the head was admitted, which decides between equal tags.
    pub(crate) head_admitted_at: Millis,
    /// Estimate of the head, frozen when it became the head.
    pub(crate) head_cost_ms: u32,
    /// List of gated jobs.
    pub(crate) gated: u32,
    pub(crate) gated_len: u32,
    /// List of reserved and running jobs.
    pub(crate) running: u32,
}

impl Lane {
    /// An empty lane.
    pub(crate) const fn new(workspace: u32, pool: u16, next: u32) -> Self {
        Self {
            tier_tag: 0,
            shared_tag: 0,
            debt_ms: 0,
            left_at: NEVER,
            workspace,
            next,
            pool,
            seat: NIL,
            ready: Ready::new(),
            latest_ready: Latest::NOBODY,
            head: NIL,
            head_admitted_at: Millis::from_millis(0),
            head_cost_ms: 0,
            gated: NIL,
            gated_len: 0,
            running: NIL,
        }
    }

    /// What the dispatch of its head would charge, in slot-milliseconds.
    pub(crate) fn charge_ms(&self, pool: &Pool) -> u32 {
        pool.charge_ms(self.head_cost_ms, self.debt_ms)
    }

    /// True when the lane has no job in any state.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.gated == NIL && self.running == NIL
    }
}

/// Two cache lines.
const _: () = assert!(size_of::<Lane>() == 128);

impl FairQueue {
    /// The lane in a slot.
    pub(crate) fn lane(&self, at: u32) -> &Lane {
        &self.lanes[at as usize]
    }

    /// The lane in a slot, to change.
    pub(crate) fn lane_mut(&mut self, at: u32) -> &mut Lane {
        &mut self.lanes[at as usize]
    }

    /// Asks for the memory of the lane's seat ahead of its use.
    pub(crate) fn approach_seat(&self, lane_at: u32) {
        let lane = self.lane(lane_at);
        if lane.seat != NIL {
            let tier = self.workspaces[lane.workspace as usize].tier;
            self.pools[lane.pool as usize].tiers[tier.at()].eligible.approach(lane.seat);
        }
    }

    /// Pool and tier that a lane counts in, to change.
    pub(crate) fn tier_of(&mut self, lane_at: u32) -> &mut PoolTier {
        let lane = &self.lanes[lane_at as usize];
        let tier = self.workspaces[lane.workspace as usize].tier;
        &mut self.pools[lane.pool as usize].tiers[tier.at()]
    }

    /// The pool of a lane, to change.
    pub(crate) fn pool_of(&mut self, lane_at: u32) -> &mut Pool {
        &mut self.pools[self.lanes[lane_at as usize].pool as usize]
    }

    /// Puts the lane into the eligible sets if it belongs there.
    pub(crate) fn list(&mut self, at: u32) {
        let lane = &mut self.lanes[at as usize];
        let workspace = &self.workspaces[lane.workspace as usize];
        if lane.seat != NIL || lane.head == NIL || workspace.block != Block::None {
            return;
        }
        let pool = &mut self.pools[lane.pool as usize];
        if lane.left_at != pool.latest {
            lane.tier_tag = lane.tier_tag.max(pool.tiers[workspace.tier.at()].virtual_time);
            lane.shared_tag = lane.shared_tag.max(pool.virtual_time);
        }
        let (finish, start) = keys(lane, at, pool);
        lane.seat = pool.tiers[workspace.tier.at()].eligible.insert(finish, start);
    }

    /// Takes the lane out of the eligible sets if it is there.
    pub(crate) fn unlist(&mut self, at: u32) {
        let lane = &mut self.lanes[at as usize];
        if lane.seat == NIL {
            return;
        }
        let pool = &mut self.pools[lane.pool as usize];
        let tier = &mut pool.tiers[self.workspaces[lane.workspace as usize].tier.at()];
        tier.eligible.remove(lane.seat);
        lane.seat = NIL;
        lane.left_at = pool.latest;
    }

    /// Makes the first ready job, if any, the head of its lane, and lists the lane accordingly. Call it
    /// after the head or a tag changed: a lane that stays listed has outdated keys until then.
    pub(crate) fn follow_head(&mut self, lane_at: u32) {
        let lane = &mut self.lanes[lane_at as usize];
        let Some(first) = lane.ready.first(&self.jobs) else {
            lane.head = NIL;
            return self.unlist(lane_at);
        };
        let pool = &mut self.pools[lane.pool as usize];
        // A declared cost spares a look at the slot, which is a miss in the cache for most heads.
        let action = if first.declared_ms == 0 { self.jobs.get(first.at).action } else { 0 };
        (lane.head, lane.head_admitted_at) = (first.at, first.admitted_at);
        lane.head_cost_ms = pool.cost_ms(first.declared_ms, action);
        if lane.seat == NIL {
            return self.list(lane_at);
        }
        let (finish, start) = keys(lane, lane_at, pool);
        let tier = self.workspaces[lane.workspace as usize].tier;
        pool.tiers[tier.at()].eligible.rekey(lane.seat, finish, start);
    }

    /// Books a debt and lets the head's charge follow. The base stays frozen.
    pub(crate) fn add_debt(&mut self, lane_at: u32, debt_ms: i64) {
        let lane = &mut self.lanes[lane_at as usize];
        let pool = &mut self.pools[lane.pool as usize];
        let old_charge_ms = lane.charge_ms(pool);
        lane.debt_ms = pool.clip_debt(lane.debt_ms.saturating_add(debt_ms));
        let charge_ms = lane.charge_ms(pool);
        if lane.seat == NIL || charge_ms == old_charge_ms {
            return;
        }
        let tier = self.workspaces[lane.workspace as usize].tier;
        let tag = lane.tier_tag + u128::from(charge_ms);
        pool.tiers[tier.at()].eligible.retag_finish(lane.seat, tag);
    }

    /// A job that is in no structure becomes ready in its lane.
    pub(crate) fn ready_insert(&mut self, at: u32) {
        let node = self.jobs.get_mut(at);
        node.state = State::Ready;
        let (lane_at, admitted_at) = (node.lane, node.admitted_at);
        let lane = &mut self.lanes[lane_at as usize];
        let latest = if lane.ready.is_empty() { Latest::NOBODY } else { lane.latest_ready };
        lane.latest_ready = latest.with(node);
        let is_appended = latest.is_before(node) && lane.ready.append(at, &self.jobs);
        let becomes_head = !is_appended && lane.ready.insert(at, lane.head, &mut self.jobs);
        let (len, block) = (lane.ready.len(&self.jobs), self.block_of(lane_at));
        let tier = self.tier_of(lane_at);
        tier.resize_lane(block, len - 1, len);
        tier.age_add(admitted_at);
        if becomes_head {
            self.follow_head(lane_at);
        }
    }

    /// A ready job leaves its lane and is in no structure.
    pub(crate) fn ready_remove(&mut self, at: u32) {
        let lane_at = self.ready_leave(at);
        if self.lane(lane_at).head == at {
            self.follow_head(lane_at);
        }
    }

    /// A ready job leaves the order of its lane, which is returned. If it was the head, the lane has to
    /// follow its head before the next call.
    pub(crate) fn ready_leave(&mut self, at: u32) -> u32 {
        let (lane_at, admitted_at) = (self.jobs.get(at).lane, self.jobs.get(at).admitted_at);
        let lane = &mut self.lanes[lane_at as usize];
        lane.ready.remove(at, &mut self.jobs);
        let (len, block) = (lane.ready.len(&self.jobs), self.block_of(lane_at));
        let tier = self.tier_of(lane_at);
        tier.resize_lane(block, len + 1, len);
        tier.age_remove(admitted_at);
        lane_at
    }

    /// Adds all that a lane holds to its tier's counts, or takes it away.
    pub(crate) fn tally_lane(&mut self, lane_at: u32, is_added: bool) {
        let lane = self.lane(lane_at);
        let running_len = self.jobs.list(lane.running).count() as u64;
        let gated: Vec<_> = self.jobs.list(lane.gated).filter_map(|at| self.jobs.get(at).gate()).collect();
        let ages: Vec<_> =
            lane.ready.all(&self.jobs).into_iter().map(|at| self.jobs.get(at).admitted_at).collect();
        let (len, block) = (lane.ready.len(&self.jobs), self.block_of(lane_at));
        let tier = self.tier_of(lane_at);
        if is_added {
            tier.running += running_len;
            tier.resize_lane(block, 0, len);
            gated.into_iter().for_each(|gate| *tier.gated_mut(gate.why) += 1);
            ages.into_iter().for_each(|age| tier.age_add(age));
        } else {
            tier.running -= running_len;
            tier.resize_lane(block, len, 0);
            gated.into_iter().for_each(|gate| *tier.gated_mut(gate.why) -= 1);
            ages.into_iter().for_each(|age| tier.age_remove(age));
        }
    }

    /// Why the lane's workspace is not eligible.
    pub(crate) fn block_of(&self, lane_at: u32) -> Block {
        self.workspaces[self.lane(lane_at).workspace as usize].block
    }
}

/// Where a lane stands in its tier's two orders.
fn keys(lane: &Lane, lane_at: u32, pool: &Pool) -> (Key, Key) {
    let admitted_at = lane.head_admitted_at;
    let key = |tag| Key { tag, admitted_at, workspace: lane.workspace, lane: lane_at };
    (key(lane.tier_tag + u128::from(lane.charge_ms(pool))), key(lane.shared_tag))
}
