//! The switches of a build for tests: one plan for the whole process, and how often each point was passed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::{Law, Plan, PlanError, Point};

/// Long enough for an answer to reach its client, short enough for the next request not to.
const SOON: Duration = Duration::from_millis(10);

struct Armed {
    plan: Plan,
    /// Passings of each point, in the order of [`Point::ALL`]: of `pass` and of `fails`.
    passed: Vec<AtomicU64>,
    asked: Vec<AtomicU64>,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Reads `REEVE_FAULT`. Called once, before anything else; until then nothing happens.
///
/// # Errors
/// The text cannot be read.
pub fn arm() -> Result<(), PlanError> {
    let plan = Plan::parse(&std::env::var("REEVE_FAULT").unwrap_or_default())?;
    let counters = || Point::ALL.iter().map(|_| AtomicU64::new(0)).collect();
    // A second call changes nothing: what was counted stays counted.
    ARMED.get_or_init(|| Armed { plan, passed: counters(), asked: counters() });
    Ok(())
}

/// Which passing this is.
fn count(counters: &[AtomicU64], point: Point) -> u64 {
    let place = Point::ALL.iter().position(|other| *other == point);
    let counter = place.and_then(|place| counters.get(place));
    counter.map_or(0, |counter| counter.fetch_add(1, Ordering::Relaxed) + 1)
}

/// Tells that this point is passed; the process may end here.
pub fn pass(point: Point) {
    let Some(armed) = ARMED.get() else { return };
    let n = count(&armed.passed, point);
    if armed.plan.deaths.contains(&(point, n)) {
        eprintln!("fault: killed at {} for the {n}. time", point.name());
        // Not `exit` or `abort`: nothing may be flushed, dropped or handled on the way out.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// As [`pass`], a moment later: for what happens behind a caller's back.
#[expect(clippy::disallowed_methods, reason = "a build for tests; no runtime is known here")]
pub fn pass_soon(point: Point) {
    std::thread::spawn(move || {
        std::thread::sleep(SOON);
        pass(point);
    });
}

/// True when the environment shall be taken to have failed at this point.
pub fn fails(point: Point) -> bool {
    let Some(armed) = ARMED.get() else { return false };
    let n = count(&armed.asked, point);
    let fails = armed.plan.errors.iter().any(|(other, times)| *other == point && times.contains(&n));
    if fails {
        eprintln!("fault: {} fails for the {n}. time", point.name());
    }
    fails
}

/// True when this law is broken on purpose.
pub fn is_broken(law: Law) -> bool {
    ARMED.get().is_some_and(|armed| armed.plan.broken.contains(&law))
}
