//! Jobs: submit, view, list, cancel.

use reeve_types::{ActionName, JobId, MemberId, ObjectText, PoolName, TierName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At, QuoteLine, Sha256, WaitReason, schema};

/// Parameters of an action, as the client wrote them.
pub type Params = serde_json::Map<String, serde_json::Value>;
/// What a platform notes on a job or workspace; passed back unread.
pub type Metadata = serde_json::Map<String, serde_json::Value>;

/// `POST /v1/workspaces/{ws}/jobs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSubmit {
    /// What is to be done: an action of the catalog.
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    /// Its parameters; the priced ones are checked by the catalog, the rest goes to the worker.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Params,
    /// On whose behalf, for limits and reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// Order among the workspace's own jobs, higher first; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// It is not started earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<At>,
    /// Longest wait in the queue; the catalog's when absent, else the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout_seconds: Option<u64>,
    /// Longest run of one attempt; the catalog's when absent, else the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_timeout_seconds: Option<u64>,
    /// What the platform notes on it; passed back unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// Where to tell of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// The most it may cost; a higher price is refused with `price_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_credits: Option<Amount>,
}

impl JobSubmit {
    /// An action with its parameters, everything else left to the server.
    pub const fn of(action: ActionName, params: Params) -> Self {
        Self {
            action,
            params,
            member: None,
            priority: None,
            not_before: None,
            queue_timeout_seconds: None,
            run_timeout_seconds: None,
            metadata: None,
            webhook: None,
            max_credits: None,
        }
    }
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Stored, its credits held; it waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Cancelled while running; the worker has not acknowledged yet.
    Cancelling,
    /// At least one output landed.
    Succeeded,
    /// No output landed.
    Failed,
    /// Nobody wanted it any more.
    Cancelled,
    /// No worker took it in time.
    Expired,
}

impl JobStatus {
    /// Nothing changes after a final status.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Cancelling => false,
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// What became of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputStatus {
    /// Not known yet.
    Pending,
    /// Durable, and charged.
    Landed,
    /// Withheld by a content filter.
    Filtered,
    /// Not made.
    Failed,
}

/// What a job costs; `held + settled + released` is `quoted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobCredits {
    /// The price, frozen at admission (X6).
    pub quoted: Amount,
    /// Of that, pinned now.
    pub held: Amount,
    /// Of that, spent.
    pub settled: Amount,
    /// Of that, given back.
    pub released: Amount,
    /// How the price comes about.
    pub lines: Vec<QuoteLine>,
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// 0 to 1; never goes back within an attempt.
    pub fraction: f64,
    /// The worker's word for what it does.
    pub stage: Option<String>,
    /// The worker's words for people.
    pub message: Option<String>,
    /// `null` before the first report.
    pub at: Option<At>,
}

/// One output. Everything but index and status is `null` until the job has closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputView {
    /// Which output, from 0.
    pub index: u32,
    /// What became of it.
    pub status: OutputStatus,
    /// Its media type, as the worker said.
    pub content_type: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Digest of its bytes.
    pub sha256: Option<Sha256>,
    /// Where it can be fetched.
    pub url: Option<String>,
    /// What it was charged.
    pub credits: Option<Amount>,
}

/// Where a queued job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueView {
    /// Jobs of its tier and pool expected to start before it; 0 is next.
    pub position: Option<u64>,
    /// Seconds until it starts, as likely later as sooner.
    pub eta_seconds: Option<u64>,
    /// Seconds within which nine of ten such jobs start.
    #[serde(default)]
    pub eta_p90_seconds: Option<u64>,
    /// Why it has not started.
    pub waiting_for: Option<WaitReason>,
}

/// Why a job did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobErrorView {
    /// A stable word, such as `content_filtered`, `run_timeout`, `poison`, `fate_unknown`.
    pub code: String,
    /// For people; may change.
    pub message: String,
}

