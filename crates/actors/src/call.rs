//! What callers hand to the engine and get from it.

use std::sync::Arc;

use reeve_credits::lot::Lot;
use reeve_journal::StoreError;
use reeve_telemetry::Origin;
use reeve_types::{Credits, JobId, LeaseId, MemberId, Millis, PoolName, WorkerName, WorkspaceId};
use reeve_workspace::{CancelledMany, JobIntro, MemberLimit, Meta, NextChange, Profile, Refusal, Reply};

/// Who calls, and under which idempotency key.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub meta: Meta,
    pub idempotency: Option<Idempotency>,
}

/// A key that makes a repeat get the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// `<API key id>:<Idempotency-Key>`.
    pub key: Arc<str>,
    /// Digest of method, path and body: the same key with another request is refused.
    pub fingerprint: [u8; 16],
}

/// What a command led to, in the form that is remembered with its idempotency key.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Refused; nothing changed.
    Refused(Refusal),
    /// A job was admitted: its view follows from its stored row, as admitted.
    Admitted(JobId),
    /// A job after the command: its view follows from its stored row.
    Job(JobId),
    /// The workspace as it was then.
    Workspace(Box<WorkspaceView>),
    /// A purchase.
    Purchase(Box<reeve_workspace::PurchaseRow>),
    /// Lots that appeared, or were taken from, and the balance right after.
    Lots(Box<LotsMoved>),
    /// What a bulk cancel found.
    Cancelled(CancelledMany),
    /// Done; nothing to show.
    Done,
}

/// What a grant or a taking did.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct LotsMoved {
    pub lots: Vec<reeve_types::LotId>,
    pub at: Millis,
    pub available: Credits,
    pub held: Credits,
}

/// A workspace at one version.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WorkspaceView {
    pub id: WorkspaceId,
    pub profile: Profile,
    pub available: Credits,
    pub held: Credits,
    pub debt: Credits,
    /// The most jobs that may run at once.
    pub concurrency_max: u32,
    /// The instant that it is about.
    pub as_of: Millis,
}

/// Credits of a workspace at an instant, with all that is due by then folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// Available, held, debt and profile.
    pub view: WorkspaceView,
    /// Lots that are not spent.
    pub lots: Vec<Lot>,
    pub as_of: Millis,
    /// What time does to it next; `None` also for an instant in the past.
    pub next: Option<NextChange>,
}

/// A member who has, or had, a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    pub id: MemberId,
    pub limit: Option<MemberLimit>,
    /// Settled in the present window.
    pub settled: Credits,
    /// Held by open jobs: counts to the limit too.
    pub held: Credits,
    /// When the window ends.
    pub resets_at: Option<Millis>,
}

/// Why the engine cannot answer now; nothing is known to have changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unavailable {
    /// The environment: retry after the given seconds under the same key.
    #[error("{reason}; try again")]
    Retry { reason: &'static str, after_seconds: u32 },
    /// The same idempotency key came with another request.
    #[error("this idempotency key was used for another request; use a new one")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Unavailable {
    /// Overload: shed, nothing changed.
    pub const OVERLOADED: Self = Self::Retry { reason: "the server is at its limit", after_seconds: 1 };
    /// The outcome of a commit is not known, or it was aborted.
    pub const NOT_COMMITTED: Self =
        Self::Retry { reason: "the change could not be confirmed", after_seconds: 1 };
    /// Shutting down.
    pub const STOPPING: Self = Self::Retry { reason: "the server is stopping", after_seconds: 2 };
}

/// What an operator told a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WorkerMode {
    #[default]
    Active,
    /// Gets no new leases and finishes what it has.
    Draining,
    /// Gets no new leases, and what it had went back to the queue.
    Quarantined,
}

/// A worker asks for work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    pub worker: WorkerName,
    pub session: Arc<str>,
    /// Asked in this order.
    pub pools: Vec<PoolName>,
    /// Leases wanted now, on top of those held.
    pub slots: u32,
    pub wait_ms: u64,
}

/// A job in a worker's hands.
#[derive(Clone, Debug)]
pub struct Granted {
    pub lease: LeaseId,
    /// The request that the job was submitted with, as far as this process remembers it; with the span of the lease,
    /// where it is traced.
    pub origin: Origin,
    pub intro: Arc<JobIntro>,
    pub granted_at: Millis,
    pub run_deadline_at: Millis,
    /// When it lapses if nothing is heard.
    pub expires_at: Millis,
}

/// What a heartbeat answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub renewed: Vec<LeaseId>,
    /// Renewed, but to be stopped.
    pub cancel: Vec<LeaseId>,
    /// Not live any more.
    pub lost: Vec<LeaseId>,
    /// Ask for no more work.
    pub drain: bool,
}

/// What a worker reports while it works.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgressReport {
    /// 0 to 1; never goes back.
    pub fraction: Option<f64>,
    pub stage: Option<Arc<str>>,
    pub message: Option<Arc<str>>,
}

/// The answer to a progress report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressHeard {
    pub cancel: bool,
    pub expires_at: Millis,
}

/// The latest progress of a running job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub fraction: f64,
    pub stage: Option<Arc<str>>,
    pub message: Option<Arc<str>>,
    pub at: Millis,
}

/// Where a waiting job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePlace {
    /// Jobs of its tier expected to start before it.
    pub position: u64,
    /// Seconds until it starts, as likely later as sooner; `None` when nobody can know.
    pub eta_seconds: Option<u64>,
    /// Seconds within which nine of ten such jobs start.
    pub eta_p90_seconds: Option<u64>,
    /// A word of the closed list: `turn`, `workspace_limit`, `paused`, `worker`, `retry_backoff`, `not_before`.
    pub waiting_for: &'static str,
}

impl Answer {
    /// The remembered form of a reply; `view` is asked only where the answer shows the workspace.
    pub(crate) fn of(reply: &Result<Reply, Refusal>, view: impl FnOnce() -> Option<WorkspaceView>) -> Self {
        match reply {
            Err(refusal) => Self::Refused(refusal.clone()),
            Ok(Reply::Workspace(_)) => view().map_or(Self::Done, |view| Self::Workspace(Box::new(view))),
            Ok(Reply::Admitted(intro)) => Self::Admitted(intro.id),
            Ok(Reply::Job { id, .. }) => Self::Job(*id),
            Ok(Reply::Purchase(row)) => Self::Purchase(row.clone()),
            Ok(Reply::Lots(lots)) => view().map_or(Self::Done, |view| {
                let WorkspaceView { as_of: at, available, held, .. } = view;
                Self::Lots(Box::new(LotsMoved { lots: lots.clone(), at, available, held }))
            }),
            Ok(Reply::CancelledMany(done)) => Self::Cancelled(*done),
            Ok(Reply::Done) => Self::Done,
        }
    }
}
