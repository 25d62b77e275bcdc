//! The calls of workers: lease, heartbeat, progress, upload, complete, fail.

use reeve_types::{ActionName, JobId, LeaseId, ObjectText, PoolName, WorkerName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{At, JobView, Problem, Quantity, Sha256, schema};

/// `POST /v1/worker/leases`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// How operators see it; sessions may share it.
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
    /// At most as many as were wanted.
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
    /// Names this attempt in every later call.
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// Whose it is.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    /// Which attempt of the job, from 1.
    pub attempt: u32,
    /// What is to be done.
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    /// Parameters as sent.
    #[schema(value_type = Object)]
    pub params: ObjectText,
    /// How many outputs are wanted, numbered from 0.
    pub outputs: u32,
    /// The pool that it came from.
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    /// When it lapses unless something is heard before.
    pub expires_at: At,
    /// How often to send a heartbeat.
    pub heartbeat_seconds: Quantity,
    /// When the job fails whatever the worker does.
    pub run_deadline_at: Option<At>,
    /// Inputs to fetch.
    pub inputs: Vec<InputView>,
    /// `X-Request-Id` of the submit, for the worker's log. `null` when the server no longer knows it, as after its
    /// restart; the ledger's row of the hold has it always.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The place of the lease in the trace of the submit (W3C Trace Context), to be sent as the header of that name with
    /// what belongs to this lease. `null` when the submit is not traced, or the server no longer knows.
    #[serde(default)]
    pub traceparent: Option<String>,
}

/// `POST /v1/worker/heartbeat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatRequest {
    /// The name that the leases were asked under.
    #[schema(value_type = schema::WorkerName)]
    pub worker: WorkerName,
    /// The random id of this process.
    pub session: String,
    /// All that the session holds: a lease that is not listed comes back to the queue.
    #[schema(value_type = Vec<schema::LeaseId>)]
    pub leases: Vec<LeaseId>,
}

/// What became of the leases in a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeartbeatAnswer {
    /// Held, for another lease period.
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
    /// A word for what is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The answer to progress, which also renews the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressAnswer {
    /// Nobody wants the job any more: stop and acknowledge.
    pub cancel: bool,
    /// When the lease lapses now.
    pub expires_at: At,
}

/// The answer to `PUT /v1/worker/leases/{lease}/outputs/{n}`: the bytes are durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadAnswer {
    /// Which output, from 0.
    pub index: u32,
    /// Bytes.
    pub size: u64,
    /// Digest of what was stored.
    pub sha256: Sha256,
    /// Where it can be fetched.
    pub url: String,
}

/// What became of an output or of one of its stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputOutcome {
    /// Durable; charged.
    Landed,
    /// Withheld by a content filter; not charged, unless the catalog says so.
    Filtered,
    /// Not made; not charged.
    Failed,
}

/// What became of a stage with a price of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StageReport {
    /// `base` or `upscale`.
    pub name: String,
    /// What became of it.
    pub outcome: OutputOutcome,
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutputReport {
    /// Which output, from 0.
    pub index: u32,
    /// What became of it.
    pub outcome: OutputOutcome,
    /// Only for bytes that are already durable elsewhere; then `sha256` and `size` are needed too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Digest of the bytes that `url` leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Their media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What was delivered, for example seconds; as quoted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Quantity>,
    /// All share the outcome when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageReport>>,
    /// For people, and in the receipt.
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
    /// Every output of the job, in any order.
    pub outputs: Vec<OutputReport>,
}

/// Whether it is certain that nothing was produced (X11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Nothing was produced.
    #[default]
    Failed,
    /// The provider's answer never came.
    Unknown,
}

/// `POST /v1/worker/leases/{lease}/fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailRequest {
    /// For people, and in the job's error.
    pub reason: String,
    /// Whether another attempt may do better.
    pub retryable: bool,
    /// Whether it is certain that nothing was produced; `failed` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<Fate>,
}

/// `POST /v1/worker/completions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionsRequest {
    /// In any order; each stands alone.
    pub entries: Vec<CompletionEntry>,
}

/// One of them: exactly one of `complete` and `fail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompletionEntry {
    /// The lease of the attempt.
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// As the body of the single call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<CompleteRequest>,
    /// As the body of the single call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<FailRequest>,
}

/// The answers, in the order of the entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompletionsAnswer {
    /// One for each entry.
    pub results: Vec<CompletionResult>,
}

/// The answer to one entry: `job` when it was accepted, `problem` when not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompletionResult {
    /// The lease of the entry.
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// The HTTP status that the single call would have had.
    pub status: u16,
    /// The job as it stands now.
    pub job: Option<JobView>,
    /// Why it was not accepted.
    pub problem: Option<Problem>,
}
