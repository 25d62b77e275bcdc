//! The long runs: their arguments, and the loop that all of them are.
#![expect(clippy::disallowed_methods, reason = "how long a run took is all that the clock is for")]

use std::process::ExitCode;
use std::time::Instant;

use crate::life::shrink;
use crate::script::{Step, steps};
use crate::setting::Setting;

/// How much, from which seed, on what.
#[derive(Clone, Debug)]
pub struct Args {
    pub commands: u64,
    pub seed: u64,
    /// One setting by its name; all when `None`.
    pub catalog: Option<String>,
    /// Steps of one life.
    pub length: usize,
}

impl Args {
    /// Reads `--commands N --seed N --catalog NAME --length N`; what is not given has a default.
    pub fn from_env() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let value = |name: &str| {
            let place = args.iter().position(|arg| arg == name)?;
            args.get(place + 1).cloned()
        };
        let number =
            |name: &str, default: u64| value(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        Self {
            commands: number("--commands", 100_000),
            seed: number("--seed", 1),
            catalog: value("--catalog"),
            length: number("--length", 250) as usize,
        }
    }
}

/// Runs `check` on random scripts until enough commands are through, and prints the figures with `verdict`; where a
/// check fails the catalog, the seed and the shortest script found, with exit code 1.
pub fn run_many(
    all: Vec<Setting>,
    check: impl Fn(&Setting, u64, &[Step]) -> Result<usize, String>,
    verdict: &str,
) -> ExitCode {
    let Args { commands, seed, catalog, length } = Args::from_env();
    let chosen = |setting: &Setting| catalog.as_ref().is_none_or(|name| setting.name == name);
    let settings: Vec<Setting> = all.into_iter().filter(chosen).collect();
    let started = Instant::now();
    let (mut run, mut lives) = (0, 0);
    while run < commands {
        for setting in &settings {
            let seed = seed + lives;
            let script = steps(seed, length);
            match check(setting, seed, &script) {
                Ok(count) => run += count as u64,
                Err(broken) => {
                    let short = shrink(&script, |script| check(setting, seed, script).is_err());
                    let why = check(setting, seed, &short).err().unwrap_or_default();
                    println!("{}, seed {seed}: {broken}\nshortest script: {short:#?}\n{why}", setting.name);
                    return ExitCode::FAILURE;
                }
            }
        }
        lives += 1;
    }
    let (lives, seconds) = (lives * settings.len() as u64, started.elapsed().as_secs_f64());
    println!("{run} commands in {lives} lives, {seconds:.1} s: {verdict}");
    ExitCode::SUCCESS
}
