//! Each deliberate defect breaks the law that it should, and the checker of that law sees it.

use super::checks::{Verdict, p2_floor, p3_fairness, p5_instant_start, p6_caps};
use super::settings::settings;
use super::trace::{Plant, Trace, history};
use crate::broken::Broken;

/// Of 200 random histories, those in which a checker finds fault.
fn faults(broken: Option<Broken>, check: impl Fn(&Trace) -> Verdict) -> usize {
    (0..200).filter(|seed| check(&history(*seed, 400, broken)).is_err()).count()
}

#[test]
fn without_floors_p2_fails() {
    assert_eq!(faults(None, p2_floor), 0);
    assert!(faults(Some(Broken::NoFloors), p2_floor) > 0);
}

#[test]
fn without_express_p5_fails() {
    assert_eq!(faults(None, p5_instant_start), 0);
    assert!(faults(Some(Broken::NoExpress), p5_instant_start) > 10);
}

#[test]
fn with_caps_ignored_p6_fails() {
    assert_eq!(faults(None, p6_caps), 0);
    assert!(faults(Some(Broken::CapIgnored), p6_caps) > 10);
}

/// An express tier of one workspace fills its share for a long time; then a second workspace joins and
/// the share is full, so that step 3 decides between the two.
fn newcomer(broken: Option<Broken>) -> Trace {
    let mut plant = Plant::new(settings(&[(1, 50, 0), (8, 200, 1_000)], 1), 2, broken);
    let (old, new, other) =
        (plant.workspace(0, 1, 100), plant.workspace(1, 1, 100), plant.workspace(2, 0, 100));
    for _ in 0..400 {
        plant.arrive(old, 500, 0);
    }
    for _ in 0..100 {
        plant.slot();
        plant.finish_one();
    }
    // From here on the share is gone: new settings, the same queue.
    plant.queue.reconfigure(settings(&[(1, 50, 0), (8, 200, 0)], 1)).unwrap();
    plant.trace.settings = plant.queue.settings().clone();
    plant.trace.seen.clear();
    for _ in 0..400 {
        plant.arrive(new, 500, 0);
        plant.arrive(other, 500, 0);
    }
    for _ in 0..300 {
        plant.slot();
        plant.finish_one();
    }
    plant.trace
}

#[test]
fn with_one_tag_for_both_lanes_p3_fails() {
    assert_eq!(p3_fairness(&newcomer(None)), Ok(()));
    assert!(p3_fairness(&newcomer(Some(Broken::OneTag))).is_err());
}
