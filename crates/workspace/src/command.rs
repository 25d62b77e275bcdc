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
    /// `X-Request-Id` of the request; `None` for what nobody asked for.
    pub request: Option<Arc<str>>,
}

/// Everything that can happen to a workspace from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Opens a workspace.
    Create(Box<Create>),
    /// Asks for a job.
    Submit(Box<Submit>),
    /// Gives a queued job to a worker.
    Lease(LeaseJob),
    /// Records durable bytes of an output.
    Upload(UploadOutput),
    /// Closes a job with what landed.
    Complete(Complete),
    /// A worker gives an attempt up.
    Fail(Fail),
    /// Nothing was heard of a lease in time.
    Lapse(Lapse),
    /// Stops a job.
    Cancel(Cancel),
    /// Stops all jobs that match.
    CancelMany(CancelMany),
    /// Credits are bought.
    Purchase(Box<Purchase>),
    /// A pending purchase's payment arrived.
    ConfirmPurchase {
        /// The purchase.
        purchase: PurchaseId,
    },
    /// A pending purchase's payment failed.
    FailPurchase {
        /// The purchase.
        purchase: PurchaseId,
    },
    /// Gives a purchase back.
    RefundPurchase(RefundPurchase),
    /// The bank decided for the platform: what the chargeback took comes back, once.
    WinDispute {
        /// The purchase that was charged back.
        purchase: PurchaseId,
    },
    /// A friend signed up.
    Refer(Refer),
    /// An operator gives or takes credits.
    Adjust(Adjust),
    /// Changes plan, allotment, term or seats.
    Subscribe(Subscribe),
    /// Cancels at the end of the term.
    CancelSubscription,
    /// Takes a scheduled change or cancel back.
    ResumeSubscription,
    /// Gives a subscription's payment back and ends it.
    RefundSubscription(RefundSubscription),
    /// What became of a term's payment.
    Renew(Renew),
    /// Something that a payment provider told of its own records.
    Billing(Box<BillingEvent>),
    /// Begins the catalog's trial (KV-24).
    StartTrial,
    /// Buys units of an add-on.
    SetAddon(SetAddon),
    /// Ends an add-on when the catalog says.
    CancelAddon {
        /// The add-on.
        addon: AddonName,
    },
    /// Sets or lifts a member's ceiling.
    LimitMember(LimitMember),
    /// Changes settings of the workspace.
    Reconfigure(Box<Reconfigure>),
    /// Moves to another version or catalog.
    MoveCatalog(MoveCatalog),
    /// Opens a workspace with the balance that another system kept.
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
    /// For people.
    pub name: Option<Arc<str>>,
    /// The catalog that it lives by.
    pub catalog: CatalogName,
    /// `None` = the catalog's first plan.
    pub plan: Option<PlanName>,
    /// Credits a month, for plans that let one choose; the smallest when `None`.
    pub allotment: Option<Credits>,
    /// How often it pays.
    pub interval: Interval,
    /// Seats, at least 1.
    pub seats: u32,
    /// The zone of its local dates.
    pub timezone: chrono_tz::Tz,
    /// The person behind it.
    pub owner: Option<Owner>,
    /// JSON text, kept as sent.
    pub metadata: Option<Arc<str>>,
}

/// Asks for a job: priced, held and queued in one change, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Submit {
    /// The id that the job will have; made by the caller.
    pub job: JobId,
    /// What is to be done.
    pub action: ActionName,
    /// As sent; priced parameters are checked by the catalog, the rest goes to the worker.
    pub params: Arc<serde_json::Map<String, serde_json::Value>>,
    /// On whose behalf.
    pub member: Option<MemberId>,
    /// Order among the workspace's own jobs, higher first.
    pub priority: i32,
    /// It is not started earlier.
    pub not_before: Option<Millis>,
    /// Longest wait, in milliseconds; else the catalog's, else the server's.
    pub queue_timeout_ms: Option<u64>,
    /// Longest run of one attempt, in milliseconds; else the catalog's, else the server's.
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
    /// The job.
    pub job: JobId,
    /// Who gets it.
    pub worker: WorkerName,
    /// The worker's process, to which leases belong.
    pub session: Arc<str>,
}

/// Records durable bytes of one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadOutput {
    /// The lease under which it was uploaded.
    pub lease: LeaseId,
    /// What was stored.
    pub upload: Upload,
}

/// Closes a job with what landed.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete {
    /// The lease of the attempt.
    pub lease: LeaseId,
    /// What became of every output, in any order.
    pub outputs: Vec<Reported>,
}

/// A worker gives an attempt up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    /// The lease of the attempt.
    pub lease: LeaseId,
    /// Why, and whether another attempt may do better.
    pub report: FailReport,
}

/// The lease ticker's proposal: nothing was heard of this lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    /// The lease that is due.
    pub lease: LeaseId,
    /// Silence, or a run that took too long.
    pub cause: LapseCause,
}

