//! What those who run the platform see: queues, workers, keys, verification, health, the clock.

use reeve_types::{KeyId, LeaseId, PoolName, TierName, WorkerName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{At, Quantity, schema};

/// `GET /v1/queue`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueReport {
    /// All pools of the configuration.
    pub pools: Vec<PoolReport>,
    /// Jobs that ended.
    pub finished: FinishedReport,
    /// Length of the windows that `jain_permille` is about.
    pub jain_window_seconds: u64,
}

/// Jobs that ended since the server started; each counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FinishedReport {
    /// When the server started: with another instant the counts began anew.
    pub since: At,
    /// With at least one output landed.
    pub succeeded: u64,
    /// Those with the code `content_filtered` apart.
    pub failed: u64,
    /// Failed because every output was refused by a content filter.
    pub content_filtered: u64,
    /// Nobody wanted them any more.
    pub cancelled: u64,
    /// No worker took them in time.
    pub expired: u64,
}

impl FinishedReport {
    /// Jobs that workers brought to an end.
    pub const fn worked(&self) -> u64 {
        self.succeeded.saturating_add(self.failed).saturating_add(self.content_filtered)
    }
}

/// One pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolReport {
    /// The pool.
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    /// While true, none of its jobs starts.
    pub paused: bool,
    /// Live workers that serve it.
    pub workers: u32,
    /// Leases that those workers hold or wait for.
    pub slots: u32,
    /// Leases that its workers hold.
    pub busy: u32,
    /// Its tiers, lowest first.
    pub tiers: Vec<TierReport>,
}

/// One tier of a pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierReport {
    /// The tier.
    #[schema(value_type = schema::TierName)]
    pub tier: TierName,
    /// Jobs waiting.
    pub depth: u64,
    /// Jobs that run.
    pub running: u64,
    /// How long the oldest ready job waits; `null` when none does.
    pub oldest_wait_seconds: Option<f64>,
    /// Half of the jobs that started lately waited less.
    pub p50_wait_seconds: Option<f64>,
    /// 99 of 100 jobs that started lately waited less.
    pub p99_wait_seconds: Option<f64>,
    /// How far behind its guaranteed share it is, in service; 0 when it has had its due.
    pub floor_lag: f64,
    /// Share of the pool's service since the server started, 0 to 1.
    pub share: f64,
    /// Jain's index of the service of its workspaces, in parts per thousand: 1,000 when all that were served got the
    /// same, 1,000 / n when one of n got everything. Of the last whole window, or of the present one when nothing was
    /// served in that; `null` when nothing was served in either.
    pub jain_permille: Option<u32>,
    /// Workspaces served in that window.
    pub jain_workspaces: u32,
}

/// Whether a worker may take leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It gets work.
    #[default]
    Active,
    /// Finishes what it has.
    Draining,
    /// Gets nothing; what it had went back to the queue.
    Quarantined,
    /// Not heard of for longer than a lease lasts.
    Lost,
}

/// One entry of `GET /v1/workers`. More than one session means that two processes use the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerView {
    /// The worker.
    #[schema(value_type = schema::WorkerName)]
    pub worker: WorkerName,
    /// Whether it may take leases.
    pub state: WorkerState,
    /// Its processes.
    pub sessions: Vec<SessionView>,
}

/// One process of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// The random id that the process gave itself.
    pub session: String,
    /// The pools that it asks for.
    #[schema(value_type = Vec<schema::PoolName>)]
    pub pools: Vec<PoolName>,
    /// Leases that it waits for now.
    pub wanted: u32,
    /// Leases that it holds.
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub leases: Vec<LeaseId>,
    /// When it was heard of last.
    pub last_seen_at: At,
}

/// `POST /v1/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadReport {
    /// Sections of the configuration that are different now.
    pub applied: Vec<String>,
    /// Sections that differ from what the server runs with, and wait for a restart.
    pub needs_restart: Vec<String>,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// The platform's back end.
    Admin,
    /// One workspace.
    Workspace,
    /// Lease, upload, complete.
    Worker,
}

