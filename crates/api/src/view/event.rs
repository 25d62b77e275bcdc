//! What the hub tells, as events of the wire.

use reeve_actors::{HubEvent, HubKind};
use reeve_jobs::{Status, Upload};
use reeve_journal::JobRecord;
use reeve_protocol::{
    Amount, CreditsEvent, JobEvent, LogEvent, LogLevel, OutputEvent, OutputStatus, OutputView, ProgressEvent,
    Sha256, StatusEvent,
};
use reeve_types::{Credits, Millis};

use crate::state::ApiState;
use crate::view::job::{Live, error, outputs, plain, queue, status, view};
use crate::view::workspace::summary;

/// An event that needs no look at the job's row; `None` for a final status, which does.
pub(crate) fn plain_event(event: &HubEvent) -> Option<JobEvent> {
    let at = event.at.into();
    if let HubKind::Balance { available, held } = event.kind {
        return Some(balance(event.at, available, held));
    }
    let job = event.job?;
    Some(match &event.kind {
        HubKind::Balance { .. } => return None,
        HubKind::Status { status: to, .. } if to.is_final() => return None,
        HubKind::Status { status: to, attempt } => {
            // A place in the queue changes without an event; who wants it asks for the job.
            let queue = (*to == Status::Queued).then(|| queue(None));
            JobEvent::Status(StatusEvent {
                job,
                at,
                status: status(*to),
                attempt: *attempt,
                queue,
                error: None,
            })
        }
        HubKind::Progress(progress) => JobEvent::Progress(ProgressEvent {
            job,
            at,
            fraction: progress.fraction,
            stage: progress.stage.as_deref().map(ToOwned::to_owned),
            message: progress.message.as_deref().map(ToOwned::to_owned),
        }),
        HubKind::Output(upload) => JobEvent::Output(OutputEvent { job, at, output: uploaded(upload) }),
        HubKind::Log { message } => {
            JobEvent::Log(LogEvent { job, at, level: LogLevel::Info, message: message.to_string() })
        }
    })
}

/// An output whose bytes are here while its job still runs: pending, since only the end of the job lands it (X21).
fn uploaded(upload: &Upload) -> OutputView {
    OutputView {
        content_type: Some(upload.content_type.to_string()),
        size: Some(upload.size),
        sha256: Some(Sha256(upload.sha256.0)),
        ..plain(upload.index, OutputStatus::Pending)
    }
}

/// A workspace's balance, as an event that no job caused.
pub(crate) fn balance(at: Millis, available: Credits, held: Credits) -> JobEvent {
    JobEvent::Credits(CreditsEvent {
        job: None,
        at: at.into(),
        quoted: Amount::ZERO,
        held: Amount::ZERO,
        settled: Amount::ZERO,
        released: Amount::ZERO,
        balance: Some(summary(available, held)),
    })
}

/// Where a job stands, for a reader who may have missed how it got there.
pub(crate) fn snapshot(state: &ApiState, record: &JobRecord) -> Vec<JobEvent> {
    if record.state.status.is_final() {
        return ending(state, record);
    }
    let mut events = vec![status_event(record, state.engine.now())];
    if let Some(progress) =
        record.state.lease.as_ref().and_then(|_| state.engine.progress_of(record.intro.id))
    {
        events.push(JobEvent::Progress(ProgressEvent {
            job: record.intro.id,
            at: progress.at.into(),
            fraction: progress.fraction,
            stage: progress.stage.as_deref().map(ToOwned::to_owned),
            message: progress.message.as_deref().map(ToOwned::to_owned),
        }));
    }
    let (job, at) = (record.intro.id, state.engine.now().into());
    let uploads = record.state.lease.iter().flat_map(|lease| &lease.uploads);
    events.extend(uploads.map(|upload| JobEvent::Output(OutputEvent { job, at, output: uploaded(upload) })));
    events.push(credits_event(record, state.engine.now()));
    events
}

/// The last events of a job: its final status, its outputs, its credits, and `done` with all of it.
pub(crate) fn ending(state: &ApiState, record: &JobRecord) -> Vec<JobEvent> {
    let at = record.state.finished_at.unwrap_or(record.intro.created_at);
    let job = record.intro.id;
    let mut events = vec![status_event(record, at)];
    let landed = outputs(state, (&record.intro, &record.state), record.shed);
    events.extend(
        landed.into_iter().map(|output| JobEvent::Output(OutputEvent { job, at: at.into(), output })),
    );
    events.push(credits_event(record, at));
    events.push(JobEvent::Done(Box::new(view(state, &record.intro, &record.state, Live::default()))));
    events
}

fn status_event(record: &JobRecord, at: Millis) -> JobEvent {
    let JobRecord { intro, state, shed: _ } = record;
    JobEvent::Status(StatusEvent {
        job: intro.id,
        at: at.into(),
        status: status(state.status),
        attempt: state.attempt,
        queue: (state.status == Status::Queued).then(|| queue(None)),
        error: state.error.as_ref().map(error),
    })
}

fn credits_event(record: &JobRecord, at: Millis) -> JobEvent {
    let JobRecord { intro, state, shed: _ } = record;
    JobEvent::Credits(CreditsEvent {
        job: Some(intro.id),
        at: at.into(),
        quoted: Amount(intro.quote.credits),
        held: Amount(state.hold.total()),
        settled: Amount(state.settled),
        released: Amount(state.released),
        balance: None,
    })
}
