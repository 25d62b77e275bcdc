//! Webhooks: who hears of what happens, what became of each delivery, and what is delivered.

use std::fmt;

use reeve_types::{ActionName, JobId, MemberId, WebhookId, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At, JobErrorView, JobStatus, Metadata, schema};

/// Kinds of events that an endpoint may ask for by name.
pub const WEBHOOK_EVENTS: [&str; 13] = [
    "job.started",
    JOB_PROGRESS,
    "job.succeeded",
    "job.failed",
    "job.cancelled",
    "job.expired",
    "credits.low",
    "credits.exhausted",
    "credits.expiring",
    "credits.trim_ahead",
    "credits.granted",
    "subscription.changed",
    "subscription.renewing",
];

/// The kind that only those hear who ask for it by name: it is frequent, and may be lost.
pub const JOB_PROGRESS: &str = "job.progress";

/// The kind that `POST /v1/webhooks/{id}/test` sends.
pub const WEBHOOK_TEST: &str = "webhook.test";

/// `POST /v1/webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookCreate {
    /// Where deliveries go: https, unless the server is told to allow http.
    pub url: String,
    /// Kinds of events, such as `job.succeeded`; without it all of them but `job.progress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// Events of this workspace only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// The endpoint.
    #[schema(value_type = schema::WebhookId)]
    pub id: WebhookId,
    /// Where deliveries go.
    pub url: String,
    /// Empty for all but `job.progress`.
    pub events: Vec<String>,
    /// Events of this workspace only; `null` hears of all.
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub workspace: Option<WorkspaceId>,
    /// When it was made.
    pub created_at: At,
    /// Until when the secret before the present one signs too.
    pub old_secret_until: Option<At>,
    /// The first failed try since the last one that succeeded.
    pub failing_since: Option<At>,
    /// Since when it hears nothing; `POST /v1/webhooks/{id}/enable` ends that.
    pub disabled_at: Option<At>,
    /// Why, for people.
    pub disabled_reason: Option<String>,
}

/// A new endpoint with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookCreated {
    /// The endpoint.
    pub webhook: WebhookView,
    /// Verifies signatures: `whsec_` and 32 bytes in base64.
    pub secret: String,
}

impl fmt::Debug for WebhookCreated {
    /// Without the secret: debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookCreated").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// `POST /v1/webhooks/{id}/rotate` and `POST /v1/workspaces/{ws}/job_webhooks/rotate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRotate {
    /// How long the old secret signs beside the new one; a day when it is not said, 0 for not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_seconds: Option<u64>,
}

/// `POST /v1/webhooks/{id}/redeliver`: one delivery, or those of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRedeliver {
    /// The `webhook-id` of one delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// All events at or after this instant that the endpoint may hear, those that it missed while it was disabled too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<At>,
    /// With `since`: only deliveries that were given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_only: Option<bool>,
    /// With `since`: `next_cursor` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What was asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookRedelivered {
    /// Deliveries that are due now.
    pub deliveries: u64,
    /// There may be more: ask again with this as `cursor`.
    pub next_cursor: Option<String>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is tried, or tried again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Failed,
}

/// One event for one endpoint, and its last try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// The `webhook-id`, the same in every try.
    pub id: String,
    /// The kind of event, such as `job.succeeded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub timestamp: At,
    /// Where to.
    pub url: String,
    /// What became of it.
    pub status: DeliveryStatus,
    /// Tries since it was made, or asked for again.
    pub attempts: u32,
    /// When it is tried next; `null` unless pending.
    pub next_attempt_at: Option<At>,
    /// When it was tried last.
    pub last_attempt_at: Option<At>,
    /// How long that took, in milliseconds.
    pub last_took_ms: Option<u32>,
    /// The HTTP status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// Why that failed, for people.
    pub last_error: Option<String>,
    /// The beginning of the last answer.
    pub last_response: Option<String>,
}

/// `GET /v1/webhooks/{id}/deliveries`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Only deliveries that stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub status: Option<DeliveryStatus>,
    /// Of events at or after this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<At>,
    /// Most entries wanted; the server has its own bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What is delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WebhookPayload<T> {
    /// The kind of event, such as `job.succeeded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub timestamp: At,
    /// What happened.
    pub data: T,
}

/// `data` of the `job.` events. Never parameters or outputs: those are read with a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobEventData {
    /// Whose it is.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// Its attempt; 0 before the first lease.
    pub attempt: u32,
    /// Where it stood then.
    pub status: JobStatus,
    /// Left out, as what follows, when the job is not stored any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ActionName>)]
    pub action: Option<ActionName>,
    /// On whose behalf.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::MemberId>)]
    pub member: Option<MemberId>,
    /// What the platform noted on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// What it cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<JobEventCredits>,
    /// Of a job that did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobErrorView>,
    /// Of `job.progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<JobEventProgress>,
}

/// What a job cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobEventCredits {
    /// The price.
    pub quoted: Amount,
    /// `null` until the job is final.
    pub settled: Option<Amount>,
    /// `null` until the job is final.
    pub released: Option<Amount>,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobEventProgress {
    /// 0 to 1.
    pub fraction: Option<f64>,
    /// The worker's word for what it does.
    pub stage: Option<String>,
    /// The worker's words for people.
    pub message: Option<String>,
}
