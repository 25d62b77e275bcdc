//! What the rest of the process is told once a change is durable.
//!
//! Effects are hints: the rows are the truth, and a `Sync` of the workspace repairs whatever a lost
//! hint left wrong.

use std::sync::Arc;

use reeve_jobs::{Sequence, Status};
use reeve_types::{ActionName, Credits, JobId, LeaseId, Millis, PoolName, WorkerName};

/// A hint for the dispatcher, the lease ticker or the event hub.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tier, cap or pause changed.
    Facts,
    /// A job waits.
    Enqueue(QueueEntry),
    /// A job stopped waiting without being leased.
    Dequeue { job: JobId },
    /// A lease was granted.
    Leased { lease: LeaseId, worker: WorkerName, session: Arc<str>, run_ms: u64 },
    /// A running attempt ended; the job took `ran_ms` of a slot.
    LeaseEnded { lease: LeaseId, ran_ms: u64 },
    /// The worker shall be told to stop.
    CancelLease { lease: LeaseId },
    /// Silence is expected from now on.
    AwaitFate { lease: LeaseId },
    /// The job's status changed, for those who watch it.
    Status { job: JobId, status: Status, attempt: u32 },
    /// A job ended for good; `is_filtered` when every output was refused by a content filter.
    Closed { status: Status, is_filtered: bool },
    /// An output became readable.
    OutputLanded { job: JobId, index: u32 },
    /// The balance changed.
    Balance { available: Credits, held: Credits },
    /// When the calendar must wake this workspace.
    DueAt(Option<Millis>),
}

/// What the queue needs to know of a waiting job.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEntry {
    pub job: JobId,
    pub pool: PoolName,
    pub action: ActionName,
    pub work_ms: Option<u32>,
    pub priority: i32,
    pub sequence: Sequence,
    pub not_before: Option<Millis>,
    /// Attempts that were lost: with one, `not_before` is a back-off.
    pub attempts_lost: u16,
}
