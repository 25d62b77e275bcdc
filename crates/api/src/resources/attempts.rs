//! The attempts of a job, as far as its row tells: the one that runs, the one that closed it, and that others were.

use reeve_jobs::Status;
use reeve_journal::JobRecord;
use reeve_protocol::{AttemptOutcome, AttemptView};
use reeve_types::LeaseId;

/// Attempts in order.
pub(crate) fn of(record: &JobRecord) -> Vec<AttemptView> {
    (1..=record.state.attempt).map(|attempt| one(record, attempt)).collect()
}

fn one(record: &JobRecord, attempt: u32) -> AttemptView {
    let job = &record.state;
    let plain = AttemptView {
        attempt,
        lease: LeaseId { job: record.intro.id, attempt },
        worker: None,
        started_at: None,
        ended_at: None,
        outcome: AttemptOutcome::Lost,
        reason: None,
    };
    if let Some(lease) = job.lease.as_ref().filter(|lease| lease.attempt == attempt) {
        return AttemptView {
            worker: Some(lease.worker.clone()),
            started_at: Some(lease.granted_at.into()),
            outcome: AttemptOutcome::Running,
            ..plain
        };
    }
    // A job keeps when it first started, which is when its first attempt did.
    let started_at = job.started_at.filter(|_| attempt == 1).map(Into::into);
    let ends_it = attempt == job.attempt && job.status.is_final();
    let by_report = job.closed_by == Some(attempt);
    let outcome = match job.status {
        Status::Succeeded if ends_it => AttemptOutcome::Completed,
        Status::Cancelled if ends_it => AttemptOutcome::Cancelled,
        Status::Failed if ends_it && by_report => AttemptOutcome::Failed,
        Status::Failed | Status::Expired if ends_it => AttemptOutcome::Lapsed,
        _ => lost(record),
    };
    AttemptView {
        started_at,
        ended_at: job.finished_at.filter(|_| ends_it).map(Into::into),
        outcome,
        reason: job.error.as_ref().filter(|_| ends_it).map(|error| error.message.to_string()),
        ..plain
    }
}

/// How attempts that did not end the job ended, where all ended alike.
fn lost(record: &JobRecord) -> AttemptOutcome {
    let job = &record.state;
    let live = u32::from(!job.status.is_final() && job.lease.is_some());
    let over = job.attempt.saturating_sub(live);
    if job.attempts_lost == 0 {
        AttemptOutcome::Returned
    } else if u32::from(job.lapses) >= over && job.lapses > 0 {
        AttemptOutcome::Lapsed
    } else if job.lapses == 0 && u32::from(job.attempts_lost) >= over {
        AttemptOutcome::Failed
    } else {
        AttemptOutcome::Lost
    }
}
