//! Two phases: what a dispatch changed is undone exactly.

use proptest::prelude::*;
use reeve_types::Millis;

use super::cases;
use super::dice::Dice;
use super::settings::{COST_MS_MAX, settings};
use super::trace::Plant;
use super::world::{Machine, Real, World};
use crate::arena::NIL;
use crate::latest::Latest;
use crate::{FairQueue, GiveBack, PoolIndex};

/// Everything that a later dispatch could depend on.
fn fingerprint(queue: &FairQueue) -> String {
    let mut pools = queue.pools.clone();
    pools.iter_mut().for_each(|pool| pool.dispatches = 0);
    let mut lanes = queue.lanes.clone();
    // When a listed lane was away before means nothing, nor does which seat it has.
    lanes.iter_mut().filter(|lane| lane.seat != NIL).for_each(|lane| (lane.left_at, lane.seat) = (0, 0));
    let mut ready = Vec::new();
    for lane in &mut lanes {
        // A bound, which may lie higher than it has to.
        lane.latest_ready = Latest::NOBODY;
        // Which form it has depends on its past and means nothing.
        let mut jobs = std::mem::take(&mut lane.ready).all(&queue.jobs);
        jobs.sort_unstable();
        ready.push(jobs);
    }
    let facts: Vec<_> =
        queue.workspaces.iter().map(|known| (known.facts(), known.running, known.block)).collect();
    format!("{pools:#?} {lanes:#?} {ready:?} {facts:?} {:?}", queue.gates)
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn the_latest_dispatches_given_back_leave_no_trace(seed in any::<u64>(), len in 10_usize..150) {
        let mut world = World::new(seed, true);
        let mut real = Real::new(world.settings.clone());
        for _ in 0..len {
            let op = world.next();
            let outcome = real.apply(&op);
            world.learn(&op, &outcome);
        }
        let (now, mut dice) = (world.now, Dice::new(seed));
        real.queue.wake(now);
        let before = fingerprint(&real.queue);
        let mut twin = real.queue.clone();
        let taken: Vec<_> = (0..dice.between(1, 6))
            .filter_map(|_| real.queue.take(PoolIndex(dice.below(2) as u16), 3, now))
            .collect();
        for taken in taken.iter().rev() {
            prop_assert!(real.queue.give_back(taken.ticket, GiveBack::Requeue, now));
        }
        let after = fingerprint(&real.queue);
        let differs = before.lines().zip(after.lines()).enumerate().find(|(_, (a, b))| a != b);
        prop_assert!(before == after, "{differs:?}");
        for _ in 0..20 {
            let pool = PoolIndex(dice.below(2) as u16);
            let (again, expected) = (real.queue.take(pool, 3, now), twin.take(pool, 3, now));
            prop_assert_eq!(again.map(|taken| (taken.job, taken.step)), expected.map(|taken| (taken.job, taken.step)));
        }
    }

    /// A reservation kept and one given back and taken again are the same to everybody else: over a long
    /// run, a workspace whose leases fail every other time gets what its twin gets.
    #[test]
    fn a_workspace_whose_leases_fail_keeps_its_share(seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let floor = dice.between(0, 500) as u32;
        let express = if dice.is(50) { 500 } else { 0 };
        let mut plant = Plant::new(settings(&[(1, floor, express), (2, 100, 0)], 1), 3, None);
        let keys = [plant.workspace(0, 0, 100), plant.workspace(1, 0, 100), plant.workspace(2, 1, 100)];
        for _ in 0..300 {
            for key in keys {
                plant.arrive(key, dice.between(1, 1_000) as u32, 0);
            }
        }
        let (mut served, now) = ([0_i64; 3], Millis::from_millis(1_000_000));
        let mut pending = Vec::new();
        for _ in 0..200 {
            let Some(taken) = plant.queue.take(PoolIndex(0), 3, now) else { break };
            let n = keys.iter().position(|key| *key == taken.workspace).unwrap();
            if n == 0 && dice.is(50) {
                pending.push(taken.ticket);
            } else {
                served[n] += i64::from(taken.charge_ms);
                plant.queue.finish(taken.job, u64::from(taken.cost_ms));
            }
            if dice.is(60) {
                pending.drain(..).for_each(|ticket| {
                    plant.queue.give_back(ticket, GiveBack::Requeue, now);
                });
            }
        }
        // Fairness allows 2 (L + L); what is still pending may be missing, and a refund late.
        let bound = (5 + pending.len() as i64) * i64::from(COST_MS_MAX);
        prop_assert!((served[0] - served[1]).abs() <= bound, "{:?}", served);
    }
}

#[test]
fn a_ticket_is_good_for_one_answer() {
    let mut plant = Plant::new(settings(&[(1, 0, 0)], 1), 1, None);
    let (key, now) = (plant.workspace(0, 0, 1), Millis::from_millis(5));
    plant.arrive(key, 100, 0);
    let first = plant.queue.take(PoolIndex(0), 1, now).unwrap();
    assert!(plant.queue.give_back(first.ticket, GiveBack::Requeue, now));
    let second = plant.queue.take(PoolIndex(0), 1, now).unwrap();
    assert_eq!(first.job, second.job);
    assert!(!plant.queue.give_back(first.ticket, GiveBack::Gone, now), "a late answer to the first lease");
    assert!(!plant.queue.confirm(first.ticket));
    assert!(plant.queue.confirm(second.ticket));
    assert!(!plant.queue.give_back(second.ticket, GiveBack::Gone, now), "kept is kept");
    assert!(plant.queue.is_running(second.job));
}