/// Stops a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The job.
    pub job: JobId,
}

/// Stops many jobs of the workspace in its own order, so many in one change: who sends it goes on until the answer
/// says that none is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelMany {
    /// Those that wait.
    pub queued: bool,
    /// Those that run.
    pub running: bool,
    /// Only jobs of this action.
    pub action: Option<ActionName>,
    /// Only the first so many admissions, so that it ends while others submit; `None` = all until now.
    pub admitted_max: Option<u64>,
    /// Most jobs in this one change.
    pub count_max: usize,
}

/// Credits bought with a payment that the platform confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The id that the purchase will have; made by the caller.
    pub id: PurchaseId,
    /// A pack of the catalog, or a number of credits.
    pub pack: Option<Arc<str>>,
    /// A number of credits; exactly one of this and `pack`.
    pub credits: Option<Credits>,
    /// The platform's reference of the payment: used once in the whole store.
    pub payment: Arc<str>,
    /// Not paid yet: recorded and counted to the cap, without credits (KV-08, KV-09).
    pub pending: bool,
}

/// Gives a purchase back, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPurchase {
    /// The purchase.
    pub purchase: PurchaseId,
    /// Who wants it back.
    pub kind: RefundKind,
    /// Needed where an operator does it.
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
    /// The plan that is wanted.
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
    /// The platform's reference of the payment that goes back.
    pub payment: Arc<str>,
    /// For the ledger.
    pub reason: Arc<str>,
}

/// What became of a term's payment (KV-26).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renew {
    /// The platform's reference of the payment.
    pub payment: Arc<str>,
    /// Whether it arrived.
    pub paid: bool,
}

/// So many units of an add-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAddon {
    /// The add-on.
    pub addon: AddonName,
    /// Units wanted in all; fewer than now end when the catalog says.
    pub units: u32,
}

/// A member's ceiling; `None` lifts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitMember {
    /// The member.
    pub member: MemberId,
    /// The ceiling.
    pub limit: Option<MemberLimit>,
    /// What the member settled in the present window, and the sequence number that was true at.
    pub settled: Credits,
    /// Sequence number of the ledger's last row when `settled` was read.
    pub as_of_seq: u64,
}

/// Settings of the workspace; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reconfigure {
    /// For people; `Some(None)` takes it away.
    pub name: Option<Option<Arc<str>>>,
    /// From the next local date that is not granted yet.
    pub timezone: Option<chrono_tz::Tz>,
    /// The version to move to, of the same catalog.
    pub catalog_version: Option<u32>,
    /// The operator's running cap; `Some(None)` goes back to the plan's.
    pub concurrency_max: Option<Option<u32>>,
    /// Only on a plan whose allotment is agreed with each workspace (KV-28).
    pub allotment: Option<Credits>,
    /// JSON text, kept as sent; `Some(None)` takes it away.
    pub metadata: Option<Option<Arc<str>>>,
    /// While paused, no job of it starts; what runs goes on, and new jobs are admitted.
    pub paused: Option<bool>,
}

/// Moves the workspace to another version, or to another catalog that has its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveCatalog {
    /// The catalog.
    pub name: CatalogName,
    /// Its version.
    pub version: u32,
}

/// Opens a workspace with the balance that another system kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// How it is opened; nothing is granted by the catalog.
    pub create: Create,
    /// `None` = now. May lie in the past: the cycle is the one that `now` falls in.
    pub anchor_at: Option<Millis>,
    /// What it has.
    pub lots: Vec<ImportedLot>,
}

/// A lot as the other system had it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedLot {
    /// The catalog's source that it counts as.
    pub source: SourceName,
    /// What is left of it; above zero.
    pub amount: Credits,
    /// First instant at which it is usable; `None` = now.
    pub effective_at: Option<Millis>,
    /// First instant at which it is not any more; `None` never expires.
    pub expires_at: Option<Millis>,
    /// The payment that bought it, if one did.
    pub payment: Option<Arc<str>>,
}

/// A friend signed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refer {
    /// The user who signed up, as the platform names them.
    pub friend: Arc<str>,
}

/// A correction by an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjust {
    /// Positive gives, negative takes; never zero.
    pub amount: Credits,
    /// For the ledger; never empty.
    pub reason: Arc<str>,
    /// When given credits end; `None` never.
    pub expires_at: Option<Millis>,
    /// The job it makes good for: the sum per job is at most what the job settled.
    pub job: Option<AdjustedJob>,
    /// What the given credits may pay for; all when `None`. Only with a positive amount.
    pub scope: Option<ScopeName>,
}

/// The settled job that an adjustment refers to, read by the caller because closed jobs leave memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdjustedJob {
    /// The job.
    pub job: JobId,
    /// What it settled.
    pub settled: Credits,
    /// Sum of the adjustments that already name this job.
    pub adjusted: Credits,
}
