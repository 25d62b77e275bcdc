//! The life of a job: queued, leased to a worker, closed once.
//!
//! Pure. `workspace` asks a job what a message means now ([`Job::on_complete`], [`Job::on_lapse`] ...)
//! and gets a [`Verdict`]; it then records the verdict together with the credits that belong to it.
//! Nothing here knows about credits.
//!
//! ```text
//!   queued --lease--> running --complete--> succeeded | failed
//!     |  ^               |  |
//!     |  +--lapse/fail---+  +--cancel--> cancelling --any end--> cancelled
//!     +--cancel--> cancelled     +--run deadline--> failed
//!     +--queue deadline--> expired
//! ```
#![deny(missing_docs)]

mod closing;
mod job;
mod lease;
mod lease_table;
mod limits;
mod verdict;

pub use closing::{Closing, JobError, Output, OutputState, Status, codes};
pub use job::{Job, Phase, Sequence, Spec};
pub use lease::{Digest, Lease, Place, Reported, Upload};
pub use lease_table::{Due, LeaseTable};
pub use limits::{LeaseSettings, RetrySettings};
pub use verdict::{FailReport, LapseCause, Misreport, Refused, ReportedOutcome, Requeue, Verdict};
