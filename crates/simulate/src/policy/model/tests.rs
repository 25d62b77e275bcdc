//! Tiny cases worked out by hand: one slot unless it says otherwise, two tiers of weights 1 and 2.

use super::*;
use crate::{Base, Description};

const BASE: &str = include_str!("../../../../../config/default.toml");

/// Workspaces 0 and 1 are free, 2 and 3 standard; each may run two jobs.
fn model(kind: PolicyKind) -> Model {
    let text = "[run]\nseconds = 100\n[actions.a]\npool = \"p\"\nrun = { kind = \"fixed\", ms = 1000 }\n\
                [[workers]]\nname = \"w\"\npools = [\"p\"]\ncount = 1\n\
                [[workspaces]]\nname = \"f\"\ntier = \"free\"\ncount = 2\nper_minute = 0\nrunning_max = 2\n\
                actions = { a = 1 }\n\
                [[workspaces]]\nname = \"s\"\ntier = \"standard\"\ncount = 2\nper_minute = 0\nrunning_max = 2\n\
                actions = { a = 1 }\n";
    let description = Description::from_toml(text).unwrap();
    Model::new(kind, &Load::new(&Base::from_toml(BASE).unwrap(), &description, None).unwrap())
}

/// Jobs 0, 1, 2 ... of those workspaces, admitted at those milliseconds.
fn enqueue(model: &mut Model, jobs: &[(u32, u64)]) {
    for (job, (workspace, admitted_at)) in jobs.iter().enumerate() {
        let job = Waiting {
            job: job as u32,
            workspace: *workspace,
            pool: 0,
            action: 0,
            declared_ms: Some(1_000),
            admitted_at: *admitted_at,
        };
        assert!(model.enqueue(job, *admitted_at));
    }
}

/// Serves everything on one slot, a second each, from that instant on.
fn order(model: &mut Model, mut now: u64) -> Vec<u32> {
    let mut order = Vec::new();
    while let Some(job) = model.take(0, 1, now) {
        now += 1_000;
        assert!(model.finish(job, 1_000));
        order.push(job);
    }
    assert!(!model.is_eligible(0));
    order
}

#[test]
fn first_come_is_first_served_whatever_the_tier() {
    let mut model = model(PolicyKind::Fifo);
    enqueue(&mut model, &[(0, 0), (0, 1), (2, 2), (1, 3), (2, 4)]);
    assert_eq!(order(&mut model, 10), [0, 1, 2, 3, 4]);
}

#[test]
fn strict_serves_the_higher_tier_to_the_end() {
    let mut model = model(PolicyKind::Strict);
    enqueue(&mut model, &[(0, 0), (0, 1), (2, 2), (1, 3), (3, 4)]);
    assert_eq!(order(&mut model, 10), [2, 4, 0, 1, 3]);
}

#[test]
fn aging_lifts_a_job_by_a_tier_for_each_minute() {
    let jobs = [(0, 0), (2, 30_000), (0, 31_000)];
    let mut young = model(PolicyKind::Aging);
    enqueue(&mut young, &jobs);
    assert_eq!(order(&mut young, 40_000), [1, 0, 2], "nobody has waited a minute: tiers decide");
    let mut old = model(PolicyKind::Aging);
    enqueue(&mut old, &jobs);
    assert_eq!(order(&mut old, 60_000), [0, 1, 2], "the first has risen to the second's level and is older");
}

#[test]
fn round_robin_takes_one_of_each_workspace_in_turn() {
    let mut model = model(PolicyKind::RoundRobin);
    enqueue(&mut model, &[(0, 0), (0, 1), (0, 2), (2, 3), (2, 4), (1, 5)]);
    assert_eq!(order(&mut model, 10), [0, 3, 5, 1, 4, 2]);
}

#[test]
fn flat_weights_serve_in_proportion() {
    let mut model = model(PolicyKind::Flat);
    // Start tags: free 0, 1000, 2000; standard 0, 500, 1000, 1500. Equal ones by age.
    enqueue(&mut model, &[(0, 0), (0, 1), (0, 2), (2, 3), (2, 4), (2, 5), (2, 6)]);
    assert_eq!(order(&mut model, 10), [0, 3, 4, 1, 5, 6, 2]);
}

#[test]
fn flat_weights_charge_what_a_job_took_beyond_its_estimate() {
    let mut model = model(PolicyKind::Flat);
    enqueue(&mut model, &[(0, 0), (0, 1), (1, 2), (1, 3), (1, 4)]);
    assert_eq!(model.take(0, 1, 10), Some(0));
    // Declared a second, took 2.5: its next start tag is 2500, behind 0, 1000 and 2000 of the other.
    assert!(model.finish(0, 2_500));
    assert_eq!(order(&mut model, 20), [2, 3, 4, 1]);
}

#[test]
fn a_workspace_at_its_cap_is_passed_over_and_comes_back() {
    for kind in [PolicyKind::Fifo, PolicyKind::Strict, PolicyKind::Aging, PolicyKind::Flat] {
        let mut model = model(kind);
        enqueue(&mut model, &[(2, 0), (2, 1), (2, 2), (3, 3)]);
        let mut taken: Vec<u32> = (0..3).filter_map(|_| model.take(0, 9, 10)).collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 3], "{kind:?}");
        assert_eq!(model.take(0, 9, 10), None);
        assert!(model.finish(0, 1_000));
        assert_eq!(model.take(0, 9, 10), Some(2));
    }
}

#[test]
fn a_lost_attempt_takes_its_old_place_after_its_pause() {
    let mut model = model(PolicyKind::Fifo);
    enqueue(&mut model, &[(0, 0), (1, 1), (1, 2)]);
    assert_eq!(model.take(0, 1, 10), Some(0));
    assert!(model.requeue(0, 100, 500, 110));
    assert_eq!(model.next_wake_at(), Some(500));
    assert_eq!(model.take(0, 1, 110), Some(1));
    assert_eq!(model.take(0, 1, 500), Some(0));
    assert!(model.remove(2) && !model.remove(2));
    assert_eq!(model.take(0, 1, 500), None);
}
