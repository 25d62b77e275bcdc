//! The three ways a commit can end, and the port itself.

use reeve_types::WorkspaceId;
use reeve_workspace::Claim;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::change::{ChangeSet, PlatformChange};

/// How the commit of one change set ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// On disk. Effects may follow, and the caller may answer.
    Durable,
    /// Certainly not written.
    Aborted(AbortReason),
    /// Nobody knows. The owner must forget what it decided and read the store.
    Unknown,
    /// Not written, because these facts are taken; decide again knowing it.
    ClaimTaken(Vec<(Claim, WorkspaceId)>),
}

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbortReason {
    /// Another version is stored than the one it was decided on: the decider is outdated.
    Version,
    /// The idempotency key was recorded before.
    KeyTaken,
    /// What is written once exists with other content.
    Exists,
    /// The store refused the data itself: a bug of ours, not worth a retry.
    Data(String),
    /// The store could not be reached or gave up; worth a retry later.
    Store(String),
}

/// How urgent a change set is when there is too much to do: overload is shed in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// New work: shed first.
    Submit,
    /// Work that is already paid for: completions, failures, cancels, lapses, uploads. Has reserved room.
    Finish,
}

/// The journal has no room for this now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is full")]
pub struct Overloaded;

/// A place in the journal's queue, given back when the change set that took it has its outcome.
///
/// Taken before deciding: an actor that had already applied a decision when it found the queue full
/// would be ahead of the store, and would have to be rebuilt for nothing.
#[derive(Debug, Default)]
pub struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Room that a semaphore counts.
    pub const fn counted(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Some(permit) }
    }

    /// Room in a queue without bound.
    pub const fn unbounded() -> Self {
        Self { _permit: None }
    }
}

/// What `/readyz` and the lease ticker ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHealth {
    /// False while commits cannot succeed; lapses are then suspended.
    pub can_commit: bool,
    /// Change sets that wait or are being committed.
    pub depth: usize,
    /// How long the oldest of them has been waiting, in milliseconds; 0 when none does.
    pub oldest_age_ms: u64,
    /// What it did since it was opened.
    pub written: Written,
}

/// What a journal sent to its database since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Transactions that committed; each holds many change sets.
    pub commits: u64,
    /// Statements, BEGIN and COMMIT not counted.
    pub statements: u64,
    /// Rows in them: inserted, updated or deleted.
    pub rows: u64,
    /// Bytes of those rows as they were sent.
    pub bytes: u64,
}

/// Durable, ordered, atomic change sets.
///
/// Change sets of one workspace are committed in the order submitted. Dropping the receiver does not
/// cancel the change.
pub trait Journal: Send + Sync + 'static {
    /// Takes a place for one change set. Never blocks: refused when the room for this urgency is used up.
    fn reserve(&self, urgency: Urgency) -> Result<Room, Overloaded>;

    /// Queues a change set in the room taken for it. Never blocks, never refuses.
    fn submit(&self, change: ChangeSet, room: Room) -> oneshot::Receiver<CommitOutcome>;

    /// Queues a change of the platform's own records.
    fn submit_platform(&self, change: PlatformChange)
    -> Result<oneshot::Receiver<CommitOutcome>, Overloaded>;

    /// Answers once everything submitted before has its outcome.
    fn flush(&self) -> oneshot::Receiver<()>;

    /// How it stands.
    fn health(&self) -> JournalHealth;
}
