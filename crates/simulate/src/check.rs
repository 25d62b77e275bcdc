//! Ranges of what a load says.

use crate::Refusal;
use crate::description::{Change, Lengths, RunEntry};
use crate::load::{Load, SECONDS_MAX, SLOTS_MAX, WORKERS_MAX, Workers};

/// A value out of its range.
pub(crate) fn range(key: impl Into<String>, value: impl ToString, allowed: &'static str) -> Refusal {
    Refusal::Range { key: key.into(), value: value.to_string(), allowed }
}

pub(crate) fn check_run(run: &RunEntry) -> Result<(), Refusal> {
    if run.seconds == 0 || run.seconds > SECONDS_MAX {
        return Err(range("run.seconds", run.seconds, "1 to 31622400 (a year)"));
    }
    if !(run.rate_factor.is_finite() && run.rate_factor > 0.0 && run.rate_factor <= 1e6) {
        return Err(range("run.rate_factor", run.rate_factor, "a number above 0 and at most 1000000"));
    }
    if !(10..=2_000).contains(&run.points) {
        return Err(range("run.points", run.points, "10 to 2000"));
    }
    Ok(())
}

pub(crate) fn check_permille(key: &str, value: u32) -> Result<(), Refusal> {
    if value > 1_000 { Err(range(key, value, "0 to 1000")) } else { Ok(()) }
}

pub(crate) fn check_lengths(key: &str, lengths: &Lengths) -> Result<(), Refusal> {
    match lengths {
        Lengths::Lognormal { sigma, .. } if !(0.0..=5.0).contains(sigma) => {
            Err(range(format!("{key}.sigma"), sigma, "0 to 5"))
        }
        Lengths::Empirical { ms, .. } if ms.is_empty() => {
            Err(range(format!("{key}.ms"), "[]", "at least one length"))
        }
        Lengths::Empirical { ms, weights } if !weights.is_empty() && weights.len() != ms.len() => {
            Err(range(format!("{key}.weights"), weights.len(), "as many weights as lengths"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_workers(kinds: &[Workers]) -> Result<(), Refusal> {
    let (mut workers, mut slots) = (0_u64, 0_u64);
    for (at, kind) in kinds.iter().enumerate() {
        if kinds.iter().take(at).any(|other| other.name == kind.name) {
            return Err(Refusal::Twice { what: "workers", name: kind.name.clone() });
        }
        let named = kind.changes.iter().filter(|change| change.what == Change::Join);
        let named: u64 = named.map(|change| u64::from(change.count)).sum::<u64>() + u64::from(kind.count);
        workers = workers.saturating_add(named);
        slots = slots.saturating_add(named.saturating_mul(u64::from(kind.slots)));
    }
    if workers > WORKERS_MAX {
        return Err(Refusal::TooMany { what: "workers", max: WORKERS_MAX });
    }
    if slots > SLOTS_MAX {
        return Err(Refusal::TooMany { what: "slots", max: SLOTS_MAX });
    }
    Ok(())
}

pub(crate) fn check_served(load: &Load) -> Result<(), Refusal> {
    for action in &load.actions {
        if !load.workers.iter().any(|workers| workers.pools.contains(&action.pool)) {
            let pool = load.settings.pools.get(usize::from(action.pool));
            let pool = pool.map(|pool| pool.name.to_string()).unwrap_or_default();
            return Err(Refusal::PoolUnserved { pool });
        }
    }
    Ok(())
}
