//! What a job cost, from which lots, and what was done for it.

use reeve_types::{JobId, LeaseId, LotId, SourceName, WorkerName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, JobStatus, LedgerRow, OutputView, QuoteLine, schema};

/// The frozen price of a job (X6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptQuote {
    pub credits: Amount,
    pub lines: Vec<QuoteLine>,
    pub catalog_version: u32,
}

/// What a job did to one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptLot {
    #[schema(value_type = schema::LotId)]
    pub lot: LotId,
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    pub held: Amount,
    pub settled: Amount,
    pub released: Amount,
    pub forfeited: Amount,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    Running,
    Completed,
    Failed,
    /// The worker was not heard of in time.
    Lapsed,
    /// Given back without costing an attempt.
    Returned,
    Cancelled,
    /// It did not end the job; how it ended is not kept.
    Lost,
}

/// One try of a job by one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    pub attempt: u32,
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// `null` once the attempt is over: a job keeps only its present worker.
    #[schema(value_type = Option<schema::WorkerName>)]
    pub worker: Option<WorkerName>,
    pub started_at: Option<At>,
    pub ended_at: Option<At>,
    pub outcome: AttemptOutcome,
    pub reason: Option<String>,
}

/// `GET /v1/jobs/{id}/receipt`, computed from the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    pub status: JobStatus,
    pub quote: ReceiptQuote,
    pub lots: Vec<ReceiptLot>,
    pub attempts: Vec<AttemptView>,
    pub outputs: Vec<OutputView>,
    pub ledger: Vec<LedgerRow>,
}
