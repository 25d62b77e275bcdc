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
    pub at: Millis,
    pub event: Event,
}

/// What one landed output costs, and who pays.
#[derive(Clone, Debug, PartialEq)]
pub struct Settle {
    pub output: u32,
    pub credits: Credits,
    pub parts: Vec<Part>,
}

/// Facts. Applying one can only fail by a bug of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The workspace exists. First event of its life.
    Created(Box<Profile>),
    /// A lot appeared; it pays the workspace's debt at once (X13). `job` names the job that it makes good for.
    Granted { lot: Box<Lot>, reason: Option<Arc<str>>, job: Option<JobId> },
    /// A purchase is now so: recorded, confirmed, failed or reversed.
    Purchased(Box<PurchaseRow>),
    /// The profile is now so. `told` of a change of the subscription.
    Reprofiled { profile: Box<Profile>, told: bool },
    /// A lot ends sooner than it was to.
    Curtailed { lot: LotId, expires_at: Millis },
    /// A won dispute gave a lot back what a clawback had taken.
    Restored { lot: LotId, amount: Credits, reason: Option<Arc<str>> },
    /// A clawback found less than it had to take: the rest is debt now (X13).
    Owed { lot: LotId, amount: Credits, reason: Option<Arc<str>> },
    /// Debt that a won dispute forgives.
    Forgiven { lot: LotId, amount: Credits, reason: Option<Arc<str>> },
    /// A member's limit or count is now so.
    Counted { member: MemberId, counts: Box<Member> },
    /// The small counts are now so.
    Tallied(Box<Tallies>),
    /// Something worth a notice, once (KF-04).
    Noticed(Notice),
    /// A job was admitted with its hold.
    Admitted { live: Box<LiveJob>, intro: Arc<JobIntro> },
    /// A worker got it.
    Leased { job: JobId, lease: Box<Lease> },
    /// Bytes of an output are durable.
    Uploaded { job: JobId, attempt: u32, upload: Upload },
    /// An attempt was lost; the job took its old place in the queue.
    Requeued { job: JobId, attempt: u32, requeue: Requeue },
    /// A cancel was accepted while it runs.
    CancelRequested { job: JobId },
    /// The provider's answer is awaited until then.
    FateUnknown { job: JobId, until: Millis },
    /// The job ended, and its hold with it.
    Closed { job: JobId, closing: Box<Closing>, settles: Vec<Settle>, released: Vec<Part> },
    /// Credits left a lot without being spent.
    Retired { lot: LotId, amount: Credits, how: Retired, reason: Option<Arc<str>> },
    /// An operator took credits.
    Taken { parts: Vec<Part>, reason: Arc<str>, job: Option<JobId> },
}

/// What a notice says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Available fell below a threshold.
    Low {
        threshold: Credits,
        available: Credits,
    },
    Exhausted,
    /// A lot's rest ends soon.
    Expiring {
        lot: LotId,
        amount: Credits,
        at: Millis,
    },
    /// A boundary is about to forfeit credits.
    TrimAhead {
        amount: Credits,
        at: Millis,
    },
    /// A paid term is about to renew.
    Renewal {
        at: Millis,
    },
}
