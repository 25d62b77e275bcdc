//! What the dispatcher can be sent.

use actix::Message;
use reeve_queue::{SettingsError, Ticket};
use reeve_types::{JobId, LeaseId, Millis, PoolName, TierName, WorkerName, WorkspaceId};
use reeve_workspace::QueueEntry;
use tokio::sync::oneshot;

use super::actor::DispatcherActor;
use super::delivery::Delivery;
use crate::call::LeaseRequest;
use crate::settings::Rules;
use crate::workspace::Ask;

/// What the queue has to know of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub tier: TierName,
    pub cap: Option<u32>,
    pub paused: bool,
}

/// One thing that happened to a job, as far as the queue is concerned.
#[derive(Clone, Debug)]
pub(crate) enum Hint {
    Enqueue(QueueEntry),
    /// A lost attempt: back to its place.
    Requeue {
        entry: QueueEntry,
        ran_ms: u64,
    },
    Dequeue(JobId),
    Finish {
        job: JobId,
        ran_ms: u64,
    },
}

/// What a durable change of a workspace means for the queue.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Hints {
    pub workspace: WorkspaceId,
    pub epoch: u64,
    pub facts: Facts,
    pub hints: Vec<Hint>,
}

/// Replaces all that is known of a workspace.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Sync {
    pub workspace: WorkspaceId,
    pub epoch: u64,
    pub facts: Facts,
    pub queued: Vec<QueueEntry>,
    pub running: Vec<QueueEntry>,
    /// The actor before it died: reservations asked of that one will never be answered.
    pub rebuilt: bool,
}

/// Jobs as stored, before anything else runs.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Recover {
    pub facts: Vec<(WorkspaceId, Facts)>,
    pub queued: Vec<(WorkspaceId, QueueEntry)>,
    pub running: Vec<(WorkspaceId, QueueEntry)>,
}

/// A worker asks for work.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Lease {
    pub id: u64,
    pub request: LeaseRequest,
    pub reply: oneshot::Sender<Delivery>,
}

/// A committed lease, on its way to the worker.
#[derive(Clone, Debug)]
pub(crate) struct Reserved {
    pub lease: LeaseId,
    pub workspace: WorkspaceId,
    pub granted_at: Millis,
    pub run_deadline_at: Millis,
}

/// The time of a waiting request is up: answer with what there is.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Withdraw(pub u64);

/// The server stops: answer every waiting request with what there is.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct WithdrawAll;

/// A workspace's answer in the second phase.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LeaseDecided {
    pub ticket: Ticket,
    pub request: u64,
    pub job: JobId,
    pub ask: Ask,
}

/// These are the pools now. None of them goes away.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Pools(pub Vec<PoolName>);

/// Other rules, sent back what became of them. The queue is unchanged by rules that it refuses.
#[derive(Message)]
#[rtype(result = "Result<(), SettingsError>")]
pub(crate) struct SetRules(pub Box<Rules>);

/// Nothing of a pool is leased, or leased again. False for a pool that is not known.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct PausePool {
    pub pool: PoolName,
    pub paused: bool,
}

/// A worker gets nothing more: its waiting requests are answered with what they have.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct WithdrawWorker(pub WorkerName);

/// A manual clock was moved.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ClockMoved;

/// Makes the queue wrong on purpose: hints and syncs alone never do.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Tamper(pub Box<dyn FnOnce(&mut DispatcherActor) + Send>);

/// Looks at the queue.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Look(pub Box<dyn FnOnce(&DispatcherActor) + Send>);
