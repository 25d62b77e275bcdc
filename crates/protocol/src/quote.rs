//! What a job would cost and how long it would wait.

use reeve_types::{ActionName, PoolName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, Params, Quantity, schema};

/// `POST /v1/workspaces/{ws}/quotes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Params,
}

/// One line of a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteLine {
    pub label: String,
    pub quantity: Quantity,
    pub unit_price: Amount,
    pub credits: Amount,
}

/// Why a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// Others come first.
    Turn,
    /// The workspace runs as many jobs as it may.
    WorkspaceLimit,
    Paused,
    /// No live worker serves its pool.
    Worker,
    RetryBackoff,
    NotBefore,
}

/// Where a job of this action would stand if it were submitted now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteQueue {
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    pub position: Option<u64>,
    /// Seconds until it would start, as likely later as sooner.
    pub eta_seconds: Option<u64>,
    /// Seconds within which nine of ten such jobs start.
    #[serde(default)]
    pub eta_p90_seconds: Option<u64>,
    pub waiting_for: Option<WaitReason>,
}

/// The answer, also when the workspace cannot afford it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteView {
    pub credits: Amount,
    pub lines: Vec<QuoteLine>,
    pub affordable: bool,
    /// Zero when affordable.
    pub missing: Amount,
    pub catalog_version: u32,
    pub queue: QuoteQueue,
}
