//! What happened: facts with all they need to be applied, recorded and told.

use std::sync::Arc;

use reeve_credits::hold::Part;
use reeve_credits::lot::{Lot, Retired};
use reeve_jobs::{Closing, Lease, Requeue, Upload};
use reeve_types::{Credits, JobId, LotId, Millis};

use crate::record::{JobIntro, PurchaseRow};
use crate::state::{LiveJob, Profile};

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
    /// A lot appeared; `debt_paid` of it went to the workspace's debt at once (X13). `job` names the job
    /// that it makes good for.
    Granted { lot: Box<Lot>, reason: Option<Arc<str>>, debt_paid: Credits, job: Option<JobId> },
    /// A purchase was recorded.
    Purchased(Box<PurchaseRow>),
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
