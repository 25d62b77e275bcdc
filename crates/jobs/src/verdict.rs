//! What a message about a lease means for its job, and why a message is refused.

use std::sync::Arc;

use reeve_types::{LeaseId, Millis};

use crate::closing::Closing;
use crate::lease::{Digest, Upload};

/// What happens to the job now.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Back to its place in the queue.
    Requeue(Requeue),
    /// Closed for good.
    Close(Closing),
    /// Runs on, marked: the worker learns of the cancel with its next sign of life.
    Cancelling,
    /// Runs on without an answer from the provider until the deadline (X11).
    Unknown {
        /// When waiting ends and the job fails (X11).
        until: Millis,
    },
}

/// A lost attempt that may be tried again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Requeue {
    /// Attempts lost so far, this one included when it counts.
    pub attempts_lost: u16,
    /// Workers that vanished with it so far.
    pub lapses: u16,
    /// When the next attempt may start; `None` = at once.
    pub not_before: Option<Millis>,
}

/// Why a lease ended without a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LapseCause {
    /// No sign of life for a lease period: the worker is taken for dead.
    Silent,
    /// Never heard of since it was granted: the reply was lost, the attempt does not count.
    Unacknowledged,
    /// The worker's session no longer lists it.
    Dropped,
    /// It ran past its run deadline.
    RunTimeout,
    /// The provider's answer never came within the unknown deadline.
    FateUnknown,
}

/// What a worker says of a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailReport {
    /// For people, and in the job's error.
    pub reason: Arc<str>,
    /// Whether another attempt may do better.
    pub retryable: bool,
    /// The worker cannot know whether the work was done (X11).
    pub fate_unknown: bool,
}

/// One output's outcome in a completion report.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportedOutcome {
    /// Durable, here or elsewhere.
    Landed {
        /// Given when the bytes are already durable in another store.
        elsewhere: Option<(Arc<str>, Digest, u64)>,
        /// What was delivered, such as seconds; as quoted when `None`.
        units: Option<f64>,
        /// Stages that ended otherwise than the output: name, and whether it landed.
        stages: Vec<(Arc<str>, bool)>,
    },
    /// Withheld by a content filter.
    Filtered {
        /// The worker's words.
        reason: Option<Arc<str>>,
    },
    /// It was not made.
    Failed {
        /// The worker's words.
        reason: Option<Arc<str>>,
    },
}

/// A message that changes nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Another attempt holds the job now, or it is closed (J1).
    #[error("lease `{lease}` is not the live one; drop this attempt")]
    Stale {
        /// The lease of the message.
        lease: LeaseId,
    },
    /// An upload for an output that was not asked for.
    #[error("output {index} does not exist; the job has {outputs}")]
    NoSuchOutput {
        /// The output that was named.
        index: u32,
        /// How many there are.
        outputs: u32,
    },
    /// The report contradicts the job; nothing is settled.
    #[error("the report is refused: {0}")]
    Misreport(#[from] Misreport),
    /// The job is in a state that does not allow this.
    #[error("job is `{status}` and cannot be {wanted}")]
    WrongState {
        /// The state that it is in.
        status: &'static str,
        /// What was asked for, such as `leased`.
        wanted: &'static str,
    },
}

/// What is wrong with a completion report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misreport {
    /// Called landed without bytes that anybody vouches for.
    #[error("output {0} is called landed, but was neither uploaded with this lease nor given by url")]
    NotLanded(u32),
    /// One output, two outcomes.
    #[error("output {0} is reported twice")]
    Twice(u32),
    /// An output without an outcome.
    #[error("output {0} is not reported; name every output, with `failed` for what is missing")]
    Missing(u32),
    /// A quantity below zero, or none at all.
    #[error("output {0} gives units that are not a number of at least 0")]
    Units(u32),
}

/// The upload of an index, when there is one.
pub(crate) fn upload_of(uploads: &[Upload], index: u32) -> Option<&Upload> {
    uploads.iter().find(|upload| upload.index == index)
}
