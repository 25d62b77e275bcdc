//! One leased job from its inputs to its close.

use std::sync::Arc;

use reeve_protocol::{Fate, LeaseView, OutputOutcome, OutputReport, ProgressReport};
use tokio::sync::watch;

use super::deliver::{Delivery, GaveUp};
use super::shared::Shared;
use super::{Assignment, Control, Input, Landed, Outcome, PerformError, Stop, progress};
use crate::{ClientError, Upload, task};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    Failed,
    Cancelled,
    Lost,
    HandedBack,
    Abandoned,
}

/// What the server is to be told.
#[derive(Debug)]
enum Verdict {
    Complete(Vec<OutputReport>),
    Fail {
        reason: String,
        retryable: bool,
        fate: Option<Fate>,
    },
    Stop(Stop),
    /// Say nothing.
    Abandon,
}

/// Frees the slot whatever happens, a panic included.
struct Slot<'a>(&'a Shared, &'a LeaseView);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.finish(self.1.lease);
    }
}

/// Works a lease off.
pub(super) async fn run(shared: Arc<Shared>, lease: LeaseView, stop: watch::Receiver<Option<Stop>>) -> Ended {
    let _slot = Slot(&shared, &lease);
    tracing::debug!(
        job.id = %lease.job, lease.id = %lease.lease, request.id = lease.request_id.as_deref(),
        traceparent = lease.traceparent.as_deref(), "at work"
    );
    let reports = Arc::new(watch::Sender::new(ProgressReport::default()));
    let reporter = task::guarded(progress::run(Arc::clone(&shared), lease.lease, reports.subscribe()));
    let control = Control::new(stop, reports, lease.outputs);
    let verdict = make(&shared, &lease, &control).await;
    // No progress after the last word.
    drop(reporter);
    conclude(&Delivery { shared: &shared, lease: &lease, control: &control }, verdict).await
}

/// Fetches the inputs and makes the outputs, each uploaded while the next is made.
async fn make(shared: &Arc<Shared>, lease: &LeaseView, control: &Control) -> Verdict {
    let job = match fetch(shared, lease, control).await {
        Ok(job) => Arc::new(job),
        Err(verdict) => return verdict,
    };
    let mut uploads = task::Tasks::new();
    let mut outputs = Vec::new();
    for index in 0..lease.outputs {
        if let Some(stop) = control.stop() {
            return Verdict::Stop(stop);
        }
        let made = match perform(shared, &job, control.for_output(index)).await {
            Ok(made) => made,
            Err(error) => return failed(error, control),
        };
        match made {
            Made::Landed(landed, upload) => {
                uploads.start(upload_one(
                    Arc::clone(shared),
                    Arc::clone(&job),
                    control.clone(),
                    (index, landed, upload),
                ));
            }
            Made::Other(outcome, reason) => {
                outputs.push(OutputReport { reason: Some(reason), ..OutputReport::new(index, outcome) });
            }
        }
    }
    while let Some(uploaded) = uploads.next().await {
        match uploaded {
            Ok(Ok(report)) => outputs.push(report),
            Ok(Err(GaveUp::Stopped(stop))) => return Verdict::Stop(stop),
            Ok(Err(GaveUp::Refused(error))) => return broken(format!("an upload failed: {error}")),
            Err(error) => return broken(format!("an upload broke off: {error}")),
        }
    }
    Verdict::Complete(outputs)
}

/// The job with its inputs. An input that is not there may be there at the next attempt.
async fn fetch(shared: &Shared, lease: &LeaseView, control: &Control) -> Result<Assignment, Verdict> {
    let delivery = Delivery { shared, lease, control };
    let mut inputs = Vec::with_capacity(lease.inputs.len());
    for input in &lease.inputs {
        match delivery.input(input).await {
            Ok(got) => {
                inputs.push((input.param.clone(), Input { bytes: got.bytes, content_type: got.content_type }))
            }
            Err(GaveUp::Stopped(stop)) => return Err(Verdict::Stop(stop)),
            Err(GaveUp::Refused(error)) => {
                return Err(broken(format!("the input `{}` could not be fetched: {error}", input.param)));
            }
        }
    }
    let unread = |error| broken(format!("its parameters cannot be read: {error}"));
    Assignment::new(lease.clone(), inputs).map_err(unread)
}

