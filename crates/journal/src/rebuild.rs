//! From rows back to live state: shared by every reader, so that a rebuild means the same everywhere (S1).

use reeve_jobs::{Job, Phase, Spec, Status};
use reeve_workspace::LiveJob;

use crate::reader::JobRecord;

/// A live job from its row; meaningless for a final one.
pub fn live_job(record: &JobRecord) -> LiveJob {
    let JobRecord { intro, state } = record;
    let spec = Spec {
        id: intro.id,
        action: intro.action.clone(),
        pool: intro.pool.clone(),
        member: intro.member.clone(),
        priority: intro.priority,
        sequence: intro.sequence,
        outputs: intro.outputs,
        work_ms: intro.work_ms,
        queue_deadline_at: intro.queue_deadline_at,
        run_timeout_ms: intro.run_timeout_ms,
        attempts_max: intro.attempts_max,
    };
    let phase = match (&state.lease, state.status) {
        (Some(lease), Status::Cancelling) => Phase::Cancelling(Box::new(lease.clone())),
        (Some(lease), _) => Phase::Running(Box::new(lease.clone())),
        (None, _) => Phase::Queued { not_before: state.not_before },
    };
    let job = Job {
        spec,
        attempt: state.attempt,
        attempts_lost: state.attempts_lost,
        lapses: state.lapses,
        started_at: state.started_at,
        phase,
    };
    LiveJob { job, quote: intro.quote.clone(), hold: state.hold.clone() }
}