/// `POST /v1/keys`; `workspace` goes with the role `workspace` and no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyCreate {
    /// What it may do.
    pub role: KeyRole,
    /// The workspace that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From this instant on the key is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
    /// Requests that it may make on average, instead of what its role may; 0: as many as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<u32>,
    /// Requests at once, after a pause; goes with `rate_per_second`, and is as large as that when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl KeyCreate {
    /// A key with what its role has, for good.
    pub const fn of(role: KeyRole) -> Self {
        Self { role, workspace: None, name: None, expires_at: None, rate_per_second: None, burst: None }
    }
}

/// A new key with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCreated {
    /// Names the key; not a secret.
    #[schema(value_type = schema::KeyId)]
    pub id: KeyId,
    /// What it may do.
    pub role: KeyRole,
    /// The workspace that it is for; `null` of other roles.
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
    /// For people.
    pub name: Option<String>,
    /// What goes into `Authorization: Bearer`.
    pub key: String,
    /// When it was made.
    pub created_at: At,
    /// From this instant on it is unknown; `null` never.
    pub expires_at: Option<At>,
    /// A bound of its own; 0: none; `null`: its role's.
    pub rate_per_second: Option<u32>,
    /// Requests at once, after a pause.
    pub burst: Option<u32>,
}

impl std::fmt::Debug for KeyCreated {
    /// Without the secret: debug output ends up in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyCreated").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Names the key; not a secret.
    #[schema(value_type = schema::KeyId)]
    pub id: KeyId,
    /// What it may do.
    pub role: KeyRole,
    /// The workspace that it is for; `null` of other roles.
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
    /// For people.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: At,
    /// From this instant on it is unknown; it stays in the list until it is revoked.
    pub expires_at: Option<At>,
    /// To the second; after a restart of the server, to the minute.
    pub last_used_at: Option<At>,
    /// A bound of its own; 0: none.
    pub rate_per_second: Option<u32>,
    /// Requests at once, after a pause.
    pub burst: Option<u32>,
}

/// How far a verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyStatus {
    /// Never asked for.
    Idle,
    /// It is under way.
    Running,
    /// It is over, and `ok` says how.
    Done,
}

/// `POST` and `GET /v1/verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// How far it is.
    pub status: VerifyStatus,
    /// 0 to 1.
    pub progress: f64,
    /// `null` until done.
    pub ok: Option<bool>,
    /// What was looked at, check by check.
    pub checks: Vec<VerifyCheck>,
}

/// One invariant, over all that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyCheck {
    /// The invariant, such as `L5`.
    pub name: String,
    /// Whether it held everywhere.
    pub ok: bool,
    /// How many things were looked at.
    pub checked: u64,
    /// The first place where it did not hold.
    pub detail: Option<String>,
}

/// Query of `POST /v1/verify`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Seconds to wait for the result, at most 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

/// `GET /healthz` and `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`; anything else is said by a problem.
    pub status: String,
    /// The server's version.
    pub version: String,
    /// `readyz`: what was looked at, each with its answer; `null` of `healthz`, which looks at nothing.
    #[serde(default)]
    pub checks: Option<Vec<HealthCheck>>,
}

/// One thing that has to hold before a server may be sent requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthCheck {
    /// `running`, `database`, `loaded`, `journal` or `disk`.
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// Why it does not hold; `null` where it does.
    #[serde(default)]
    pub detail: Option<String>,
}

/// Which clock the server goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// The machine's.
    System,
    /// One that only `POST /v1/clock` moves, for tests.
    Manual,
}

/// `GET /v1/clock`, and the answer to setting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockView {
    /// The instant that the server goes by.
    pub now: At,
    /// Which clock it goes by.
    pub mode: ClockMode,
}

/// `POST /v1/clock`: exactly one of the two; backward is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockSet {
    /// Seconds to go forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advance_seconds: Option<Quantity>,
    /// The instant to go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<At>,
}
