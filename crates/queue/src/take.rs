//! One dispatch: which tier, which step, and what it is charged.

use reeve_types::Millis;

use crate::arena::State;
use crate::broken::Broken;
use crate::pool::SHARED_SCALE;
use crate::reservation::Reservation;
use crate::settings::TIERS_MAX;
use crate::{FairQueue, PoolIndex, Step, Taken, Ticket, TierIndex};

/// Thousandths of a slot-millisecond, the unit of entitlements.
const PERMILLE: i64 = 1_000;

/// The shared virtual time creeps on by a quarter of what the eligible weights would advance it.
///
/// Taken from start tags alone it stands still while workspaces that are new to it keep arriving: each
/// starts at that very instant, ahead of every one that was served before, for ever. A quarter is too
/// little to push a newcomer behind a standing backlog, whose own tags move four times as fast.
const CREEP_DIVISOR: u128 = 4;

impl FairQueue {
    /// Reserves the job that is next in a pool; `None` when no workspace is eligible or the pool is paused.
    ///
    /// `slots_open` is the number of slots that waiting lease requests of this pool ask for, with this
    /// one; the express share is a share of them and of the running jobs. Gates due by `now` open first.
    /// The reservation counts as running until [`confirm`](Self::confirm) keeps it or
    /// [`give_back`](Self::give_back) reverses it.
    pub fn take(&mut self, pool: PoolIndex, slots_open: u32, now: Millis) -> Option<Taken> {
        self.wake(now);
        if self.pools.get(pool.at())?.paused {
            return None;
        }
        let (tier, step) = self
            .owed_tier(pool)
            .map(|tier| (tier, Step::Floor))
            .or_else(|| self.express_tier(pool, slots_open).map(|tier| (tier, Step::Express)))
            .or_else(|| self.fair_tier(pool).map(|tier| (tier, Step::Weighted)))?;
        let eligible = &self.pools[pool.at()].tiers[tier].eligible;
        let first = match step {
            Step::Floor | Step::Express => eligible.first_to_finish(),
            Step::Weighted => eligible.first_to_start(),
        };
        let lane_at = first?.lane;
        Some(self.dispatch(pool, tier, step, lane_at))
    }

    /// Step 1: of the tiers owed at least their head's charge, the one owed most.
    fn owed_tier(&self, pool: PoolIndex) -> Option<usize> {
        if self.is_broken(Broken::NoFloors) {
            return None;
        }
        let mut best: Option<(i64, usize)> = None;
        let pool = &self.pools[pool.at()];
        for (at, tier) in pool.tiers.iter().enumerate() {
            // The cheapest charge is 1 ms; most tiers are owed nothing and need no look at their head.
            if tier.entitlement < PERMILLE || best.is_some_and(|(most, _)| most >= tier.entitlement) {
                continue;
            }
            let Some(key) = tier.eligible.first_to_finish() else { continue };
            if tier.entitlement >= i64::from(self.lane(key.lane).charge_ms(pool)) * PERMILLE {
                best = Some((tier.entitlement, at));
            }
        }
        best.map(|(_, at)| at)
    }

    /// Step 2: of the tiers below their express share, the one that fills the least of it.
    fn express_tier(&self, pool: PoolIndex, slots_open: u32) -> Option<usize> {
        if self.is_broken(Broken::NoExpress) {
            return None;
        }
        let pool = &self.pools[pool.at()];
        let slots = pool.running + u64::from(slots_open.max(1));
        let mut best: Option<(u64, u64, usize)> = None;
        for (at, (tier, settings)) in pool.tiers.iter().zip(&self.settings.tiers).enumerate() {
            let share = u64::from(settings.express_permille);
            let limit = (share * slots).div_ceil(1_000).max(1);
            if share == 0 || tier.running >= limit || tier.eligible.is_empty() {
                continue;
            }
            // running / share, compared without dividing.
            if best.is_none_or(|(running, other, _)| tier.running * other < running * share) {
                best = Some((tier.running, share, at));
            }
        }
        best.map(|(_, _, at)| at)
    }

    /// Step 3: the tier with the smallest shared start.
    fn fair_tier(&self, pool: PoolIndex) -> Option<usize> {
        let tiers = self.pools[pool.at()].tiers.iter().enumerate();
        tiers
            .filter_map(|(at, tier)| tier.eligible.first_to_start().map(|key| (key, at)))
            .min()
            .map(|(_, at)| at)
    }

