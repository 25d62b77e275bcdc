//! The run: events in the order of time, and at each instant as many dispatches as there are free slots.
//!
//! At one instant, what was due comes first (ends, cancellations, workers), then what arrives, then what is
//! dispatched. A policy sees nothing of the future; what happens to a job (how long it runs, whether an
//! attempt fails, whether it is cancelled) depends on the job alone and is the same under every policy.

#[cfg(test)]
mod audit;
mod events;
mod fate;
mod fleet;
mod happen;
mod run;

pub use run::{JobRecord, Outcome, Stage};

use crate::load::Load;
use crate::policy::PolicyKind;
use crate::refusal::Bug;

/// Runs a load under a policy.
///
/// # Errors
/// [`Bug`], when queue and simulator disagree about what is running.
pub fn run(load: &Load, kind: PolicyKind) -> Result<Outcome, Bug> {
    run::Run::new(load, kind)?.finish()
}

/// As [`run`], with every instant checked against the rows of jobs.
#[cfg(test)]
pub(crate) fn run_audited(load: &Load, kind: PolicyKind) -> Result<Outcome, Bug> {
    let mut run = run::Run::new(load, kind)?;
    run.is_audited = true;
    run.finish()
}
