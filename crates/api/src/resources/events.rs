//! Event streams of one job and of a whole workspace.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::web::Data;
use futures_util::FutureExt;
use reeve_actors::{HubEvent, HubKind, Subscription};
use reeve_jobs::Status;
use reeve_journal::{JobFilter, JobRecord, Page};
use reeve_protocol::JobEvent;
use reeve_types::{JobId, WorkspaceId};

use crate::ending::Ending;
use crate::error::{Answer, ApiError};
use crate::query::path_id;
use crate::resources::jobs::visible;
use crate::roles::Caller;
use crate::sse::{Feed, Step, Translate, answer, resume_after};
use crate::state::ApiState;
use crate::view::event::{balance, ending, plain_event, snapshot};

/// Live jobs of a workspace that a snapshot tells of.
const SNAPSHOT_JOBS_MAX: u32 = 100;

/// Everything that happens to one job, until it is done.
#[utoipa::path(get, path = "/v1/jobs/{id}/events", tag = "events",
    params(("id" = String, Path, description = "Job id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resumes after this event")),
    responses((status = 200, description = "A stream of `status`, `progress`, `output`, `log`, `credits` and `done`",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn of_job(state: Data<ApiState>, caller: Caller, req: HttpRequest) -> Answer {
    // Looked at before anything is subscribed: an unknown id must not leave a topic behind.
    let id = visible(&state, &caller, &req).await?.intro.id;
    let after = resume_after(&req);
    let subscription = state.engine.subscribe_job(id, after);
    // Read again after it: what happened between the two is in the row, and may be told twice.
    let record = state.engine.job(id).await?.ok_or_else(|| ApiError::not_found("job"))?;
    let opening = job_opening(&state, &record, &subscription);
    Ok(answer(feed(&state, &req, (subscription, opening), job_translator(state.clone(), id))))
}

/// The end at once when it is over; a snapshot when the backlog does not bridge the gap.
fn job_opening(state: &ApiState, record: &JobRecord, subscription: &Subscription) -> Step {
    let ends_later = subscription.backlog.iter().flatten().any(is_final);
    if record.state.status.is_final() && !ends_later {
        return Step { events: ending(state, record), last: true };
    }
    match &subscription.backlog {
        Some(_) => Step::more(Vec::new()),
        None => Step { events: snapshot(state, record), last: record.state.status.is_final() },
    }
}

const fn is_final(event: &HubEvent) -> bool {
    matches!(event.kind, HubKind::Status { status, .. } if status.is_final())
}

fn job_translator(state: Data<ApiState>, id: JobId) -> Translate {
    Box::new(move |event| {
        let state = state.clone().into_inner();
        async move {
            match plain_event(&event) {
                // The balance is the workspace's affair.
                Some(JobEvent::Credits(_)) => Step::more(Vec::new()),
                Some(event) => Step::more(vec![event]),
                None => Step { events: end_of(&state, id).await, last: is_final(&event) },
            }
        }
        .boxed()
    })
}

/// The last events of a job. When it cannot be read they are left out: the stream ends, and the reader, which got
/// no `done`, comes back.
async fn end_of(state: &ApiState, id: JobId) -> Vec<JobEvent> {
    match state.engine.job(id).await {
        Ok(Some(record)) => ending(state, &record),
        Ok(None) => Vec::new(),
        Err(e) => {
            tracing::warn!(job = %id, error = %e, "a job's end could not be read for its stream");
            Vec::new()
        }
    }
}

/// Everything that happens to the jobs and the balance of a workspace.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/events", tag = "events",
    params(("ws" = String, Path, description = "Workspace id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resumes after this event")),
    responses((status = 200, description = "A stream of events of all its jobs, and `credits` of its balance",
        body = String, content_type = "text/event-stream")))]
pub(crate) async fn of_workspace(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let id: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let known = state.engine.balance(&id).await?;
    known.ok_or_else(|| ApiError::not_found("workspace"))?;
    let subscription = state.engine.subscribe_workspace(id.clone(), resume_after(&req));
    let opening = match &subscription.backlog {
        Some(_) => Vec::new(),
        None => workspace_snapshot(&state, &id).await?,
    };
    let opening = Step::more(opening);
    Ok(answer(feed(&state, &req, (subscription, opening), workspace_translator(state.clone()))))
}

async fn workspace_snapshot(state: &ApiState, id: &WorkspaceId) -> Result<Vec<JobEvent>, ApiError> {
    let mut events = Vec::new();
    if let Some(now) = state.engine.balance(id).await? {
        events.push(balance(now.as_of, now.view.available, now.view.held));
    }
    for status in [Status::Running, Status::Cancelling, Status::Queued] {
        let filter = JobFilter { workspace: Some(id.clone()), status: Some(status), ..JobFilter::default() };
        let page = Page { after: None, limit: SNAPSHOT_JOBS_MAX };
        let live = state.engine.reader().jobs(&filter, &page).await?.rows;
        events.extend(live.iter().flat_map(|record| snapshot(state, record)));
    }
    Ok(events)
}

fn workspace_translator(state: Data<ApiState>) -> Translate {
    Box::new(move |event| {
        let state = state.clone().into_inner();
        async move {
            match (plain_event(&event), event.job) {
                (Some(event), _) => Step::more(vec![event]),
                (None, Some(job)) => Step::more(end_of(&state, job).await),
                (None, None) => Step::more(Vec::new()),
            }
        }
        .boxed()
    })
}

fn feed(
    state: &ApiState,
    req: &HttpRequest,
    (subscription, opening): (Subscription, Step),
    translate: Translate,
) -> Feed {
    let keep_alive = Duration::from_secs(state.settings.keep_alive_seconds.max(1));
    Feed { subscription, opening, translate, keep_alive, ending: Ending::of(state, req) }
}
