//! A job as the wire shows it.

use reeve_actors::{Progress, QueuePlace};
use reeve_credits::hold::Hold;
use reeve_jobs::{Output, OutputState, Place, Status};
use reeve_journal::{JobRecord, Shed};
use reeve_protocol::{
    Amount, JobCredits, JobErrorView, JobStatus, JobUrls, JobView, Metadata, OutputStatus, OutputView,
    ProgressView, Quantity, QueueView, QuoteLine, Sha256, WaitReason,
};
use reeve_types::{Credits, JobId};
use reeve_workspace::{JobIntro, JobState, SettledOutput};

use crate::error::ApiError;
use crate::state::ApiState;

/// What the process knows of a job beyond its row.
#[derive(Default)]
pub(crate) struct Live {
    pub progress: Option<Progress>,
    pub place: Option<QueuePlace>,
    /// What its row has lost.
    pub shed: Shed,
}

/// A job with all that is known now.
pub(crate) async fn current(state: &ApiState, intro: &JobIntro, job: &JobState) -> Result<JobView, ApiError> {
    let place = if job.status == Status::Queued { state.engine.queue_place(intro.id).await } else { None };
    let progress = if job.lease.is_some() { state.engine.progress_of(intro.id) } else { None };
    Ok(view(state, intro, job, Live { progress, place, shed: Shed::default() }))
}

/// The same from a stored row, which may have lost something.
pub(crate) async fn of_record(state: &ApiState, record: &JobRecord) -> Result<JobView, ApiError> {
    let JobRecord { intro, state: job, shed } = record;
    if job.status.is_final() {
        return Ok(view(state, intro, job, Live { shed: *shed, ..Live::default() }));
    }
    current(state, intro, job).await
}

/// A job as it was admitted: the same whether it is rendered at once or for a repeat much later.
pub(crate) fn admitted(state: &ApiState, intro: &JobIntro) -> JobView {
    let job = JobState {
        status: Status::Queued,
        attempt: 0,
        attempts_lost: 0,
        lapses: 0,
        not_before: None,
        started_at: None,
        lease: None,
        hold: Hold::default(),
        settled: Credits::ZERO,
        released: Credits::ZERO,
        finished_at: None,
        closed_by: None,
        error: None,
        outputs: Vec::new(),
    };
    let view = view(state, intro, &job, Live::default());
    // The whole price is held at admission (X8); from which lots the view does not tell.
    JobView { credits: JobCredits { held: Amount(intro.quote.credits), ..view.credits }, ..view }
}

/// A job from its row and what is live of it.
pub(crate) fn view(state: &ApiState, intro: &JobIntro, job: &JobState, live: Live) -> JobView {
    JobView {
        id: intro.id,
        workspace: intro.workspace.clone(),
        member: intro.member.clone(),
        action: intro.action.clone(),
        params: intro.params.clone(),
        pool: intro.pool.clone(),
        tier: intro.tier.clone(),
        status: status(job.status),
        attempt: job.attempt,
        max_attempts: intro.attempts_max.into(),
        credits: JobCredits {
            quoted: Amount(intro.quote.credits),
            held: Amount(job.hold.total()),
            settled: Amount(job.settled),
            released: Amount(job.released),
            lines: lines(&intro.quote.lines),
        },
        progress: progress(job, live.progress),
        outputs: outputs(state, (intro, job), live.shed),
        queue: (job.status == Status::Queued).then(|| queue(live.place)),
        error: job.error.as_ref().map(error),
        metadata: intro.metadata.as_deref().and_then(metadata),
        retry_of: intro.retry_of,
        content_removed: live.shed.content,
        outputs_removed: live.shed.outputs,
        created_at: intro.created_at.into(),
        started_at: job.started_at.map(Into::into),
        finished_at: job.finished_at.map(Into::into),
        deadline_at: deadline(intro, job).map(Into::into),
        urls: urls(state.url(&format!("/v1/jobs/{}", intro.id))),
    }
}

fn urls(this: String) -> JobUrls {
    JobUrls { events: [&this, "/events"].concat(), cancel: [&this, "/cancel"].concat(), this }
}

fn deadline(intro: &JobIntro, job: &JobState) -> Option<reeve_types::Millis> {
    match &job.lease {
        Some(lease) => Some(lease.unknown_until.unwrap_or(lease.run_deadline_at)),
        None => (job.status == Status::Queued).then_some(intro.queue_deadline_at),
    }
}

/// The word on the wire.
pub(crate) const fn status(status: Status) -> JobStatus {
    match status {
        Status::Queued => JobStatus::Queued,
        Status::Running => JobStatus::Running,
        Status::Cancelling => JobStatus::Cancelling,
        Status::Succeeded => JobStatus::Succeeded,
        Status::Failed => JobStatus::Failed,
        Status::Cancelled => JobStatus::Cancelled,
        Status::Expired => JobStatus::Expired,
    }
}

/// The status that a query asks for.
pub(crate) const fn asked_status(status: JobStatus) -> Status {
    match status {
        JobStatus::Queued => Status::Queued,
        JobStatus::Running => Status::Running,
        JobStatus::Cancelling => Status::Cancelling,
        JobStatus::Succeeded => Status::Succeeded,
        JobStatus::Failed => Status::Failed,
        JobStatus::Cancelled => Status::Cancelled,
        JobStatus::Expired => Status::Expired,
    }
}