/// A failure that is not the job's fault.
const fn broken(reason: String) -> Verdict {
    Verdict::Fail { reason, retryable: true, fate: None }
}

/// One output, ready to be delivered.
enum Made {
    Landed(Landed, Upload),
    Other(OutputOutcome, String),
}

/// Makes one output on a thread for blocking work; its digest is computed there too.
async fn perform(shared: &Shared, job: &Arc<Assignment>, control: Control) -> Result<Made, PerformError> {
    let (performer, job) = (Arc::clone(&shared.performer), Arc::clone(job));
    let work = move || {
        Ok(match performer.perform(&job, control.output(), &control)? {
            Outcome::Landed(landed) => {
                let upload = Upload::new(landed.bytes.clone(), landed.content_type.clone());
                Made::Landed(landed, upload)
            }
            Outcome::Filtered { reason } => Made::Other(OutputOutcome::Filtered, reason),
            Outcome::Failed { reason } => Made::Other(OutputOutcome::Failed, reason),
        })
    };
    task::blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the performer broke off");
        Err(PerformError::Failed { reason: "the worker's program broke off".to_owned(), retryable: true })
    })
}

fn failed(error: PerformError, control: &Control) -> Verdict {
    match (error, control.stop()) {
        (PerformError::Crash, _) => Verdict::Abandon,
        (_, Some(stop @ (Stop::Cancelled | Stop::Lost))) | (PerformError::Stopped, Some(stop)) => {
            Verdict::Stop(stop)
        }
        // A failure during shutdown is still a failure: handed back, it would be tried again however final it is.
        (PerformError::Failed { reason, retryable }, _) => Verdict::Fail { reason, retryable, fate: None },
        (PerformError::FateUnknown { reason }, _) => {
            Verdict::Fail { reason, retryable: false, fate: Some(Fate::Unknown) }
        }
        (PerformError::Stopped, None) => broken("the worker's program stopped without being told".to_owned()),
    }
}

async fn upload_one(
    shared: Arc<Shared>,
    job: Arc<Assignment>,
    control: Control,
    (index, landed, upload): (u32, Landed, Upload),
) -> Result<OutputReport, GaveUp> {
    Delivery { shared: &shared, lease: &job.lease, control: &control }.upload(index, landed, upload).await
}

/// Tells the server how it went.
async fn conclude(delivery: &Delivery<'_>, verdict: Verdict) -> Ended {
    let lease = delivery.lease.lease;
    let (told, ended) = match verdict {
        Verdict::Complete(outputs) => (delivery.complete(outputs).await, Ended::Completed),
        Verdict::Fail { reason, retryable, fate } => {
            (delivery.fail(&reason, retryable, fate).await, Ended::Failed)
        }
        Verdict::Stop(Stop::Cancelled) => (delivery.fail("cancelled", false, None).await, Ended::Cancelled),
        Verdict::Stop(Stop::ShuttingDown) => {
            (delivery.fail("worker shutting down", true, None).await, Ended::HandedBack)
        }
        Verdict::Stop(Stop::Lost) => (Ok(()), Ended::Lost),
        Verdict::Abandon => {
            delivery.shared.abandon(lease);
            (Ok(()), Ended::Abandoned)
        }
    };
    match told {
        Ok(()) => ended,
        Err(GaveUp::Stopped(_)) => Ended::Lost,
        Err(GaveUp::Refused(error)) => refused(delivery, ended, &error).await,
    }
}

/// A close that the server will not take: the job is failed instead, so that its hold does not wait for the lease to lapse.
async fn refused(delivery: &Delivery<'_>, ended: Ended, error: &ClientError) -> Ended {
    let lease = delivery.lease.lease;
    let request = delivery.lease.request_id.as_deref();
    tracing::error!(%lease, %error, request.id = request, "the server did not take the result");
    if ended != Ended::Completed || error.is_retryable() {
        return Ended::Lost;
    }
    match delivery.fail(&format!("the completion was refused: {error}"), false, None).await {
        Ok(()) => Ended::Failed,
        Err(_) => Ended::Lost,
    }
}
