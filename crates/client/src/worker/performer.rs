//! What a kind of work provides, and what it is given.

use std::sync::Arc;

use bytes::Bytes;
use reeve_protocol::{LeaseView, Params, ProgressReport, Quantity, StageReport};
use tokio::sync::watch;

/// A kind of work: makes outputs, one call each.
///
/// Calls are blocking and run on threads for it, several jobs at once; the outputs of one job come one
/// after the other, so that the first is delivered while the next is made. A panic is a retryable failure.
pub trait Performer: Send + Sync + 'static {
    /// Makes output `index` of the job. It should look at `control.cancelled()` now and then and return
    /// [`PerformError::Stopped`] when it is true.
    ///
    /// # Errors
    /// When the attempt as a whole cannot go on; what concerns one output alone is an [`Outcome`].
    fn perform(&self, job: &Assignment, index: u32, control: &Control) -> Result<Outcome, PerformError>;
}

/// A leased job with its inputs.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The lease as the server sent it.
    pub lease: LeaseView,
    params: Params,
    inputs: Vec<(String, Input)>,
}

/// A fetched input.
#[derive(Clone, Debug)]
pub struct Input {
    /// The whole input.
    pub bytes: Bytes,
    /// Its media type, where the server said one.
    pub content_type: Option<String>,
}

impl Assignment {
    /// A job with inputs by the parameter that named them.
    ///
    /// # Errors
    /// When its parameters have a number that cannot be held.
    pub fn new(lease: LeaseView, inputs: Vec<(String, Input)>) -> Result<Self, serde_json::Error> {
        Ok(Self { params: lease.params.read()?, lease, inputs })
    }

    /// The action's parameters, as the customer wrote them.
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The input that a parameter names, if the job has one.
    pub fn input(&self, param: &str) -> Option<&Input> {
        self.inputs.iter().find(|(name, _)| name == param).map(|(_, input)| input)
    }
}

/// What became of one output.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Made: its bytes are uploaded and charged.
    Landed(Landed),
    /// Made, but not fit to be shown: not charged.
    Filtered {
        /// For people, and in the receipt.
        reason: String,
    },
    /// This output failed; the others go on.
    Failed {
        /// For people, and in the receipt.
        reason: String,
    },
}

/// A finished output.
#[derive(Clone, Debug)]
pub struct Landed {
    /// The output.
    pub bytes: Bytes,
    /// Its media type, such as `image/png`.
    pub content_type: String,
    /// What was delivered, for example seconds; `None` is as quoted.
    pub units: Option<Quantity>,
    /// Outcomes of stages with a price of their own; `None` when all landed.
    pub stages: Option<Vec<StageReport>>,
}

impl Landed {
    /// An output as quoted.
    pub fn new(bytes: impl Into<Bytes>, content_type: impl Into<String>) -> Self {
        Self { bytes: bytes.into(), content_type: content_type.into(), units: None, stages: None }
    }
}

/// Why an attempt cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PerformError {
    /// It failed, and another attempt may do better or not.
    #[error("{reason}")]
    Failed {
        /// For people, and in the job's error.
        reason: String,
        /// Whether another attempt may do better.
        retryable: bool,
    },
    /// It is not known whether something was produced elsewhere (X11).
    #[error("{reason}")]
    FateUnknown {
        /// For people, and in the job's error.
        reason: String,
    },
    /// It stopped because it was told to.
    #[error("stopped as told")]
    Stopped,
    /// Behaves as if the process had died: the lease is left without a word. For tests and demonstrations.
    #[error("crashed on purpose")]
    Crash,
}

/// Why work should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The customer no longer wants it.
    Cancelled,
    /// The lease is gone: whatever is made now is for nobody.
    Lost,
    /// The worker ends.
    ShuttingDown,
}

/// A performer's line to the loop. Cheap to clone; no call blocks.
#[derive(Clone, Debug)]
pub struct Control {
    stop: watch::Receiver<Option<Stop>>,
    progress: Arc<watch::Sender<ProgressReport>>,
    index: u32,
    outputs: u32,
}

impl Control {
    pub(super) const fn new(
        stop: watch::Receiver<Option<Stop>>,
        progress: Arc<watch::Sender<ProgressReport>>,
        outputs: u32,
    ) -> Self {
        Self { stop, progress, index: 0, outputs }
    }

    /// One that leads nowhere, for a performer's own tests: never cancelled, progress is dropped.
    pub fn detached() -> Self {
        Self::new(watch::channel(None).1, Arc::new(watch::Sender::default()), 1)
    }

    /// The same line, for another output of the job.
    #[must_use]
    pub fn for_output(&self, index: u32) -> Self {
        Self { index, ..self.clone() }
    }

    /// How far this output is, 0 to 1; the job's own figure is worked out over all outputs. May be called as
    /// often as one likes: the latest report wins, a few a second are sent.
    pub fn progress(&self, fraction: f64, stage: &str, message: &str) {
        let overall = overall(self.index, self.outputs, fraction);
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.progress.send_replace(ProgressReport {
            fraction: overall,
            stage: text(stage),
            message: text(message),
        });
    }

    /// True when the work should stop.
    pub fn cancelled(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// Which output of the job this is.
    pub const fn output(&self) -> u32 {
        self.index
    }

    pub(super) fn stop(&self) -> Option<Stop> {
        *self.stop.borrow()
    }

    /// Waits until told to stop for one of these reasons.
    pub(super) async fn stopped_for(&self, reasons: &[Stop]) -> Stop {
        let mut stop = self.stop.clone();
        let told = stop
            .wait_for(|stop| stop.is_some_and(|stop| reasons.contains(&stop)))
            .await
            .ok()
            .and_then(|stop| *stop);
        match told {
            Some(stop) => stop,
            // Nobody can tell any more.
            None => std::future::pending().await,
        }
    }
}

/// The job's fraction when output `index` of `outputs` is `fraction` done; `None` when that is no number.
fn overall(index: u32, outputs: u32, fraction: f64) -> Option<f64> {
    let outputs = f64::from(outputs.max(1));
    fraction.is_finite().then(|| ((f64::from(index) + fraction.clamp(0.0, 1.0)) / outputs).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_over_all_outputs_and_nonsense_is_passed_over() {
        assert_eq!(overall(0, 4, 0.5), Some(0.125));
        assert_eq!(overall(3, 4, 1.0), Some(1.0));
        assert_eq!(overall(0, 0, 7.0), Some(1.0));
        assert_eq!(overall(0, 1, f64::NAN), None);
    }

    #[test]
    fn a_detached_control_is_never_cancelled() {
        let control = Control::detached().for_output(3);
        control.progress(0.5, "draw", "");
        assert!(!control.cancelled());
    }
}
