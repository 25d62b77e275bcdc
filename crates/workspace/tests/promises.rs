//! Random lives of a workspace: after every command the named promises hold, the ledger explains every figure,
//! and the rows alone rebuild the same workspace. A failure prints its seed and the shortest script found.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use reeve_testkit::life::{live, shrink};
use reeve_testkit::script::steps;
use reeve_testkit::setting::{Setting, shipped, variants};

/// Lives and their length; `REEVE_LONG=1` makes it hundreds of thousands of commands.
fn size() -> (u64, usize) {
    if std::env::var_os("REEVE_LONG").is_some() { (400, 200) } else { (24, 120) }
}

fn every_life_is_sound(setting: &Setting) {
    let (lives, length) = size();
    for seed in 0..lives {
        let script = steps(seed, length);
        let Err(broken) = live(setting, seed, &script) else { continue };
        let short = shrink(&script, |script| live(setting, seed, script).is_err());
        let why = live(setting, seed, &short).unwrap_err();
        unreachable!(
            "{} seed {seed}: {broken}\nshortest script, which ends with {why}:\n{short:#?}",
            setting.name
        );
    }
}

#[test]
fn every_life_on_a_shipped_catalog_keeps_every_promise() {
    shipped().iter().for_each(every_life_is_sound);
}

#[test]
fn every_life_on_a_variant_keeps_every_promise() {
    variants().iter().for_each(every_life_is_sound);
}
