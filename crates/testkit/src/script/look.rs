//! What there is for a step to be about.

use reeve_jobs::Phase;
use reeve_types::{Credits, JobId, LeaseId, Millis, PurchaseId};
use reeve_workspace::{AdjustedJob, Kind, State};

use crate::naive::NaiveStore;
use crate::setting::Setting;

/// What a step looks at to become a command.
#[derive(Debug)]
pub struct Look<'a> {
    pub setting: &'a Setting,
    pub state: &'a State,
    pub store: &'a NaiveStore,
    /// `max(clock, last event)`.
    pub now: Millis,
    /// Different for each command of a life.
    pub made: u32,
    /// Jobs and purchases so far, in order.
    pub jobs: &'a [JobId],
    pub purchases: &'a [PurchaseId],
}

impl Look<'_> {
    pub(super) fn nth<'a, T>(&self, all: &'a [T], n: u32) -> Option<&'a T> {
        // The latest few, mostly: old ones have little left to happen to them.
        let recent = if n.is_multiple_of(4) { all } else { &all[all.len().saturating_sub(6)..] };
        (!recent.is_empty()).then(|| &recent[n as usize / 4 % recent.len()])
    }

    pub(super) fn job(&self, n: u32, wanted: impl Fn(&Phase) -> bool) -> Option<JobId> {
        let live = self.state.jobs.values().filter(|live| wanted(&live.job.phase));
        let mut ids: Vec<JobId> = live.map(|live| live.job.spec.id).collect();
        ids.sort();
        (!ids.is_empty()).then(|| ids[n as usize % ids.len()])
    }

    pub(super) fn lease(&self, n: u32) -> Option<LeaseId> {
        if n.is_multiple_of(19) {
            // A job that ended, or an attempt that is over.
            return self.nth(self.jobs, n).map(|job| LeaseId { job: *job, attempt: 1 });
        }
        let job = self.job(n, |phase| !matches!(phase, Phase::Queued { .. }))?;
        self.state.jobs.get(&job).map(|live| LeaseId { job, attempt: live.job.attempt })
    }

    /// What the store knows of a job for an adjustment.
    pub(super) fn adjusted(&self, job: JobId) -> Option<AdjustedJob> {
        let settled = self.store.job(job).filter(|state| state.status.is_final())?.settled;
        let rows = self.store.ledger.iter().filter(|row| row.job == Some(job));
        let made_good = rows.filter(|row| row.kind == Kind::Grant).map(|row| row.amount);
        let adjusted = Credits::checked_sum(made_good)?;
        Some(AdjustedJob { job, settled, adjusted })
    }
}
