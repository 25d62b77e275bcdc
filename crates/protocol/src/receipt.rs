//! What a job cost, from which lots, and what was done for it.

use reeve_types::{JobId, LeaseId, LotId, SourceName, WorkerName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, JobStatus, LedgerRow, OutputView, QuoteLine, schema};

/// The frozen price of a job (X6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptQuote {
    /// The whole price.
    pub credits: Amount,
    /// How it came about.
    pub lines: Vec<QuoteLine>,
    /// The version of the catalog that priced it.
    pub catalog_version: u32,
}

/// What a job did to one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptLot {
    /// The lot.
    #[schema(value_type = schema::LotId)]
    pub lot: LotId,
    /// The source of that lot.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// Credits that were pinned on it.
    pub held: Amount,
    /// Of those, spent.
    pub settled: Amount,
    /// Of those, given back.
    pub released: Amount,
    /// Of those given back, lost at once: a boundary had passed meanwhile (X5).
    pub forfeited: Amount,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It is under way.
    Running,
    /// Its report closed the job.
    Completed,
    /// The worker gave it up.
    Failed,
    /// The worker was not heard of in time.
    Lapsed,
    /// Given back without costing an attempt.
    Returned,
    /// It was stopped because nobody wanted the job any more.
    Cancelled,
    /// It did not end the job; how it ended is not kept.
    Lost,
}

/// One try of a job by one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Its lease.
    #[schema(value_type = schema::LeaseId)]
    pub lease: LeaseId,
    /// `null` once the attempt is over: a job keeps only its present worker.
    #[schema(value_type = Option<schema::WorkerName>)]
    pub worker: Option<WorkerName>,
    /// When the lease was given.
    pub started_at: Option<At>,
    /// When it was over.
    pub ended_at: Option<At>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The worker's words, or the server's.
    pub reason: Option<String>,
}

/// `GET /v1/jobs/{id}/receipt`, computed from the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// The job.
    #[schema(value_type = schema::JobId)]
    pub job: JobId,
    /// Whose it is.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    /// Where it stands.
    pub status: JobStatus,
    /// Its price.
    pub quote: ReceiptQuote,
    /// What it did to each lot.
    pub lots: Vec<ReceiptLot>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptView>,
    /// Its outputs, with what each was charged.
    pub outputs: Vec<OutputView>,
    /// Every row of the ledger that names it.
    pub ledger: Vec<LedgerRow>,
}
