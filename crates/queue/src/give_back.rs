//! The second phase of a dispatch: kept, or reversed.
//!
//! **What "reversed exactly" means.** A reservation remembers every number its dispatch changed.
//!
//! - When it is the latest dispatch of its pool (and those after it, if any, were given back before it),
//!   tags, virtual times, entitlements, debt and counts become what they were, bit for bit: the next
//!   `take` answers as if this one had not been asked. Lanes that became eligible in between keep the
//!   tags they were given.
//! - When other dispatches followed, its charge is subtracted from the lane's tag, its changes from the
//!   entitlements (not below 0) and its cost from the debt. Virtual times stay: others were served at
//!   them. A lane that the reservation itself kept from being eligible (at its cap) comes back one turn
//!   behind the virtual time at most, however long the answer took: it would have been served by then.
//! - In both cases a job that becomes the head again keeps the estimate it was reserved with.
//! - After new settings, or a change of the workspace's tier, entitlements and service counts stay too:
//!   they were booked under other shares.

use std::collections::hash_map::Entry as MapEntry;

use reeve_types::Millis;

use crate::arena::{NIL, State};
use crate::reservation::Reservation;
use crate::{FairQueue, GiveBack, Step, Ticket};

impl FairQueue {
    /// Keeps a reservation: the lease is durable. False when the ticket is void (given back, or its
    /// workspace was synced or the job finished in the meantime).
    pub fn confirm(&mut self, ticket: Ticket) -> bool {
        let is_live = self.close_reservation(ticket).is_some();
        if is_live {
            self.jobs.get_mut(ticket.node).state = State::Running;
        }
        is_live
    }

    /// Reverses a reservation. False, and nothing changed, when the ticket is void.
    pub fn give_back(&mut self, ticket: Ticket, back: GiveBack, now: Millis) -> bool {
        let Some(reservation) = self.close_reservation(ticket) else { return false };
        let at = ticket.node;
        let lane_at = self.jobs.get(at).lane;
        let workspace = self.lane(lane_at).workspace;
        self.undo_charge(lane_at, &reservation);
        self.unlink_running(at);
        self.workspaces[workspace as usize].running -= 1;
        match back {
            GiveBack::Requeue => self.admit(at, None, now),
            GiveBack::RequeueGated(gate) => self.admit(at, Some(gate), now),
            GiveBack::Gone => self.drop_node(at),
        }
        if self.lane(lane_at).head == at {
            self.restore_estimate(lane_at, reservation.cost_ms);
        }
        self.update_block(workspace);
        self.list(lane_at);
        true
    }

    fn close_reservation(&mut self, ticket: Ticket) -> Option<Reservation> {
        match self.reservations.entry(ticket.node) {
            MapEntry::Occupied(found) if found.get().ticket == ticket => Some(found.remove()),
            _ => None,
        }
    }

    /// The running mean may have moved since the head was first estimated.
    fn restore_estimate(&mut self, lane_at: u32, cost_ms: u32) {
        self.unlist(lane_at);
        let lane = &mut self.lanes[lane_at as usize];
        let pool = &self.pools[lane.pool as usize];
        lane.head_cost_ms = cost_ms.min(pool.cost_ms_max);
    }

    /// Leaves the lane out of the eligible sets, its tags as if it had stayed in them all along.
    fn undo_charge(&mut self, lane_at: u32, undone: &Reservation) {
        let was_listed = self.lane(lane_at).seat != NIL;
        self.unlist(lane_at);
        let lane = &mut self.lanes[lane_at as usize];
        let pool = &mut self.pools[lane.pool as usize];
        let tier_at = self.workspaces[lane.workspace as usize].tier.at();
        let is_same_place =
            undone.settings_epoch == self.settings_epoch && tier_at == usize::from(undone.tier);
        lane.tier_tag = lane.tier_tag.saturating_sub(undone.tier_charge);
        lane.shared_tag = lane.shared_tag.saturating_sub(undone.shared_charge);
        if is_same_place && pool.latest == undone.number {
            pool.latest = undone.prior_latest;
            match undone.step {
                Step::Floor | Step::Express => pool.tiers[tier_at].virtual_time = undone.virtual_time,
                Step::Weighted => pool.virtual_time = undone.virtual_time,
            }
        } else if !was_listed {
            let behind = pool.tiers[tier_at].virtual_time.saturating_sub(u128::from(undone.charge_ms));
            lane.tier_tag = lane.tier_tag.max(behind);
            lane.shared_tag = lane.shared_tag.max(pool.virtual_time);
        }
        lane.left_at = pool.latest;
        if is_same_place {
            for (tier, change) in pool.tiers.iter_mut().zip(undone.entitlements) {
                tier.entitlement = (tier.entitlement - change).max(0);
            }
            let tier = &mut pool.tiers[tier_at];
            tier.served_jobs = tier.served_jobs.saturating_sub(1);
            tier.served_ms = tier.served_ms.saturating_sub(u64::from(undone.charge_ms));
        }
        self.add_debt(lane_at, i64::from(undone.charge_ms) - i64::from(undone.cost_ms));
    }
}
