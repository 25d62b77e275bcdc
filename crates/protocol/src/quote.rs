//! What a job would cost and how long it would wait.

use reeve_types::{ActionName, PoolName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, Params, Quantity, schema};

/// `POST /v1/workspaces/{ws}/quotes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// An action of the catalog.
    #[schema(value_type = schema::ActionName)]
    pub action: ActionName,
    /// Its parameters; those without a price may be left out.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Params,
}

/// One line of a price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteLine {
    /// For people: the action, the stage and the values that were chosen.
    pub label: String,
    /// Units, over all outputs.
    pub quantity: Quantity,
    /// Credits for one unit.
    pub unit_price: Amount,
    /// Credits for the whole line.
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
    /// Its workspace or its pool is paused.
    Paused,
    /// No live worker serves its pool.
    Worker,
    /// An attempt was lost, and the next one is not due.
    RetryBackoff,
    /// Its start was asked for later.
    NotBefore,
}

/// Where a job of this action would stand if it were submitted now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteQueue {
    /// The pool whose workers would run it.
    #[schema(value_type = schema::PoolName)]
    pub pool: PoolName,
    /// Jobs of its tier and pool expected to start before it; 0 is next.
    pub position: Option<u64>,
    /// Seconds until it would start, as likely later as sooner.
    pub eta_seconds: Option<u64>,
    /// Seconds within which nine of ten such jobs start.
    #[serde(default)]
    pub eta_p90_seconds: Option<u64>,
    /// Why it would not start at once; `null` when it would.
    pub waiting_for: Option<WaitReason>,
}

/// The answer, also when the workspace cannot afford it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuoteView {
    /// The whole price.
    pub credits: Amount,
    /// How it comes about.
    pub lines: Vec<QuoteLine>,
    /// Whether the workspace could pay it now.
    pub affordable: bool,
    /// Zero when affordable.
    pub missing: Amount,
    /// The version of the catalog that priced it.
    pub catalog_version: u32,
    /// Where it would stand.
    pub queue: QuoteQueue,
}
