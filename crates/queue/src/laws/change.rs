//! Settings, tiers and whole workspaces change under queued jobs: nothing is lost, nothing is reordered
//! inside a workspace, and calls that cannot be right change nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use reeve_types::{JobId, Millis, PoolName, TierName};

use super::cases;
use super::dice::Dice;
use super::settings::{settings, workspace};
use super::trace::Plant;
use super::world::{Known, Machine, Real, Stage, World};
use crate::{
    Entry, FairQueue, Gate, GateReason, GiveBack, Misuse, PoolIndex, PoolSettings, Sequence, SettingsError,
    TierIndex, TierSettings, WaitingFor, WorkspaceFacts, WorkspaceKey,
};

const LATE: Millis = Millis::from_millis(i64::MAX);

/// Lets every workspace run without a cap and takes all there is; jobs by (workspace, pool's name).
fn drain(queue: &mut FairQueue) -> BTreeMap<(WorkspaceKey, PoolName), Vec<JobId>> {
    for n in 0..queue.workspaces.len() as u64 {
        let tier = queue.workspaces[n as usize].tier;
        let facts = WorkspaceFacts { tier, cap_running: u32::MAX, paused: false };
        queue.set_workspace(&workspace(n), facts).unwrap();
    }
    let mut taken = BTreeMap::<_, Vec<JobId>>::new();
    for at in 0..queue.settings().pools.len() {
        let (pool, name) = (PoolIndex(at as u16), queue.settings().pools[at].name.clone());
        queue.set_pool_paused(pool, false).unwrap();
        while let Some(found) = queue.take(pool, 1, LATE) {
            taken.entry((found.workspace, name.clone())).or_default().push(found.job);
        }
    }
    taken
}

/// The queued jobs that the world remembers, in each workspace's own order.
fn remembered(world: &World) -> BTreeMap<(WorkspaceKey, PoolName), Vec<JobId>> {
    let mut queued: Vec<&Known> = world.jobs.values().filter(|known| known.stage == Stage::Queued).collect();
    queued.sort_by_key(|known| {
        (std::cmp::Reverse(known.entry.priority), known.entry.sequence.admitted_at, known.entry.sequence.n)
    });
    let mut jobs = BTreeMap::<_, Vec<JobId>>::new();
    for known in queued {
        let name = world.settings.pools[known.entry.pool.at()].name.clone();
        jobs.entry((known.entry.workspace, name)).or_default().push(known.entry.job);
    }
    jobs
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn new_settings_lose_nothing_and_keep_each_workspaces_order(seed in any::<u64>(), len in 10_usize..150) {
        let mut world = World::new(seed, true);
        let mut real = Real::new(world.settings.clone());
        for _ in 0..len {
            let op = world.next();
            let outcome = real.apply(&op);
            world.learn(&op, &outcome);
        }
        let expected = remembered(&world);
        let mut dice = Dice::new(seed);
        let mut new = world.settings.clone();
        // The first tier goes, another comes, and everything changes places.
        let gone = new.tiers.remove(0).name;
        let name = TierName::new("fresh").unwrap();
        new.tiers.push(TierSettings { name, weight: 3, floor_permille: 30, express_permille: 200 });
        new.tiers.rotate_left(1);
        new.pools.push(PoolSettings { name: PoolName::new("more").unwrap(), cost_ms_max: 9, cost_ms_default: 9 });
        new.pools.rotate_right(1);
        new.pools.iter_mut().for_each(|pool| pool.cost_ms_max = dice.between(9, 2_000) as u32);
        new.pools.iter_mut().for_each(|pool| pool.cost_ms_default = 9);
        let old_tiers: Vec<TierName> = world.facts.iter().map(|facts| world.settings.tiers[facts.tier.at()].name.clone()).collect();
        let homeless = real.queue.reconfigure(new.clone()).unwrap();
        for (n, old) in old_tiers.iter().enumerate() {
            let key = World::key(n as u64);
            prop_assert_eq!(homeless.contains(&key), *old == gone);
            let now = real.queue.workspace_facts(key).unwrap().tier;
            prop_assert_eq!(now, new.tier(old).unwrap_or(TierIndex(0)));
        }
        // Reservations made under the old settings can still be given back, and everything runs on.
        let reserved: Vec<_> = real.queue.reservations.values().map(|found| found.ticket).collect();
        let mut sorted = reserved.clone();
        sorted.sort();
        for ticket in sorted {
            real.queue.give_back(ticket, GiveBack::Gone, world.now);
        }
        let running = world.jobs.values().filter(|known| known.stage == Stage::Running).count() as u64;
        let counted: u64 = (0..new.pools.len()).map(|at| real.queue.running(PoolIndex(at as u16))).sum();
        prop_assert_eq!(counted, running);
        prop_assert_eq!(drain(&mut real.queue), expected);
        for at in 0..new.pools.len() {
            let stats = real.queue.stats(PoolIndex(at as u16)).unwrap();
            prop_assert_eq!(stats.tiers.iter().map(|tier| tier.depth()).sum::<u64>(), 0);
        }
    }
}

