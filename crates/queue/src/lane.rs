//! A lane: one workspace's jobs of one pool, with the tags, and its way into and out of the eligible sets.

use std::cmp::Reverse;

use reeve_types::Millis;

use crate::FairQueue;
use crate::arena::{NIL, State};
use crate::eligible::Key;
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
    pub(crate) listed: bool,
    pub(crate) ready: Ready,
    /// First ready job.
    pub(crate) head: u32,
    /// The head's place in the order, so that a job that comes after it need not look at it.
    pub(crate) head_admitted_at: Millis,
    pub(crate) head_priority: i32,
    pub(crate) head_n: u32,
    /// Estimate of the head, frozen when it became the head.
    pub(crate) head_cost_ms: u32,
    /// What the head's dispatch would charge.
    pub(crate) charge_ms: u32,
    /// List of gated jobs.
    pub(crate) gated: u32,
    pub(crate) gated_len: u32,
    /// List of reserved and running jobs.
    pub(crate) running: u32,
    pub(crate) running_len: u32,
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
            listed: false,
            ready: Ready::new(),
            head: NIL,
            head_admitted_at: Millis::from_millis(0),
            head_priority: 0,
            head_n: 0,
            head_cost_ms: 0,
            charge_ms: 0,
            gated: NIL,
            gated_len: 0,
            running: NIL,
            running_len: 0,
        }
    }

    /// True when the lane has no job in any state.
    pub(crate) const fn is_empty(&self) -> bool {
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

    /// Pool and tier that a lane counts in, to change.
    pub(crate) fn tier_of(&mut self, lane_at: u32) -> &mut PoolTier {
        let lane = &self.lanes[lane_at as usize];
        let tier = self.workspaces[lane.workspace as usize].facts.tier;
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
        if lane.listed || lane.head == NIL || workspace.block != Block::None {
            return;
        }
        let pool = &mut self.pools[lane.pool as usize];
        let tier = &mut pool.tiers[workspace.facts.tier.at()];
        if lane.left_at != pool.latest {
            lane.tier_tag = lane.tier_tag.max(tier.virtual_time);
            lane.shared_tag = lane.shared_tag.max(pool.virtual_time);
        }
        lane.listed = true;
        let (finish, start) = keys(lane, at);
        tier.by_finish.insert(finish, &mut self.finish_spots);
        tier.by_start.insert(start, &mut self.start_spots);
    }

    /// Takes the lane out of the eligible sets if it is there. Call it before a tag, the head or its
    /// charge changes: the sets are found by them.
    pub(crate) fn unlist(&mut self, at: u32) {
        let lane = &mut self.lanes[at as usize];
        if !lane.listed {
            return;
        }
        let pool = &mut self.pools[lane.pool as usize];
        let tier = &mut pool.tiers[self.workspaces[lane.workspace as usize].facts.tier.at()];
        tier.by_finish.remove(at, &mut self.finish_spots);
        tier.by_start.remove(at, &mut self.start_spots);
        lane.listed = false;
        lane.left_at = pool.latest;
    }

    /// Makes a ready job, or none, the head of a lane, and lists the lane accordingly.
    pub(crate) fn change_head(&mut self, lane_at: u32, head: u32) {
        self.unlist(lane_at);
        let lane = &mut self.lanes[lane_at as usize];
        lane.head = head;
        if head == NIL {
            return;
        }
        let node = self.jobs.get(head);
        let pool = &self.pools[lane.pool as usize];
        (lane.head_admitted_at, lane.head_priority, lane.head_n) = (node.admitted_at, node.priority, node.n);
        lane.head_cost_ms = pool.cost_ms(node.declared_ms, node.action);
        lane.charge_ms = pool.charge_ms(lane.head_cost_ms, lane.debt_ms);
        self.list(lane_at);
    }

    /// Books a debt and lets the head's charge follow. The base stays frozen.
    pub(crate) fn add_debt(&mut self, lane_at: u32, debt_ms: i64) {
        let lane = &self.lanes[lane_at as usize];
        let pool = &self.pools[lane.pool as usize];
        let debt_ms = pool.clip_debt(lane.debt_ms.saturating_add(debt_ms));
        let charge_ms = pool.charge_ms(lane.head_cost_ms, debt_ms);
        let lane = &mut self.lanes[lane_at as usize];
        lane.debt_ms = debt_ms;
        if lane.head == NIL || charge_ms == lane.charge_ms {
            return;
        }
        lane.charge_ms = charge_ms;
        if lane.listed {
            let (finish, _) = keys(lane, lane_at);
            let tier = self.workspaces[lane.workspace as usize].facts.tier;
            let sets = &mut self.pools[lane.pool as usize].tiers[tier.at()];
            sets.by_finish.rekey(finish, &mut self.finish_spots);
        }
    }

    /// A job that is in no structure becomes ready in its lane.
    pub(crate) fn ready_insert(&mut self, at: u32) {
        let node = self.jobs.get_mut(at);
        node.state = State::Ready;
        let (lane_at, admitted_at) = (node.lane, node.admitted_at);
        let becomes_head = self.becomes_head(at);
        let ready = &mut self.lanes[lane_at as usize].ready;
        ready.insert(at, &mut self.jobs);
        let (len, block) = (ready.len(&self.jobs), self.block_of(lane_at));
        let tier = self.tier_of(lane_at);
        tier.resize_lane(block, len - 1, len);
        tier.age_add(admitted_at);
        if becomes_head {
            self.change_head(lane_at, at);
        }
    }

    /// True when a job that is not in the order yet would come first.
    fn becomes_head(&self, at: u32) -> bool {
        let node = self.jobs.get(at);
        let lane = self.lane(node.lane);
        if lane.head == NIL {
            return true;
        }
        let of_node = (Reverse(node.priority), node.admitted_at, node.n);
        let of_head = (Reverse(lane.head_priority), lane.head_admitted_at, lane.head_n);
        of_node < of_head || (of_node == of_head && self.jobs.is_before(at, lane.head))
    }

    /// A ready job leaves its lane and is in no structure.
    pub(crate) fn ready_remove(&mut self, at: u32) {
        let (lane_at, admitted_at) = (self.jobs.get(at).lane, self.jobs.get(at).admitted_at);
        if self.lane(lane_at).head == at {
            // Before the order changes, while the keys can still be computed.
            self.unlist(lane_at);
        }
        let ready = &mut self.lanes[lane_at as usize].ready;
        ready.remove(at, &mut self.jobs);
        let (len, block) = (ready.len(&self.jobs), self.block_of(lane_at));
        let tier = self.tier_of(lane_at);
        tier.resize_lane(block, len + 1, len);
        tier.age_remove(admitted_at);
        if self.lane(lane_at).head == at {
            let head = self.lane(lane_at).ready.first(&self.jobs);
            self.change_head(lane_at, head);
        }
    }

    /// Adds all that a lane holds to its tier's counts, or takes it away.
    pub(crate) fn tally_lane(&mut self, lane_at: u32, is_added: bool) {
        let lane = self.lane(lane_at);
        let running_len = u64::from(lane.running_len);
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
fn keys(lane: &Lane, lane_at: u32) -> (Key, Key) {
    let admitted_at = lane.head_admitted_at;
    let key = |tag| Key { tag, admitted_at, workspace: lane.workspace, lane: lane_at };
    (key(lane.tier_tag + u128::from(lane.charge_ms)), key(lane.shared_tag))
}
