//! The calls of workers: lease, heartbeat, progress, upload, complete, fail.

use reeve_types::{ActionName, JobId, LeaseId, PoolName, WorkerName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{At, JobView, Params, Problem, Quantity, Sha256, schema};

/// `POST /v1/worker/leases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    #[schema(value_type = schema::WorkerName)]
    pub worker: WorkerName,
    /// A random id of this process; leases belong to it.
    pub session: String,
    /// Asked in this order.
    #[schema(value_type = Vec<schema::PoolName>)]
    pub pools: Vec<PoolName>,
    /// Leases wanted now over all pools, 1 to 1,000, on top of those held.
    pub slots: u32,
    /// Long poll, at most 60; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_seconds: Option<u64>,
}

/// What was leased; empty when there was nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeaseAnswer {
    pub leases: Vec<LeaseView>,
    /// The worker was told to take no more work; a request of it is answered empty when its time is up.
    #[serde(default)]
    pub drain: bool,
}

/// An input of a leased job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputView {
    /// The parameter that named it.
    pub param: String,
    /// Signed: needs no key.
    pub url: String,
}

/// A leased job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeaseView {
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    pub attempt: u32,
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    #[schema(value_type = Object)]
    pub params: Params,
    /// How many outputs are wanted, numbered from 0.
    pub outputs: u32,
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    pub expires_at: At,
    /// How often to send a heartbeat.
    pub heartbeat_seconds: Quantity,
    pub run_deadline_at: Option<At>,
    pub inputs: Vec<InputView>,
}

/// `POST /v1/worker/heartbeat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    #[schema(value_type = schema::WorkerName)]
    pub worker: WorkerName,
    pub session: String,
    /// All that the session holds: a lease that is not listed comes back to the queue.
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub leases: Vec<LeaseId>,
}

/// What became of the leases in a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub renewed: Vec<LeaseId>,
    /// Still held, but the customer no longer wants them: stop and acknowledge.
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub cancel: Vec<LeaseId>,
    /// No longer held: drop the work.
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub lost: Vec<LeaseId>,
    /// Take no more leases.
    pub drain: bool,
}

/// `POST /v1/worker/leases/{lease}/progress`. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgressReport {
    /// 0 to 1; a smaller one than before is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The answer to progress, which also renews the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressAnswer {
    pub cancel: bool,
    pub expires_at: At,
}

/// The answer to `PUT /v1/worker/leases/{lease}/outputs/{n}`: the bytes are durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadAnswer {
    pub index: u32,
    /// Bytes.
    pub size: u64,
    pub sha256: Sha256,
    pub url: String,
}

/// What became of an output or of one of its stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputOutcome {
    Landed,
    Filtered,
    Failed,
}

/// What became of a stage with a price of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageReport {
    /// `base` or `upscale`.
    pub name: String,
    pub outcome: OutputOutcome,
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputReport {
    pub index: u32,
    pub outcome: OutputOutcome,
    /// Only for bytes that are already durable elsewhere; then `sha256` and `size` are needed too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What was delivered, for example seconds; as quoted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Quantity>,
    /// All share the outcome when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageReport>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl OutputReport {
    /// An outcome with nothing more to say.
    pub const fn new(index: u32, outcome: OutputOutcome) -> Self {
        Self {
            index,
            outcome,
            url: None,
            sha256: None,
            size: None,
            content_type: None,
            units: None,
            stages: None,
            reason: None,
        }
    }
}

/// `POST /v1/worker/leases/{lease}/complete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteRequest {
    pub outputs: Vec<OutputReport>,
}

/// Whether it is certain that nothing was produced (X11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    #[default]
    Failed,
    /// The provider's answer never came.
    Unknown,
}

/// `POST /v1/worker/leases/{lease}/fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    pub reason: String,
    pub retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<Fate>,
}

/// `POST /v1/worker/completions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionsRequest {
    pub entries: Vec<CompletionEntry>,
}

/// One of them: exactly one of `complete` and `fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionEntry {
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<CompleteRequest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<FailRequest>,
}

/// The answers, in the order of the entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompletionsAnswer {
    pub results: Vec<CompletionResult>,
}

/// The answer to one entry: `job` when it was accepted, `problem` when not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompletionResult {
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// The HTTP status that the single call would have had.
    pub status: u16,
    pub job: Option<JobView>,
    pub problem: Option<Problem>,
}
