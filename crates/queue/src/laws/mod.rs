//! The laws P1 to P10, their checkers, and proof that the checkers see what they are for.
//!
//! - `world` makes random histories of calls and applies them to anything that can be called a queue;
//! - `naive` is a second queue written for clearness: linear scans over plain lists;
//! - `trace` records what the scheduler saw and did at each dispatch of a saturated pool, and `checks`
//!   reads a trace and says which law it breaks;
//! - the other files hold the tests, each named after its law.
//!
//! `PROPTEST_CASES=100000 cargo test -p reeve-queue --release laws` is the long run.

mod bounds;
mod broken;
mod change;
mod checks;
mod cost;
mod dice;
mod give_back;
mod naive;
mod paired;
mod same;
mod settings;
mod trace;
mod world;

use proptest::test_runner::Config;

/// The number of random histories of one law: what the environment asks for, else this many.
fn cases(usual: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    Config { cases: asked.unwrap_or(usual), failure_persistence: None, ..Config::default() }
}
