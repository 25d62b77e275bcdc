//! What may be asked of a workspace.

use std::sync::Arc;

use reeve_credits::catalog::{AddonName, Interval, ScopeName};
use reeve_jobs::{FailReport, LapseCause, Reported, Upload};
use reeve_types::{
    ActionName, CatalogName, Credits, JobId, KeyId, LeaseId, MemberId, Millis, PlanName, PurchaseId,
    SourceName, WorkerName,
};

use crate::billing::BillingEvent;
use crate::member::MemberLimit;
use crate::profile::Owner;

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
    CancelMany(CancelMany),
    Purchase(Box<Purchase>),
    /// A pending purchase's payment arrived.
    ConfirmPurchase {
        purchase: PurchaseId,
    },
    /// A pending purchase's payment failed.
    FailPurchase {
        purchase: PurchaseId,
    },
    RefundPurchase(RefundPurchase),
    /// The bank decided for the platform: what the chargeback took comes back, once.
    WinDispute {
        purchase: PurchaseId,
    },
    Refer(Refer),
    Adjust(Adjust),
    Subscribe(Subscribe),
    /// Cancels at the end of the term.
    CancelSubscription,
    /// Takes a scheduled change or cancel back.
    ResumeSubscription,
    RefundSubscription(RefundSubscription),
    Renew(Renew),
    /// Something that a payment provider told of its own records.
    Billing(Box<BillingEvent>),
    StartTrial,
    SetAddon(SetAddon),
    CancelAddon {
        addon: AddonName,
    },
    LimitMember(LimitMember),
    Reconfigure(Box<Reconfigure>),
    MoveCatalog(MoveCatalog),
    Import(Box<Import>),
    /// The end of a workspace: no job, purchase or grant begins in it any more; never taken back.
    Close,
    /// Takes away what a closed workspace says of people. What stands in rows of their own is the caller's to take.
    Erase,
    /// The caller's part of it is done.
    FinishErase,
    /// Nothing but the passing of time: folds what is due.
    Wake,
}

impl Command {
    /// Whether a refusal of it is remembered with its idempotency key. A payment provider sends the same event again
    /// until it is taken, and what stood in its way may be gone by then.
    pub const fn keeps_refusals(&self) -> bool {
        !matches!(self, Self::Billing(_))
    }
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
    /// The job that did not succeed and is asked for again.
    pub retry_of: Option<JobId>,
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

/// Stops many jobs of the workspace in its own order, so many in one change: who sends it goes on until the answer
/// says that none is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelMany {
    pub queued: bool,
    pub running: bool,
    /// Only jobs of this action.
    pub action: Option<ActionName>,
    /// Only the first so many admissions, so that it ends while others submit; `None` = all until now.
    pub admitted_max: Option<u64>,
    pub count_max: usize,
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
    /// Not paid yet: recorded and counted to the cap, without credits (KV-08, KV-09).
    pub pending: bool,
}

/// Gives a purchase back, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPurchase {
    pub purchase: PurchaseId,
    pub kind: RefundKind,
    pub reason: Option<Arc<str>>,
    /// Purchased credits to give back; all that is left when `None`. Not for `Requested`.
    pub credits: Option<Credits>,
}

/// Who wants it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundKind {
    /// The buyer: within the catalog's window, unused (KF-08).
    Requested,
    /// The buyer's bank: nobody is asked (X13).
    Chargeback,
    /// The operator, with a reason.
    Admin,
}

/// Another subscription: up, down, or the present one to take a scheduled change back (X22).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subscribe {
    pub plan: PlanName,
    /// `None` = as now on the same plan, else the plan's smallest.
    pub allotment: Option<Credits>,
    /// `None` = as now where the plan is sold for it.
    pub interval: Option<Interval>,
    /// `None` = as now.
    pub seats: Option<u32>,
}

/// Gives a subscription's payment back and ends it (KF-08, KF-10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundSubscription {
    pub payment: Arc<str>,
    pub reason: Arc<str>,
}

/// What became of a term's payment (KV-26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renew {
    pub payment: Arc<str>,
    pub paid: bool,
}

/// So many units of an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAddon {
    pub addon: AddonName,
    pub units: u32,
}

/// A member's ceiling; `None` lifts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitMember {
    pub member: MemberId,
    pub limit: Option<MemberLimit>,
    /// What the member settled in the present window, and the sequence number that was true at.
    pub settled: Credits,
    pub as_of_seq: u64,
}

/// Settings of the workspace; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconfigure {
    pub name: Option<Option<Arc<str>>>,
    /// From the next local date that is not granted yet.
    pub timezone: Option<chrono_tz::Tz>,
    pub catalog_version: Option<u32>,
    /// The operator's running cap; `Some(None)` goes back to the plan's.
    pub concurrency_max: Option<Option<u32>>,
    /// Only on a plan whose allotment is agreed with each workspace (KV-28).
    pub allotment: Option<Credits>,
    pub metadata: Option<Option<Arc<str>>>,
    /// While paused, no job of it starts; what runs goes on, and new jobs are admitted.
    pub paused: Option<bool>,
}

/// Moves the workspace to another version, or to another catalog that has its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveCatalog {
    pub name: CatalogName,
    pub version: u32,
}

/// Opens a workspace with the balance that another system kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    pub create: Create,
    /// `None` = now. May lie in the past: the cycle is the one that `now` falls in.
    pub anchor_at: Option<Millis>,
    pub lots: Vec<ImportedLot>,
}

/// A lot as the other system had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLot {
    pub source: SourceName,
    pub amount: Credits,
    pub effective_at: Option<Millis>,
    pub expires_at: Option<Millis>,
    pub payment: Option<Arc<str>>,
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
    /// What the given credits may pay for; all when `None`. Only with a positive amount.
    pub scope: Option<ScopeName>,
}

/// The settled job that an adjustment refers to, read by the caller because closed jobs leave memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustedJob {
    pub job: JobId,
    pub settled: Credits,
    /// Sum of the adjustments that already name this job.
    pub adjusted: Credits,
}
