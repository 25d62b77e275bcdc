//! The promises of a workspace's memory, by name. Tests call [`check`] after each command.
//!
//! What needs the store (L3 over closed jobs, L5, L6, S1) is checked where the store is.

use reeve_credits::hold::Part;
use reeve_jobs::Phase;
use reeve_types::{Credits, LotId};
use rustc_hash::FxHashMap;

use crate::state::State;

/// A broken promise: its name and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} broken: {detail}")]
pub struct Violation {
    /// The promise, such as `L1`.
    pub name: &'static str,
    /// Where it is broken, for people.
    pub detail: String,
}

/// Every promise that memory alone can show broken.
///
/// # Errors
/// The first promise that is broken.
pub fn check(state: &State) -> Result<(), Violation> {
    l1_conservation(state)?;
    l2_available(state)?;
    l4_holds(state)?;
    j1_one_lease(state)?;
    derived(state)
}

fn broken(name: &'static str, detail: String) -> Result<(), Violation> {
    Err(Violation { name, detail })
}

/// L1: each lot's terms add up to what was granted.
fn l1_conservation(state: &State) -> Result<(), Violation> {
    match state.lots.iter().find(|lot| !lot.is_conserved()) {
        Some(lot) => broken("L1", format!("lot `{}`: {:?} of {}", lot.id, lot.terms, lot.granted)),
        None => Ok(()),
    }
}

/// L2: no lot has less than nothing, and debt is never negative.
fn l2_available(state: &State) -> Result<(), Violation> {
    if state.debt.is_negative() {
        return broken("L2", format!("debt is {}", state.debt));
    }
    Ok(())
}

/// L4: what lots hold is what live jobs hold, lot by lot.
fn l4_holds(state: &State) -> Result<(), Violation> {
    let mut by_lot: FxHashMap<LotId, Credits> = FxHashMap::default();
    for Part { lot, amount } in state.jobs.values().flat_map(|live| live.hold.parts()) {
        let sum = by_lot.entry(*lot).or_default();
        *sum = sum.checked_add(*amount).unwrap_or(*sum);
    }
    for lot in &state.lots {
        let jobs = by_lot.remove(&lot.id).unwrap_or(Credits::ZERO);
        if jobs != lot.terms.held {
            return broken("L4", format!("lot `{}` holds {}, its jobs {jobs}", lot.id, lot.terms.held));
        }
    }
    match by_lot.into_iter().find(|(_, amount)| !amount.is_zero()) {
        Some((lot, amount)) => broken("L4", format!("jobs hold {amount} on lot `{lot}`, which is gone")),
        None => Ok(()),
    }
}

/// J1: a running job's lease is its latest attempt.
fn j1_one_lease(state: &State) -> Result<(), Violation> {
    for live in state.jobs.values() {
        if let Phase::Running(lease) | Phase::Cancelling(lease) = &live.job.phase
            && lease.attempt != live.job.attempt
        {
            return broken("J1", format!("job `{}` runs attempt {}", live.job.spec.id, lease.attempt));
        }
    }
    Ok(())
}

/// What is counted along agrees with what is counted anew.
fn derived(state: &State) -> Result<(), Violation> {
    let running = state.jobs.values().filter(|live| live.job.is_running()).count();
    if running != state.running as usize {
        return broken("Q2", format!("{} jobs are counted as running, {running} run", state.running));
    }
    let deadlines = state.jobs.values().filter_map(|live| live.job.due_at()).count();
    if deadlines != state.deadlines.len() {
        return broken(
            "deadlines",
            format!("{} are watched, {deadlines} jobs have one", state.deadlines.len()),
        );
    }
    Ok(())
}