    /// Charges and reserves the head of a lane.
    fn dispatch(&mut self, pool_at: PoolIndex, tier_at: usize, step: Step, lane_at: u32) -> Taken {
        let lane = self.lane(lane_at);
        let (head, workspace, cost_ms) = (lane.head, lane.workspace, lane.head_cost_ms);
        let admitted_at = lane.head_admitted_at;
        let charge_ms = lane.charge_ms(&self.pools[pool_at.at()]);
        // What is far away is asked for first, all of it at once: the tags are computed meanwhile.
        self.pools[pool_at.at()].tiers[tier_at].eligible.approach(lane.seat);
        lane.ready.approach();
        let job = self.jobs.get(head).job;
        self.ready_leave(head);
        let mut reservation = self.reservation(pool_at, tier_at, step, lane_at);
        self.credit(pool_at, tier_at, charge_ms, &mut reservation.entitlements);
        let creep = self.creep(pool_at, charge_ms);
        let pool = &mut self.pools[pool_at.at()];
        let tier = &mut pool.tiers[tier_at];
        let lane = &mut self.lanes[lane_at as usize];
        match step {
            Step::Floor | Step::Express => {
                tier.virtual_time = tier.virtual_time.max(lane.tier_tag + u128::from(charge_ms));
            }
            Step::Weighted => pool.virtual_time = (pool.virtual_time + creep).max(lane.shared_tag),
        }
        lane.tier_tag += reservation.tier_charge;
        lane.shared_tag += reservation.shared_charge;
        lane.debt_ms = lane.debt_ms + i64::from(cost_ms) - i64::from(charge_ms);
        tier.served_jobs += 1;
        tier.served_ms += u64::from(charge_ms);
        // Before the lane may leave the sets: charged, not away, it keeps its tags when it comes back.
        pool.latest = reservation.number;
        self.workspaces[workspace as usize].running += 1;
        self.update_block(workspace);
        self.follow_head(lane_at);
        self.link_running(head, cost_ms, State::Reserved);
        let taken = Taken {
            ticket: reservation.ticket,
            job,
            admitted_at,
            workspace: crate::WorkspaceKey(workspace),
            pool: pool_at,
            tier: TierIndex(tier_at as u8),
            step,
            cost_ms,
            charge_ms,
        };
        self.reservations.insert(head, reservation);
        taken
    }

    /// Numbers the dispatch and notes what it is about to change.
    fn reservation(&mut self, pool_at: PoolIndex, tier_at: usize, step: Step, lane_at: u32) -> Reservation {
        let has_one_tag = self.is_broken(Broken::OneTag);
        self.tickets += 1;
        self.pools[pool_at.at()].dispatches += 1;
        let (lane, pool) = (&self.lanes[lane_at as usize], &self.pools[pool_at.at()]);
        let weight = u128::from(self.settings.tiers[tier_at].weight);
        let charge_ms = lane.charge_ms(pool);
        let tier_charge = u128::from(charge_ms);
        let shared_charge = tier_charge * SHARED_SCALE / weight;
        let (is_tier, is_shared) = match step {
            _ if has_one_tag => (true, true),
            Step::Floor | Step::Express => (true, false),
            Step::Weighted => (false, true),
        };
        Reservation {
            ticket: Ticket { number: self.tickets, node: lane.head },
            number: pool.dispatches,
            prior_latest: pool.latest,
            settings_epoch: self.settings_epoch,
            step,
            tier: tier_at as u8,
            cost_ms: lane.head_cost_ms,
            charge_ms,
            tier_charge: if is_tier { tier_charge } else { 0 },
            shared_charge: if is_shared { shared_charge } else { 0 },
            virtual_time: match step {
                Step::Floor | Step::Express => pool.tiers[tier_at].virtual_time,
                Step::Weighted => pool.virtual_time,
            },
            entitlements: [0; TIERS_MAX],
        }
    }

    /// Entitlements after a dispatch of that charge: every tier with an eligible head earns its floor's
    /// share of it, the chosen one pays it, and one that asks for nothing keeps no more than L_max.
    fn credit(&mut self, pool_at: PoolIndex, chosen: usize, charge_ms: u32, changes: &mut [i64; TIERS_MAX]) {
        let pool = &mut self.pools[pool_at.at()];
        let (charge_ms, cost_ms_max) = (i64::from(charge_ms), i64::from(pool.cost_ms_max));
        let tiers = pool.tiers.iter_mut().zip(&self.settings.tiers).zip(changes).enumerate();
        for (at, ((tier, settings), change)) in tiers {
            let old = tier.entitlement;
            if tier.eligible.is_empty() {
                tier.entitlement = old.min(cost_ms_max * PERMILLE);
            } else {
                tier.entitlement += i64::from(settings.floor_permille) * charge_ms;
            }
            if at == chosen {
                tier.entitlement = (tier.entitlement - charge_ms * PERMILLE).max(0);
            }
            *change = tier.entitlement - old;
        }
    }

    /// How far a dispatch of that charge moves the shared virtual time by itself.
    fn creep(&self, pool_at: PoolIndex, charge_ms: u32) -> u128 {
        let tiers = self.pools[pool_at.at()].tiers.iter().zip(&self.settings.tiers);
        let weights: u128 =
            tiers.map(|(tier, settings)| tier.eligible.len() as u128 * u128::from(settings.weight)).sum();
        u128::from(charge_ms) * SHARED_SCALE / (CREEP_DIVISOR * weights.max(1))
    }

    /// Puts a job that is in no structure among the running ones of its lane, tier and pool.
    pub(crate) fn link_running(&mut self, at: u32, cost_ms: u32, state: State) {
        let node = self.jobs.get_mut(at);
        node.set_running(state, cost_ms);
        let lane_at = node.lane;
        let lane = &mut self.lanes[lane_at as usize];
        self.jobs.link(&mut lane.running, at);
        self.tier_of(lane_at).running += 1;
        self.pool_of(lane_at).running += 1;
    }

    /// The reverse of [`link_running`](Self::link_running).
    pub(crate) fn unlink_running(&mut self, at: u32) {
        let lane_at = self.jobs.get(at).lane;
        let lane = &mut self.lanes[lane_at as usize];
        self.jobs.unlink(&mut lane.running, at);
        self.tier_of(lane_at).running -= 1;
        self.pool_of(lane_at).running -= 1;
    }
}
