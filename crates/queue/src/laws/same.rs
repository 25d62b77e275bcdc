//! Agreement with the naive queue, P1 (work conservation), P6 (caps), P8 (determinism).

use proptest::prelude::*;
use reeve_types::JobId;

use super::cases;
use super::naive::Naive;
use super::world::{Machine, Op, Outcome, Real, Stage, World};
use crate::{PoolIndex, WorkspaceKey};

proptest! {
    #![proptest_config(cases(250))]

    /// Every answer of every call, and everything that can be asked in between.
    #[test]
    fn a_naive_queue_gives_the_same_answers(seed in any::<u64>(), len in 1_usize..160) {
        let mut world = World::new(seed, true);
        let mut real = Real::new(world.settings.clone());
        let mut naive = Naive::new(world.settings.clone());
        for step in 0..len {
            let op = world.next();
            let (outcome, expected) = (real.apply(&op), naive.apply(&op));
            prop_assert_eq!(&outcome, &expected, "step {}: {:?}", step, op);
            world.learn(&op, &outcome);
            let jobs: Vec<JobId> = world.jobs.keys().copied().collect();
            prop_assert_eq!(real.view(&jobs), naive.view(&jobs), "after step {}: {:?}", step, op);
        }
    }
}

/// Whether the world, which knows only what was said, sees a job that could start in the pool.
fn could_start(world: &World, pool: PoolIndex) -> bool {
    let can = |workspace: WorkspaceKey| {
        let facts = world.facts[workspace.0 as usize];
        !facts.paused && running(world, workspace) < facts.cap_running as usize
    };
    !world.pools_paused[pool.at()]
        && world.jobs.values().any(|known| {
            known.stage == Stage::Queued
                && known.entry.pool == pool
                && known.entry.gate.is_none_or(|gate| gate.until <= world.now)
                && can(known.entry.workspace)
        })
}

fn running(world: &World, workspace: WorkspaceKey) -> usize {
    world
        .jobs
        .values()
        .filter(|known| known.entry.workspace == workspace && known.stage != Stage::Queued)
        .count()
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn p1_no_free_slot_while_an_eligible_job_waits(seed in any::<u64>(), len in 1_usize..250) {
        let mut world = World::new(seed, true);
        let mut real = Real::new(world.settings.clone());
        for _ in 0..len {
            let op = world.next();
            let expected = if let Op::Take(pool, ..) = &op { Some(could_start(&world, *pool)) } else { None };
            let outcome = real.apply(&op);
            if let (Some(expected), Outcome::Took(took)) = (expected, &outcome) {
                prop_assert_eq!(took.is_some(), expected);
            }
            world.learn(&op, &outcome);
        }
    }

    #[test]
    fn p6_no_workspace_starts_a_job_at_its_cap(seed in any::<u64>(), len in 1_usize..250) {
        let mut world = World::new(seed, true);
        let mut real = Real::new(world.settings.clone());
        for _ in 0..len {
            let op = world.next();
            let outcome = real.apply(&op);
            if let Outcome::Took(Some((_, workspace, ..))) = &outcome {
                let facts = world.facts[workspace.0 as usize];
                prop_assert!(running(&world, *workspace) < facts.cap_running as usize);
                prop_assert!(!facts.paused);
            }
            world.learn(&op, &outcome);
            for n in 0..world.facts.len() {
                let key = World::key(n as u64);
                prop_assert_eq!(real.queue.workspace_running(key) as usize, running(&world, key));
            }
        }
    }

    /// Twice in one process, so that a map's order or an address would show.
    #[test]
    fn p8_the_same_log_gives_the_same_dispatches_byte_by_byte(seed in any::<u64>(), len in 1_usize..250) {
        let mut world = World::new(seed, true);
        let mut first = Real::new(world.settings.clone());
        let settings = world.settings.clone();
        let (mut log, mut answers) = (Vec::new(), String::new());
        for _ in 0..len {
            let op = world.next();
            let outcome = first.apply(&op);
            world.learn(&op, &outcome);
            answers.push_str(&format!("{outcome:?}\n"));
            log.push(op);
        }
        let mut second = Real::new(settings);
        let replayed: String = log.iter().map(|op| format!("{:?}\n", second.apply(op))).collect();
        prop_assert_eq!(answers.as_bytes(), replayed.as_bytes());
    }
}
