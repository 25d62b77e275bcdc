//! What may be asked of a workspace.

use std::sync::Arc;

use reeve_credits::catalog::Interval;
use reeve_jobs::{FailReport, LapseCause, Reported, Upload};
use reeve_types::{
    ActionName, CatalogName, Credits, JobId, KeyId, LeaseId, MemberId, Millis, PlanName, PurchaseId,
    WorkerName,
};

use crate::state::Owner;

/// Who asks, for the ledger's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The API key, not its secret.
    pub actor: Option<KeyId>,
    pub request: Option<Arc<str>>,
}

/// Everything that can happen to a workspace from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Create(Box<Create>),
    Submit(Box<Submit>),
    Lease(LeaseJob),
    Upload(UploadOutput),
    Complete(Complete),
    Fail(Fail),
    Lapse(Lapse),
    Cancel(Cancel),
    Purchase(Box<Purchase>),
    Refer(Refer),
    Adjust(Adjust),
    /// Nothing but the passing of time: folds what is due.
    Wake,
}

/// Opens the workspace on a plan and grants what the catalog says.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    pub name: Option<Arc<str>>,
    pub catalog: CatalogName,
    /// `None` = the catalog's first plan.
    pub plan: Option<PlanName>,
    pub allotment: Option<Credits>,
    pub interval: Interval,
    pub seats: u32,
    pub timezone: chrono_tz::Tz,
    pub owner: Option<Owner>,
    pub metadata: Option<Arc<str>>,
}

/// Asks for a job: priced, held and queued in one change, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Submit {
    pub job: JobId,
    pub action: ActionName,
    /// As sent; priced parameters are checked by the catalog, the rest goes to the worker.
    pub params: Arc<serde_json::Map<String, serde_json::Value>>,
    pub member: Option<MemberId>,
    pub priority: i32,
    pub not_before: Option<Millis>,
    pub queue_timeout_ms: Option<u64>,
    pub run_timeout_ms: Option<u64>,
    /// Refuse with the price when it is higher.
    pub credits_max: Option<Credits>,
    /// JSON text, kept as sent.
    pub metadata: Option<Arc<str>>,
    /// Where to tell of this job.
    pub webhook: Option<Arc<str>>,
}

/// Gives a queued job to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseJob {
    pub job: JobId,
    pub worker: WorkerName,
    pub session: Arc<str>,
}

/// Records durable bytes of one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOutput {
    pub lease: LeaseId,
    pub upload: Upload,
}

/// Closes a job with what landed.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete {
    pub lease: LeaseId,
    pub outputs: Vec<Reported>,
}

/// A worker gives an attempt up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    pub lease: LeaseId,
    pub report: FailReport,
}

/// The lease ticker's proposal: nothing was heard of this lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    pub lease: LeaseId,
    pub cause: LapseCause,
}

/// Stops a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    pub job: JobId,
}

/// Credits bought with a payment that the platform confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    pub id: PurchaseId,
    /// A pack of the catalog, or a number of credits.
    pub pack: Option<Arc<str>>,
    pub credits: Option<Credits>,
    /// The platform's reference of the payment: used once in the whole store.
    pub payment: Arc<str>,
}

/// A friend signed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refer {
    pub friend: Arc<str>,
}

/// A correction by an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjust {
    /// Positive gives, negative takes; never zero.
    pub amount: Credits,
    pub reason: Arc<str>,
    pub expires_at: Option<Millis>,
    /// The job it makes good for: the sum per job is at most what the job settled.
    pub job: Option<AdjustedJob>,
}

/// The settled job that an adjustment refers to, read by the caller because closed jobs leave memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustedJob {
    pub job: JobId,
    pub settled: Credits,
    /// Sum of the adjustments that already name this job.
    pub adjusted: Credits,
}
