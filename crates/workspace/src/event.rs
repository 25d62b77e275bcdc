//! What happened: facts with all they need to be applied, recorded and told.

use std::sync::Arc;

use reeve_credits::hold::Part;
use reeve_credits::lot::{Lot, Retired};
use reeve_jobs::{Closing, Lease, Requeue, Upload};
use reeve_types::{Credits, JobId, LotId, MemberId, Millis};

use crate::member::{Member, Tallies};
use crate::profile::Profile;
use crate::purchase::PurchaseRow;
use crate::record::JobIntro;
use crate::state::LiveJob;

/// An event and its instant: a calendar event carries its own boundary, not the moment it was folded.
#[derive(Clone, Debug, PartialEq)]
pub struct Dated {
    /// When it happened.
    pub at: Millis,
    /// What happened.
    pub event: Event,
}

/// What one landed output costs, and who pays.
#[derive(Clone, Debug, PartialEq)]
pub struct Settle {
    /// Which output, from 0.
    pub output: u32,
    /// What it costs.
    pub credits: Credits,
    /// The lots that pay; their sum is `credits`.
    pub parts: Vec<Part>,
}

/// Facts. Applying one can only fail by a bug of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The workspace exists. First event of its life.
    Created(Box<Profile>),
    /// A lot appeared; it pays the workspace's debt at once (X13). `job` names the job that it makes good for.
    Granted {
        /// The lot as it is made.
        lot: Box<Lot>,
        /// For the ledger.
        reason: Option<Arc<str>>,
        /// The job that it makes good for.
        job: Option<JobId>,
    },
    /// A purchase is now so: recorded, confirmed, failed or reversed.
    Purchased(Box<PurchaseRow>),
    /// The profile is now so. `told` of a change of the subscription.
    Reprofiled {
        /// The whole profile.
        profile: Box<Profile>,
        /// Whether those who listen hear of it.
        told: bool,
    },
    /// A lot ends sooner than it was to.
    Curtailed {
        /// The lot.
        lot: LotId,
        /// When it ends now.
        expires_at: Millis,
    },
    /// A won dispute gave a lot back what a clawback had taken.
    Restored {
        /// The lot.
        lot: LotId,
        /// What it gets back.
        amount: Credits,
        /// For the ledger.
        reason: Option<Arc<str>>,
    },
    /// A clawback found less than it had to take: the rest is debt now (X13).
    Owed {
        /// The lot that could not cover it.
        lot: LotId,
        /// What becomes debt.
        amount: Credits,
        /// For the ledger.
        reason: Option<Arc<str>>,
    },
    /// Debt that a won dispute forgives.
    Forgiven {
        /// The lot that the debt came from.
        lot: LotId,
        /// What is forgiven.
        amount: Credits,
        /// For the ledger.
        reason: Option<Arc<str>>,
    },
    /// A member's limit or count is now so.
    Counted {
        /// The member.
        member: MemberId,
        /// Limit and counts, whole.
        counts: Box<Member>,
    },
    /// The small counts are now so.
    Tallied(Box<Tallies>),
    /// Something worth a notice, once (KF-04).
    Noticed(Notice),
    /// A job was admitted with its hold.
    Admitted {
        /// The job with its hold.
        live: Box<LiveJob>,
        /// What never changes of it.
        intro: Arc<JobIntro>,
    },
    /// A worker got it.
    Leased {
        /// The job.
        job: JobId,
        /// The lease, whole.
        lease: Box<Lease>,
    },
    /// Bytes of an output are durable.
    Uploaded {
        /// The job.
        job: JobId,
        /// The attempt that uploaded.
        attempt: u32,
        /// What was stored.
        upload: Upload,
    },
    /// An attempt was lost; the job took its old place in the queue.
    Requeued {
        /// The job.
        job: JobId,
        /// The attempt that was lost.
        attempt: u32,
        /// Why, and when it may run again.
        requeue: Requeue,
    },
    /// A cancel was accepted while it runs.
    CancelRequested {
        /// The job.
        job: JobId,
    },
    /// The provider's answer is awaited until then.
    FateUnknown {
        /// The job.
        job: JobId,
        /// When waiting ends.
        until: Millis,
    },
    /// The job ended, and its hold with it.
    Closed {
        /// The job.
        job: JobId,
        /// How it ended.
        closing: Box<Closing>,
        /// What each landed output costs.
        settles: Vec<Settle>,
        /// What goes back, in the order of the release.
        released: Vec<Part>,
    },
    /// Credits left a lot without being spent.
    Retired {
        /// The lot.
        lot: LotId,
        /// What left it.
        amount: Credits,
        /// Why.
        how: Retired,
        /// For the ledger.
        reason: Option<Arc<str>>,
    },
    /// An operator took credits.
    Taken {
        /// The lots that they were taken from.
        parts: Vec<Part>,
        /// For the ledger.
        reason: Arc<str>,
        /// The job that it is about, if it is about one.
        job: Option<JobId>,
    },
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Available fell below a threshold.
    Low {
        /// The threshold, in credits.
        threshold: Credits,
        /// What is left.
        available: Credits,
    },
    /// Nothing is available any more.
    Exhausted,
    /// A lot's rest ends soon.
    Expiring {
        /// The lot.
        lot: LotId,
        /// What would be lost.
        amount: Credits,
        /// When.
        at: Millis,
    },
    /// A boundary is about to forfeit credits.
    TrimAhead {
        /// What would be lost.
        amount: Credits,
        /// When.
        at: Millis,
    },
    /// A paid term is about to renew.
    Renewal {
        /// When.
        at: Millis,
    },
}
