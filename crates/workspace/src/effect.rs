//! What the rest of the process is told once a change is durable.
//!
//! Effects are hints: the rows are the truth, and a `Sync` of the workspace repairs whatever a lost
//! hint left wrong.

use std::sync::Arc;

use reeve_jobs::{Sequence, Status, Upload};
use reeve_types::{ActionName, Credits, JobId, LeaseId, Millis, PoolName, WorkerName};

/// A hint for the dispatcher, the lease ticker or the event hub.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tier, cap or pause changed.
    Facts,
    /// A job waits.
    Enqueue(QueueEntry),
    /// A job stopped waiting without being leased.
    Dequeue {
        /// The job.
        job: JobId,
    },
    /// A lease was granted.
    Leased {
        /// The lease; it names job and attempt.
        lease: LeaseId,
        /// Who has it.
        worker: WorkerName,
        /// The worker's process.
        session: Arc<str>,
        /// Longest run of the attempt, in milliseconds.
        run_ms: u64,
    },
    /// A running attempt ended; the job took `ran_ms` of a slot.
    LeaseEnded {
        /// The lease that ended.
        lease: LeaseId,
        /// Slot-milliseconds, for the queue's estimates.
        ran_ms: u64,
    },
    /// The worker shall be told to stop.
    CancelLease {
        /// The lease to be stopped.
        lease: LeaseId,
    },
    /// Silence is expected from now on.
    AwaitFate {
        /// The lease whose worker gave its answer up.
        lease: LeaseId,
    },
    /// The job's status changed, for those who watch it.
    Status {
        /// The job.
        job: JobId,
        /// Its status now.
        status: Status,
        /// Its attempt now; 0 before the first.
        attempt: u32,
    },
    /// A job ended for good; `is_filtered` when every output was refused by a content filter.
    Closed {
        /// The final status.
        status: Status,
        /// Whether a content filter refused every output.
        is_filtered: bool,
    },
    /// Bytes of an output are durable; they land with the end of the job (X21).
    Uploaded {
        /// The job.
        job: JobId,
        /// What was stored.
        upload: Upload,
    },
    /// The balance changed.
    Balance {
        /// Negative while there is debt.
        available: Credits,
        /// Pinned for jobs under way.
        held: Credits,
    },
    /// When the calendar must wake this workspace.
    DueAt(Option<Millis>),
}

/// What the queue needs to know of a waiting job.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEntry {
    /// The job.
    pub job: JobId,
    /// The pool whose slots it needs.
    pub pool: PoolName,
    /// Whose running mean estimates its cost.
    pub action: ActionName,
    /// Declared cost in slot-milliseconds; measured when `None`.
    pub work_ms: Option<u32>,
    /// Order among the workspace's own jobs, higher first.
    pub priority: i32,
    /// Its place among jobs of the same priority.
    pub sequence: Sequence,
    /// It is not ready earlier.
    pub not_before: Option<Millis>,
    /// Attempts that were lost: with one, `not_before` is a back-off.
    pub attempts_lost: u16,
}