#[test]
fn a_pool_with_jobs_is_not_removed() {
    let mut plant = Plant::new(settings(&[(1, 0, 0)], 2), 1, None);
    let key = plant.workspace(0, 0, 1);
    let job = plant.arrive(key, 100, 0);
    let mut fewer = settings(&[(1, 0, 0)], 2);
    fewer.pools.remove(0);
    let refusal = plant.queue.reconfigure(fewer.clone());
    assert!(matches!(refusal, Err(SettingsError::PoolInUse { jobs: 1, .. })), "{refusal:?}");
    assert_eq!(plant.queue.settings().pools.len(), 2);
    assert!(plant.queue.remove(job));
    assert_eq!(plant.queue.reconfigure(fewer), Ok(vec![]));
}

#[test]
fn a_workspace_is_forgotten_when_it_owes_nothing() {
    let mut plant = Plant::new(settings(&[(1, 0, 0)], 1), 1, None);
    let (shy, busy) = (plant.workspace(0, 0, 1), plant.workspace(1, 0, 1));
    plant.arrive(shy, 1_000, 0);
    assert!(!plant.queue.forget_workspace(shy), "it has a job");
    let taken = plant.slot().unwrap();
    plant.finish(taken.job, 1_000);
    assert!(!plant.queue.forget_workspace(shy), "it was served ahead of the virtual time");
    for _ in 0..20 {
        plant.arrive(busy, 1_000, 0);
        let taken = plant.slot().unwrap();
        plant.finish(taken.job, 1_000);
    }
    assert!(plant.queue.forget_workspace(shy));
    assert!(!plant.queue.forget_workspace(shy), "once");
    assert_eq!(plant.queue.workspace_id(shy), None);
    assert_eq!(plant.queue.workspace_key(&workspace(0)), None);
    assert_eq!(plant.workspace(7, 0, 1), shy, "its slot serves the next one");
}

fn entry(job: u128, workspace: WorkspaceKey) -> Entry {
    Entry {
        job: JobId::from_parts(Millis::default(), job),
        workspace,
        pool: PoolIndex(0),
        cost_ms: None,
        action: 0,
        priority: 0,
        sequence: Sequence { admitted_at: Millis::default(), n: job as u32 },
        gate: None,
    }
}

