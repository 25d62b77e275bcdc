//! The naive queue dispatches, and takes back.

use std::cmp::Reverse;

use reeve_types::{JobId, Millis};

use super::{Naive, SCALE, State, Undo};
use crate::laws::world::Took;
use crate::{GiveBack, Step, TierIndex};

impl Naive {
    /// Eligible lanes of a tier, first the one with the smallest tag.
    fn eligible(&self, pool: usize, tier: usize, is_shared: bool) -> Option<(u128, (usize, usize))> {
        let lanes = self.lanes.iter().filter(|((workspace, at), lane)| {
            *at == pool && lane.was_eligible && self.facts[*workspace].tier.at() == tier
        });
        let keys = lanes.map(|(at, lane)| {
            let tag = if is_shared { lane.shared_tag } else { lane.tier_tag + self.charge(*at) as u128 };
            let admitted_at = self.jobs[&lane.head.unwrap()].entry.sequence.admitted_at;
            (tag, admitted_at, *at)
        });
        keys.min().map(|(tag, _, at)| (tag, at))
    }

    fn choose(&self, pool: usize, slots_open: u32) -> Option<(usize, Step, (usize, usize))> {
        let count = self.settings.tiers.len();
        let owed = (0..count).filter_map(|tier| {
            let (_, at) = self.eligible(pool, tier, false)?;
            let owed = self.pools[pool].tiers[tier].entitlement;
            (owed >= self.charge(at) * 1_000).then_some((owed, Reverse(tier), at))
        });
        if let Some((_, Reverse(tier), at)) = owed.max() {
            return Some((tier, Step::Floor, at));
        }
        let slots = self.running(|entry| entry.pool.at() == pool) + u64::from(slots_open.max(1));
        let mut best: Option<(u64, u64, usize, (usize, usize))> = None;
        for tier in 0..count {
            let share = u64::from(self.settings.tiers[tier].express_permille);
            let Some((_, at)) = self.eligible(pool, tier, false).filter(|_| share > 0) else { continue };
            let running = self.running(|entry| {
                entry.pool.at() == pool && self.facts[entry.workspace.0 as usize].tier.at() == tier
            });
            let is_open = running < 1.max((share * slots).div_ceil(1_000));
            if is_open && best.is_none_or(|(other, of, _, _)| running * of < other * share) {
                best = Some((running, share, tier, at));
            }
        }
        if let Some((_, _, tier, at)) = best {
            return Some((tier, Step::Express, at));
        }
        let starts = (0..count).filter_map(|tier| {
            let (tag, at) = self.eligible(pool, tier, true)?;
            let head = self.jobs[&self.lanes[&at].head?].entry.sequence.admitted_at;
            Some((tag, head, at, tier))
        });
        starts.min().map(|(_, _, at, tier)| (tier, Step::Weighted, at))
    }

    pub(super) fn take(&mut self, pool: usize, slots_open: u32, now: Millis) -> Option<Took> {
        self.wake(now);
        let (tier, step, at) = self.choose(pool, slots_open).filter(|_| !self.pools[pool].is_paused)?;
        let (charge, top) = (self.charge(at), self.top(pool));
        let count = self.settings.tiers.len();
        let mut weights = 0;
        let mut entitlements = Vec::new();
        for other in 0..count {
            let settings = &self.settings.tiers[other];
            let lanes = self.lanes.iter().filter(|((workspace, at), lane)| {
                *at == pool && lane.was_eligible && self.facts[*workspace].tier.at() == other
            });
            let lanes = lanes.count() as u128;
            weights += lanes * u128::from(settings.weight);
            let state = &mut self.pools[pool].tiers[other];
            let old = state.entitlement;
            state.entitlement = match lanes {
                0 => old.min(top * 1_000),
                _ => old + i64::from(settings.floor_permille) * charge,
            };
            if other == tier {
                state.entitlement = 0.max(state.entitlement - charge * 1_000);
            }
            entitlements.push(state.entitlement - old);
        }
        self.tickets += 1;
        let state = &mut self.pools[pool];
        state.count += 1;
        let lane = self.lanes.get_mut(&at).unwrap();
        let (tag, time) = match step {
            Step::Weighted => {
                let time = state.time;
                state.time = (time + charge as u128 * SCALE / (4 * weights)).max(lane.shared_tag);
                let tag = charge as u128 * SCALE / u128::from(self.settings.tiers[tier].weight);
                lane.shared_tag += tag;
                (tag, time)
            }
            Step::Floor | Step::Express => {
                let time = state.tiers[tier].time;
                lane.tier_tag += charge as u128;
                state.tiers[tier].time = time.max(lane.tier_tag);
                (charge as u128, time)
            }
        };
        let cost = lane.head_cost;
        let (number, prior) = (state.count, state.latest);
        lane.debt += cost - charge;
        state.latest = number;
        state.tiers[tier].served_jobs += 1;
        state.tiers[tier].served += charge as u64;
        let (ticket, epoch) = (self.tickets, self.epoch);
        let undo = Undo { ticket, number, prior, epoch, step, tier, cost, charge, tag, time, entitlements };
        let job = self.jobs.get_mut(&lane.head.unwrap()).unwrap();
        (job.state, job.cost, job.undo) = (State::Reserved, cost, Some(undo));
        let entry = job.entry;
        self.refresh();
        Some((entry.job, entry.workspace, TierIndex(tier as u8), step, cost as u32, charge as u32))
    }

    pub(super) fn give_back(&mut self, id: JobId, back: GiveBack, now: Millis) -> bool {
        let Some(undo) = self.jobs.get_mut(&id).and_then(|job| job.undo.take()) else { return false };
        let entry = self.jobs[&id].entry;
        let at = Self::lane_of(&entry);
        let (tier, top) = (self.facts[at.0].tier.at(), self.top(at.1));
        let pool = &mut self.pools[at.1];
        let lane = self.lanes.get_mut(&at).unwrap();
        match undo.step {
            Step::Weighted => lane.shared_tag = lane.shared_tag.saturating_sub(undo.tag),
            Step::Floor | Step::Express => lane.tier_tag = lane.tier_tag.saturating_sub(undo.tag),
        }
        let is_same = undo.epoch == self.epoch && undo.tier == tier;
        if is_same && pool.latest == undo.number {
            pool.latest = undo.prior;
            match undo.step {
                Step::Weighted => pool.time = undo.time,
                Step::Floor | Step::Express => pool.tiers[tier].time = undo.time,
            }
        } else if !lane.was_eligible {
            lane.tier_tag = lane.tier_tag.max(pool.tiers[tier].time.saturating_sub(undo.charge as u128));
            lane.shared_tag = lane.shared_tag.max(pool.time);
        }
        if is_same {
            for (state, change) in pool.tiers.iter_mut().zip(&undo.entitlements) {
                state.entitlement = 0.max(state.entitlement - change);
            }
            pool.tiers[tier].served_jobs -= 1;
            pool.tiers[tier].served -= undo.charge as u64;
        }
        lane.left_at = Some(pool.latest);
        lane.was_eligible = false;
        lane.debt = (lane.debt + undo.charge - undo.cost).clamp(-top, top);
        match back {
            GiveBack::Requeue => self.put(entry, None, now),
            GiveBack::RequeueGated(gate) => self.put(entry, Some(gate), now),
            GiveBack::Gone => drop(self.jobs.remove(&id)),
        }
        self.refresh();
        let lane = self.lanes.get_mut(&at).unwrap();
        if lane.head == Some(id) {
            lane.head_cost = undo.cost;
        }
        true
    }
}
