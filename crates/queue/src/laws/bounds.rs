//! P2 (floor), P3 (fairness), P4 (bounded bypass), P5 (instant start), P10 (unused floors), on random
//! histories of a busy pool; and the two hard cases of P4 and P3 that random ones meet too seldom.

use proptest::prelude::*;

use super::cases;
use super::checks::{
    p2_floor, p3_fairness, p4_bounded_bypass, p5_instant_start, p6_caps, p10_unused_floors, steps,
};
use super::settings::{COST_MS_MAX, settings};
use super::trace::{Plant, history};

proptest! {
    #![proptest_config(cases(700))]

    #[test]
    fn p2_a_tier_with_work_gets_its_floor(seed in any::<u64>(), len in 50_usize..500) {
        p2_floor(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn p3_two_busy_workspaces_of_a_tier_get_the_same(seed in any::<u64>(), len in 50_usize..500) {
        p3_fairness(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn p4_a_head_job_is_bypassed_by_a_bounded_amount(seed in any::<u64>(), len in 50_usize..500) {
        p4_bounded_bypass(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn p5_an_express_job_is_next_unless_floors_are_due(seed in any::<u64>(), len in 50_usize..500) {
        p5_instant_start(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn p6_caps_hold_in_a_busy_pool(seed in any::<u64>(), len in 50_usize..500) {
        p6_caps(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn p10_others_take_an_unused_floor_at_once(seed in any::<u64>(), len in 50_usize..500) {
        p10_unused_floors(&history(seed, len, None)).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn the_histories_meet_every_step_often() {
    let mut all = [0; 3];
    for seed in 0..50 {
        let counts = steps(&history(seed, 400, None));
        all.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    assert!(all.iter().all(|count| *count > 300), "{all:?}");
}

/// Every round brings as many fresh workspaces as it serves jobs, for ever; a workspace served a moment
/// ago comes back. Start tags alone would serve each fresh one first.
#[test]
fn p4_a_flood_of_fresh_workspaces_does_not_starve_a_returning_one() {
    let mut plant = Plant::new(settings(&[(1, 100, 0)], 1), 1, None);
    let regular = plant.workspace(0, 0, 100);
    plant.arrive(regular, COST_MS_MAX, 0);
    let first = plant.slot().unwrap();
    plant.finish(first.job, u64::from(first.cost_ms));
    let returning = plant.arrive(regular, COST_MS_MAX, 0);
    for fresh in 1..20 {
        let key = plant.workspace(fresh, 0, 100);
        plant.arrive(key, COST_MS_MAX, 0);
    }
    // Four rounds of a fair share among twenty, by the creep of the shared virtual time.
    for fresh in 20..=100 {
        let taken = plant.slot().unwrap();
        if taken.job == returning {
            return;
        }
        plant.finish(taken.job, u64::from(taken.cost_ms));
        let key = plant.workspace(fresh, 0, 100);
        plant.arrive(key, COST_MS_MAX, 0);
    }
    panic!("still waiting after {} dispatches", plant.trace.seen.len());
}

/// A lane that is served in step 3 whenever its turn in steps 1 and 2 is near must not lose that turn.
#[test]
fn p3_being_served_by_weight_costs_no_turn_of_the_floor() {
    for (floor, costs) in [(400, (1_000, 1_000)), (500, (1_000, 1)), (250, (700, 300)), (600, (999, 37))] {
        let mut plant = Plant::new(settings(&[(1, floor, 0), (3, 100, 0)], 1), 1, None);
        let keys = [plant.workspace(0, 0, 100), plant.workspace(1, 0, 100), plant.workspace(2, 1, 100)];
        for round in 0..2_000 {
            let cost_ms = if round % 3 == 0 { costs.1 } else { costs.0 };
            if round < 200 {
                for key in keys {
                    plant.arrive(key, cost_ms, 0);
                }
            }
            if let Some(taken) = plant.slot() {
                plant.finish(taken.job, u64::from(taken.cost_ms));
            }
        }
        p3_fairness(&plant.trace).unwrap();
        p2_floor(&plant.trace).unwrap();
    }
}
