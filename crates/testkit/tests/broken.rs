//! Tests of the tests: with any law broken on purpose, the suite goes red; with none, it is green.
//!
//! The version guard is the store's: dropping it is tested where the store is.

use reeve_testkit::compare::compare;
use reeve_testkit::laws::LAWS;
use reeve_testkit::life::live;
use reeve_testkit::script::steps;
use reeve_testkit::setting::shipped;
use reeve_workspace::broken::{Switch, with};

/// Everything that can go red, cut short: each complaint by its name.
fn suite() -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, law) in LAWS {
        complaints.extend(law().err().map(|why| format!("{name}: {why}")));
    }
    for setting in shipped() {
        for seed in 0..6 {
            let broken = live(&setting, seed, &steps(seed, 100)).err();
            complaints.extend(broken.map(|why| format!("promises on {}: {why}", setting.name)));
            let differs = compare(&setting, seed, &steps(seed, 100)).err();
            complaints.extend(differs.map(|why| format!("reference on {}: {why}", setting.name)));
        }
    }
    complaints
}

#[test]
fn with_nothing_broken_the_suite_is_green() {
    assert_eq!(suite(), Vec::<String>::new());
}

#[test]
fn every_broken_law_turns_the_suite_red() {
    for switch in Switch::ALL {
        let complaints = with(switch, suite);
        assert!(!complaints.is_empty(), "nobody noticed {switch:?}");
        println!(
            "{switch:?}: {} complaints, first {}",
            complaints.len(),
            complaints[0].lines().next().unwrap_or_default()
        );
    }
}
