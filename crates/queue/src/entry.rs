//! The words of the queue's interface: what goes in, what comes out, what may be said of a job.

use reeve_types::{JobId, Millis};

use crate::{PoolIndex, TierIndex};

/// A workspace inside one queue: a small number instead of its name, since a million entries carry it.
///
/// It comes from [`FairQueue::set_workspace`](crate::FairQueue::set_workspace) and stays valid until
/// [`FairQueue::forget_workspace`](crate::FairQueue::forget_workspace) says true for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkspaceKey(pub(crate) u32);

/// What the queue has to know of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkspaceFacts {
    /// The tier in which its jobs are ordered.
    pub tier: TierIndex,
    /// Most jobs running at once, over all pools; 0 lets none start.
    pub cap_running: u32,
    /// While true, none of its jobs is dispatched.
    pub paused: bool,
}

/// The stored place of a job inside its workspace: a job that comes back takes its old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence {
    /// When the job was admitted; it keeps this through every retry.
    pub admitted_at: Millis,
    /// Orders jobs of one workspace admitted in the same millisecond.
    pub n: u32,
}

/// What a queued job waits for before it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The first instant at which the job is ready.
    pub until: Millis,
    /// Who set it, for those who ask why the job waits.
    pub why: GateReason,
}

/// Who set the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateReason {
    /// The caller asked for a later start.
    NotBefore,
    /// An attempt failed; the next one waits.
    RetryBackoff,
}

/// A job as the queue sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// The workspace whose lane it waits in.
    pub workspace: WorkspaceKey,
    /// The pool whose slots it needs.
    pub pool: PoolIndex,
    /// The declared work in slot-milliseconds; `None` takes the pool's running mean for the action.
    pub cost_ms: Option<u32>,
    /// The action, interned by the caller; only the running means look at it.
    pub action: u32,
    /// The workspace's own order of its jobs, higher first; it means nothing between workspaces.
    pub priority: i32,
    /// Its place among jobs of the same priority.
    pub sequence: Sequence,
    /// What must pass before it is ready; `None` is ready at once.
    pub gate: Option<Gate>,
}

/// Names one reservation for ever, so that a late answer cannot hit a later reservation of the same job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pub(crate) number: u64,
    /// Where the job lies, so that no index of tickets is needed.
    pub(crate) node: u32,
}

/// Which rule chose a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its tier was owed service.
    Floor,
    /// Its tier's express slots were not full.
    Express,
    /// Weighted start-time fair queueing.
    Weighted,
}

/// A reservation: the job counts as running and its workspace is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Settles or gives back this reservation, and no other.
    pub ticket: Ticket,
    /// The job to lease.
    pub job: JobId,
    /// When the job was admitted.
    pub admitted_at: Millis,
    /// The workspace that was charged.
    pub workspace: WorkspaceKey,
    /// The pool whose slot it takes.
    pub pool: PoolIndex,
    /// The tier that was charged.
    pub tier: TierIndex,
    /// The step of the dispatch that chose it.
    pub step: Step,
    /// The estimate that settling compares with, in slot-milliseconds.
    pub cost_ms: u32,
    /// What fairness was charged: the estimate with the workspace's debt, in slot-milliseconds.
    pub charge_ms: u32,
}

/// Where a reserved job goes when its lease did not come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveBack {
    /// It is still queued (cap reached, workspace paused, actor rebuilt): back to its old place.
    Requeue,
    /// It is still queued but not ready before the gate opens.
    RequeueGated(Gate),
    /// It ended in the meantime (cancelled, expired): the queue forgets it.
    Gone,
}

/// Why a queued job has not started. Closed: each reason is a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitingFor {
    /// Its workspace or its pool is paused.
    Paused,
    /// Its start was asked for later.
    NotBefore,
    /// An attempt failed and the next one is not due.
    RetryBackoff,
    /// No live worker serves its pool.
    Worker,
    /// Its workspace runs as many jobs as its tier allows.
    WorkspaceLimit,
    /// Others come first.
    Turn,
}

impl WaitingFor {
    /// Every reason, for metrics.
    pub const ALL: [Self; 6] =
        [Self::Paused, Self::NotBefore, Self::RetryBackoff, Self::Worker, Self::WorkspaceLimit, Self::Turn];

    /// The stable word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::NotBefore => "not_before",
            Self::RetryBackoff => "retry_backoff",
            Self::Worker => "worker",
            Self::WorkspaceLimit => "workspace_limit",
            Self::Turn => "turn",
        }
    }
}

/// Where a queued job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The tier that it waits in.
    pub tier: TierIndex,
    /// Its rank among the ready jobs of its workspace in its pool, from 1.
    pub in_workspace: u64,
    /// Jobs of its own tier and pool expected to start before it.
    pub ahead: u64,
}

/// A call that the queue's owner should not have made: a bug of ours, never a user's mistake.
/// The queue is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// The pool is not in the settings.
    #[error("pool `{}` is not in the settings", .0.0)]
    UnknownPool(PoolIndex),
    /// The tier is not in the settings.
    #[error("tier `{}` is not in the settings", .0.0)]
    UnknownTier(TierIndex),
    /// The workspace was never set, or was forgotten.
    #[error("workspace key `{}` is not known, set the workspace first", .0.0)]
    UnknownWorkspace(WorkspaceKey),
    /// The job is in the queue already.
    #[error("job `{0}` is queued or running already, remove it first")]
    JobKnown(JobId),
    /// A sync names a job that is another workspace's.
    #[error("job `{0}` belongs to another workspace, sync that one first")]
    ForeignJob(JobId),
    /// A sync names a job twice.
    #[error("job `{0}` is listed twice, list it once")]
    JobTwice(JobId),
}
