//! Random histories through the real workspace and the reference ledger: `--commands N --seed S [--catalog NAME] [--length L]`.
//!
//! Prints the figures; where they differ the catalog, the seed and the shortest script found, and exits with 1.
#![expect(clippy::disallowed_methods, reason = "how long a run took is all that the clock is for")]

use std::time::Instant;

use reeve_testkit::args::Args;
use reeve_testkit::compare::compare;
use reeve_testkit::life::shrink;
use reeve_testkit::script::steps;
use reeve_testkit::setting::modelled;

fn main() -> std::process::ExitCode {
    let Args { commands, seed, catalog, length } = Args::from_env();
    let settings: Vec<_> = modelled()
        .into_iter()
        .filter(|setting| catalog.as_ref().is_none_or(|name| setting.name == name))
        .collect();
    let started = Instant::now();
    let (mut run, mut lives) = (0, 0);
    while run < commands {
        for setting in &settings {
            let seed = seed + lives;
            let script = steps(seed, length);
            match compare(setting, seed, &script) {
                Ok(count) => run += count as u64,
                Err(broken) => {
                    let short = shrink(&script, |script| compare(setting, seed, script).is_err());
                    let why = compare(setting, seed, &short).err().unwrap_or_default();
                    println!("{}, seed {seed}: {broken}\nshortest script: {short:#?}\n{why}", setting.name);
                    return std::process::ExitCode::FAILURE;
                }
            }
        }
        lives += 1;
    }
    println!(
        "{run} commands in {} lives, {:.1} s: the reference agrees after each",
        lives * settings.len() as u64,
        started.elapsed().as_secs_f64()
    );
    std::process::ExitCode::SUCCESS
}