/// Lines of a frozen price.
pub(crate) fn lines(lines: &[reeve_credits::price::QuoteLine]) -> Vec<QuoteLine> {
    let line = |line: &reeve_credits::price::QuoteLine| QuoteLine {
        label: line.label.clone(),
        // A quantity is seconds or blocks over at most 16 outputs: far inside the range.
        quantity: i64::try_from(line.quantity).ok().and_then(Quantity::whole).unwrap_or_default(),
        unit_price: Amount(line.unit_price),
        credits: Amount(line.credits),
    };
    lines.iter().map(line).collect()
}

fn progress(job: &JobState, live: Option<Progress>) -> ProgressView {
    let unknown = job.lease.as_ref().is_some_and(|lease| lease.unknown_until.is_some());
    match live {
        _ if job.status == Status::Succeeded => {
            ProgressView { fraction: 1.0, at: job.finished_at.map(Into::into), ..ProgressView::default() }
        }
        // X11: the provider's answer never came, and what the worker last said no longer counts.
        _ if unknown => ProgressView { stage: Some("unknown".to_owned()), ..ProgressView::default() },
        Some(progress) => reported(&progress),
        None => ProgressView::default(),
    }
}

/// Progress as a worker reported it.
pub(crate) fn reported(progress: &Progress) -> ProgressView {
    ProgressView {
        fraction: progress.fraction,
        stage: progress.stage.as_deref().map(ToOwned::to_owned),
        message: progress.message.as_deref().map(ToOwned::to_owned),
        at: Some(progress.at.into()),
    }
}

/// Where a job waits; what is not known is `null`.
pub(crate) fn queue(place: Option<QueuePlace>) -> QueueView {
    QueueView {
        position: place.map(|place| place.position),
        eta_seconds: place.and_then(|place| place.eta_seconds),
        eta_p90_seconds: place.and_then(|place| place.eta_p90_seconds),
        waiting_for: place.and_then(|place| wait_reason(place.waiting_for)),
    }
}

/// The reason behind a word of the queue.
pub(crate) fn wait_reason(word: &str) -> Option<WaitReason> {
    Some(match word {
        "turn" => WaitReason::Turn,
        "workspace_limit" => WaitReason::WorkspaceLimit,
        "paused" => WaitReason::Paused,
        "worker" => WaitReason::Worker,
        "retry_backoff" => WaitReason::RetryBackoff,
        "not_before" => WaitReason::NotBefore,
        _ => return None,
    })
}

/// Why a job did not succeed.
pub(crate) fn error(error: &reeve_jobs::JobError) -> JobErrorView {
    JobErrorView { code: error.code.to_string(), message: error.message.to_string() }
}

/// Every output that was asked for, with what became of it.
pub(crate) fn outputs(state: &ApiState, (intro, job): (&JobIntro, &JobState), shed: Shed) -> Vec<OutputView> {
    let undecided = if job.status.is_final() { OutputStatus::Failed } else { OutputStatus::Pending };
    let mut views: Vec<OutputView> = (0..intro.outputs).map(|index| plain(index, undecided)).collect();
    for settled in &job.outputs {
        let mut view = output(state, intro.id, settled);
        view.url = view.url.filter(|_| !shed.outputs);
        match views.get_mut(view.index as usize) {
            Some(place) => *place = view,
            None => views.push(view),
        }
    }
    views
}

/// An output of which only this is known.
pub(crate) const fn plain(index: u32, status: OutputStatus) -> OutputView {
    OutputView { index, status, content_type: None, size: None, sha256: None, url: None, credits: None }
}

fn output(state: &ApiState, job: JobId, settled: &SettledOutput) -> OutputView {
    let SettledOutput { output: Output { index, state: outcome }, credits } = settled;
    let credits = Some(Amount(*credits));
    match outcome {
        OutputState::Filtered { .. } => OutputView { credits, ..plain(*index, OutputStatus::Filtered) },
        OutputState::Failed { .. } => OutputView { credits, ..plain(*index, OutputStatus::Failed) },
        OutputState::Landed { place: Place::Uploaded(upload), .. } => OutputView {
            content_type: Some(upload.content_type.to_string()),
            size: Some(upload.size),
            sha256: Some(Sha256(upload.sha256.0)),
            url: Some(state.url(&output_path(job, *index))),
            credits,
            ..plain(*index, OutputStatus::Landed)
        },
        OutputState::Landed { place: Place::Elsewhere { sha256, size, .. }, .. } => OutputView {
            size: Some(*size),
            sha256: Some(Sha256(sha256.0)),
            // Through us also when the bytes are elsewhere: there the key is checked.
            url: Some(state.url(&output_path(job, *index))),
            credits,
            ..plain(*index, OutputStatus::Landed)
        },
    }
}

/// Where the bytes of an output are read.
pub(crate) fn output_path(job: JobId, index: u32) -> String {
    format!("/v1/jobs/{job}/outputs/{index}")
}

fn metadata(text: &str) -> Option<Metadata> {
    serde_json::from_str(text).ok()
}