/// Where the rest of a job is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobUrls {
    /// The job itself.
    #[serde(rename = "self")]
    pub this: String,
    /// Its events, as a stream.
    pub events: String,
    /// Where to post to have it stopped.
    pub cancel: String,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub id: JobId,
    /// Whose it is.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    /// On whose behalf; `null` when the request named nobody.
    #[schema(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// What is to be done.
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    /// Parameters as sent.
    #[schema(value_type = Object)]
    pub params: ObjectText,
    /// The pool whose workers run it.
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    /// The queue tier at admission.
    #[schema(value_type = schema::TierName)]
    pub tier: TierName,
    /// Where it stands.
    pub status: JobStatus,
    /// 0 before the first lease.
    pub attempt: u32,
    /// Attempts that may be lost before it fails.
    pub max_attempts: u32,
    /// What it costs.
    pub credits: JobCredits,
    /// How far it is.
    pub progress: ProgressView,
    /// One for each output that was asked for.
    pub outputs: Vec<OutputView>,
    /// `null` unless queued.
    pub queue: Option<QueueView>,
    /// Why it did not succeed; `null` of any other status.
    pub error: Option<JobErrorView>,
    /// What the platform noted on it.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// The job that this one repeats.
    #[serde(default)]
    #[schema(value_type = Option<schema::JobId>)]
    pub retry_of: Option<JobId>,
    /// Parameters, metadata and texts are no longer kept, because of their age or because the workspace was erased.
    #[serde(default)]
    pub content_removed: bool,
    /// The bytes of its outputs are no longer kept; their sizes and digests are.
    #[serde(default)]
    pub outputs_removed: bool,
    /// When it was admitted.
    pub created_at: At,
    /// When its first attempt began.
    pub started_at: Option<At>,
    /// When it ended.
    pub finished_at: Option<At>,
    /// When it expires (queued) or runs out of time (running).
    pub deadline_at: Option<At>,
    /// Where the rest of it is found.
    pub urls: JobUrls,
}

/// Query of `GET /v1/jobs/{id}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// Seconds to wait for the final state, at most 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

/// Query of the two lists of jobs; a workspace's own list passes over `workspace`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Only jobs that stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub status: Option<JobStatus>,
    /// Only jobs of this action.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::ActionName>)]
    pub action: Option<ActionName>,
    /// Only jobs of this workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
    /// Created at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<At>,
    /// Created before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At>,
    /// Only jobs on behalf of this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// Ended with this `error.code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// One member of the metadata and its text or number, as `name:value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Most entries wanted; the server has its own bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /v1/jobs/{id}/retry`; the body may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRetry {
    /// The most it may cost at today's price; a higher one is refused with `price_changed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_credits: Option<Amount>,
}

/// `POST /v1/workspaces/{ws}/jobs/cancel`: all that match; queued and running when `status` is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkCancel {
    /// Only `queued` or only `running` ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<JobStatus>,
    /// Only jobs of this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ActionName>)]
    pub action: Option<ActionName>,
}

/// What a bulk cancel found when it was first asked for: a repeat under its key is answered with the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkCancelled {
    /// Ended at once.
    pub cancelled: u64,
    /// Still running; their workers have been told.
    pub cancelling: u64,
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn unknown_fields_are_refused_by_name() {
        let error =
            serde_json::from_str::<JobSubmit>(r#"{"action":"image.generate","params":{},"pirority":1}"#);
        assert!(error.unwrap_err().to_string().contains("pirority"));
    }

    #[test]
    fn wrong_types_and_huge_numbers_are_refused() {
        for body in [
            r#"{"action":5,"params":{}}"#,
            r#"{"action":"a b","params":{}}"#,
            r#"{"action":"a","params":[]}"#,
            r#"{"action":"a","params":{},"priority":1e99}"#,
            r#"{"action":"a","params":{},"queue_timeout_seconds":-1}"#,
            r#"{"action":"a","params":{},"max_credits":0.0000001}"#,
            r#"{"action":"a","params":{},"not_before":"tomorrow"}"#,
            r#"{"params":{}}"#,
        ] {
            assert!(serde_json::from_str::<JobSubmit>(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_status_has_one_word_everywhere() {
        for status in [
            JobStatus::Queued,
            JobStatus::Running,
            JobStatus::Cancelling,
            JobStatus::Succeeded,
            JobStatus::Failed,
            JobStatus::Cancelled,
            JobStatus::Expired,
        ] {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
    }
}
