//! The real workspace against the reference ledger: equal after every command of random histories.
//!
//! `REEVE_LONG=1` runs a million commands; so does the example `reference`, from any seed.

use reeve_testkit::compare::compare;
use reeve_testkit::life::shrink;
use reeve_testkit::script::steps;
use reeve_testkit::setting::modelled;

#[test]
fn random_histories_agree_with_the_reference_ledger() {
    let commands = if std::env::var_os("REEVE_LONG").is_some() { 1_000_000 } else { 30_000 };
    let mut run = 0;
    for seed in 0.. {
        for setting in modelled() {
            let script = steps(seed, 150);
            match compare(&setting, seed, &script) {
                Ok(count) => run += count,
                Err(_) => {
                    let short = shrink(&script, |script| compare(&setting, seed, script).is_err());
                    let story = compare(&setting, seed, &short).unwrap_err();
                    unreachable!("{} seed {seed}, shortest script {short:?}:\n{story}", setting.name);
                }
            }
        }
        if run >= commands {
            break;
        }
    }
}