#[test]
fn calls_that_cannot_be_right_change_nothing() {
    let mut queue = FairQueue::new(settings(&[(1, 0, 0)], 1)).unwrap();
    let facts = WorkspaceFacts { tier: TierIndex(0), cap_running: 1, paused: false };
    let now = Millis::default();
    let (a, b) = (
        queue.set_workspace(&workspace(0), facts).unwrap(),
        queue.set_workspace(&workspace(1), facts).unwrap(),
    );
    let wrong = WorkspaceFacts { tier: TierIndex(1), ..facts };
    assert_eq!(queue.set_workspace(&workspace(0), wrong), Err(Misuse::UnknownTier(TierIndex(1))));
    queue.enqueue(entry(1, a), now).unwrap();
    assert_eq!(queue.enqueue(entry(1, b), now), Err(Misuse::JobKnown(entry(1, a).job)));
    let nowhere = Entry { pool: PoolIndex(3), ..entry(2, a) };
    assert_eq!(queue.enqueue(nowhere, now), Err(Misuse::UnknownPool(PoolIndex(3))));
    assert_eq!(queue.enqueue(entry(2, WorkspaceKey(9)), now), Err(Misuse::UnknownWorkspace(WorkspaceKey(9))));
    assert_eq!(queue.sync(b, &[entry(1, b)], &[], now), Err(Misuse::ForeignJob(entry(1, a).job)));
    assert_eq!(queue.sync(b, &[entry(2, a)], &[], now), Err(Misuse::ForeignJob(entry(2, a).job)));
    assert_eq!(queue.sync(b, &[entry(2, b)], &[entry(2, b)], now), Err(Misuse::JobTwice(entry(2, b).job)));
    assert_eq!(queue.set_pool_paused(PoolIndex(1), true), Err(Misuse::UnknownPool(PoolIndex(1))));
    assert_eq!(queue.take(PoolIndex(1), 1, now), None);
    assert!(!queue.finish(entry(1, a).job, 5), "not running");
    assert!(!queue.remove(entry(2, a).job));
    assert_eq!((queue.jobs_len(), queue.workspaces_len()), (1, 2));
    assert!(queue.take(PoolIndex(0), 1, now).is_some());
}

#[test]
fn every_reason_to_wait_has_its_word() {
    let mut queue = FairQueue::new(settings(&[(1, 0, 0)], 1)).unwrap();
    let facts = WorkspaceFacts { tier: TierIndex(0), cap_running: 1, paused: false };
    let now = Millis::from_millis(100);
    let key = queue.set_workspace(&workspace(0), facts).unwrap();
    let gated = |job, why| Entry { gate: Some(Gate { until: now.plus_ms(5), why }), ..entry(job, key) };
    queue.enqueue(entry(1, key), now).unwrap();
    queue.enqueue(gated(2, GateReason::NotBefore), now).unwrap();
    queue.enqueue(gated(3, GateReason::RetryBackoff), now).unwrap();
    let why = |queue: &FairQueue, job: u128, has_worker| queue.waiting_for(entry(job, key).job, has_worker);
    assert_eq!(why(&queue, 1, true), Some(WaitingFor::Turn));
    assert_eq!(why(&queue, 1, false), Some(WaitingFor::Worker));
    assert_eq!(why(&queue, 2, false), Some(WaitingFor::NotBefore));
    assert_eq!(why(&queue, 3, true), Some(WaitingFor::RetryBackoff));
    assert_eq!(queue.next_wake_at(), Some(now.plus_ms(5)));
    let taken = queue.take(PoolIndex(0), 1, now).unwrap();
    assert_eq!(why(&queue, 1, true), None, "it runs");
    assert_eq!(queue.wake(now.plus_ms(5)), 2);
    assert_eq!(why(&queue, 2, true), Some(WaitingFor::WorkspaceLimit));
    assert_eq!(
        queue.waiting_for_if_enqueued(Some(key), PoolIndex(0), true),
        Some(WaitingFor::WorkspaceLimit)
    );
    assert_eq!(queue.waiting_for_if_enqueued(None, PoolIndex(0), true), Some(WaitingFor::Turn));
    queue.set_pool_paused(PoolIndex(0), true).unwrap();
    assert_eq!(why(&queue, 3, true), Some(WaitingFor::Paused));
    assert!(queue.finish(taken.job, 1));
    assert_eq!(queue.take(PoolIndex(0), 1, now), None, "paused");
}

#[test]
fn a_quote_stands_where_the_job_then_stands() {
    let mut plant = Plant::new(settings(&[(1, 0, 0)], 1), 1, None);
    let (a, b) = (plant.workspace(0, 0, 9), plant.workspace(1, 0, 9));
    for key in [a, a, a, b, b, b, b, b] {
        plant.arrive(key, 10, 0);
    }
    for priority in [0, 1, -1] {
        let quoted = plant.queue.position_if_enqueued(Some(a), TierIndex(0), PoolIndex(0), priority).unwrap();
        let job = plant.arrive(a, 10, priority);
        assert_eq!(plant.queue.position(job), Some(quoted));
    }
    let stranger = plant.queue.position_if_enqueued(None, TierIndex(0), PoolIndex(0), 0).unwrap();
    assert_eq!((stranger.in_workspace, stranger.ahead), (1, 2), "one of each");
}
