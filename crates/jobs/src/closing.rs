//! How a job ends, and what each of its outputs became.

use std::sync::Arc;

use reeve_types::Millis;

use crate::lease::Place;

/// Where a job stands, as stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a worker. Entered at admission and when an attempt is lost; left by lease, cancel, deadline.
    Queued,
    /// A worker holds a lease. Left by complete, fail, lapse, cancel, deadline.
    Running,
    /// A cancel was accepted while running; ends as cancelled whatever arrives (X21).
    Cancelling,
    /// At least one output landed and was settled.
    Succeeded,
    /// No output landed; nothing was charged.
    Failed,
    /// Cancelled before the close; nothing was charged.
    Cancelled,
    /// Waited in the queue past its deadline; nothing was charged.
    Expired,
}

impl Status {
    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The status of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        use Status::{Cancelled, Cancelling, Expired, Failed, Queued, Running, Succeeded};
        [Queued, Running, Cancelling, Succeeded, Failed, Cancelled, Expired]
            .into_iter()
            .find(|status| status.as_str() == word)
    }

    /// J2: a final status never changes.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired)
    }
}

/// Stable codes of `error.code` on a job.
pub mod codes {
    /// Every output was refused by a content filter.
    pub const CONTENT_FILTERED: &str = "content_filtered";
    /// The worker reported a failure that may not be retried, or reported nothing that landed.
    pub const WORKER_FAILED: &str = "worker_failed";
    /// The last allowed attempt was lost or failed.
    pub const ATTEMPTS_EXHAUSTED: &str = "attempts_exhausted";
    /// The job took several workers down with it.
    pub const POISON: &str = "poison";
    /// It ran longer than its run timeout.
    pub const RUN_TIMEOUT: &str = "run_timeout";
    /// It waited longer than its queue timeout.
    pub const QUEUE_TIMEOUT: &str = "queue_timeout";
    /// The provider's answer never came (X11).
    pub const FATE_UNKNOWN: &str = "fate_unknown";
    /// Someone cancelled it.
    pub const CANCELLED: &str = "cancelled";
}

/// Why a job did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JobError {
    /// A stable word, one of [`codes`] or the worker's.
    pub code: Arc<str>,
    /// For people; may change.
    pub message: Arc<str>,
}

/// What became of one output.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum OutputState {
    /// Durable bytes, charged as the terms say.
    Landed {
        /// Where the bytes are.
        place: Place,
        /// Delivered units, such as seconds; absent = as quoted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        units: Option<f64>,
        /// Stages that landed or not; empty = all share the outcome.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
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

/// One output of a closed job.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Output {
    /// Which output, from 0.
    pub index: u32,
    /// What became of it.
    #[serde(flatten)]
    pub state: OutputState,
}

impl Output {
    /// True when the customer gets it, and pays for it.
    pub const fn has_landed(&self) -> bool {
        matches!(self.state, OutputState::Landed { .. })
    }
}

/// The end of a job: recorded once, never changed (J2).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Closing {
    /// The final status.
    pub status: Status,
    /// When it ended.
    pub at: Millis,
    /// The attempt whose report closed it; `None` when no worker did.
    pub by_attempt: Option<u32>,
    /// Why it did not succeed; `None` of a job that did.
    pub error: Option<JobError>,
    /// In order of index; empty unless a worker's report closed it.
    pub outputs: Vec<Output>,
}

impl Closing {
    /// An end without outputs.
    pub fn without_outputs(
        status: Status,
        at: Millis,
        by_attempt: Option<u32>,
        code: &str,
        message: &str,
    ) -> Self {
        let error = JobError { code: code.into(), message: message.into() };
        Self { status, at, by_attempt, error: Some(error), outputs: Vec::new() }
    }

    /// The end that a list of outputs means: one landed output is enough to succeed.
    pub fn from_outputs(outputs: Vec<Output>, at: Millis, attempt: u32) -> Self {
        let filtered = outputs.iter().filter(|o| matches!(o.state, OutputState::Filtered { .. })).count();
        let (status, error) = if outputs.iter().any(Output::has_landed) {
            (Status::Succeeded, None)
        } else if filtered > 0 && filtered == outputs.len() {
            let message = "every output was refused by the content filter";
            (Status::Failed, Some(JobError { code: codes::CONTENT_FILTERED.into(), message: message.into() }))
        } else {
            let message = first_reason(&outputs).unwrap_or_else(|| "no output landed".into());
            (Status::Failed, Some(JobError { code: codes::WORKER_FAILED.into(), message }))
        };
        Self { status, at, by_attempt: Some(attempt), error, outputs }
    }
}

fn first_reason(outputs: &[Output]) -> Option<Arc<str>> {
    outputs.iter().find_map(|output| match &output.state {
        OutputState::Failed { reason } => reason.clone(),
        _ => None,
    })
}
