//! Jobs: submit, read, wait, list, cancel.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::{Answer as Stored, Call, Executed};
use reeve_journal::{JobFilter, JobRecord};
use reeve_protocol::{JobQuery, JobSubmit, JobView, JobsQuery, Page};
use reeve_types::limits::WAIT_SECONDS_MAX;
use reeve_types::{JobId, WorkspaceId};
use reeve_workspace::{Cancel, Command, JobIntro, Refusal, Reply, Submit};

use crate::auth::unauthorized;
use crate::ending::Ending;
use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input, answered, ok};
use crate::problem::refused;
use crate::query::{Part, parses, path_id, query};
use crate::resources::workspaces::existing;
use crate::roles::Caller;
use crate::state::ApiState;
use crate::view::job::{Live, admitted, asked_status, current, of_record, view};
use crate::{task, text};

/// Longest timeout that a request may ask for, in seconds: thirty days.
pub(crate) const TIMEOUT_SECONDS_MAX: u64 = 30 * 86_400;

/// Asks for a job: priced, paid for and queued, or refused.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/jobs", tag = "jobs", request_body = JobSubmit,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Admitted", body = JobView)))]
pub(crate) async fn submit(state: Data<ApiState>, req: HttpRequest, input: Input<JobSubmit>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let submit = submission(state.engine.new_job_id(), body)?;
    if let (Some(url), Some(webhooks)) = (&submit.webhook, &state.webhooks) {
        webhooks.check_url("/webhook", url)?;
    }
    admit(&state, &workspace, (submit, call)).await
}

/// Submits, and answers with the job as it was admitted.
pub(crate) async fn admit(
    state: &ApiState,
    workspace: &WorkspaceId,
    (submit, call): (Submit, Call),
) -> Answer {
    let executed = state.engine.execute(workspace, Command::Submit(Box::new(submit)), call).await?;
    let intro = match (&executed.answer, &executed.reply) {
        (_, Some(Reply::Admitted(intro))) => intro.clone(),
        (Stored::Admitted(id), _) => found(state, *id).await?.intro,
        (Stored::Refused(refusal), _) => return Err(refused(refusal).replayed(executed.replayed)),
        (other, _) => return Err(ApiError::internal(format!("a submit was answered with {other:?}"))),
    };
    answered(StatusCode::CREATED, &admitted(state, &intro), executed.replayed)
}

fn submission(job: JobId, body: JobSubmit) -> Result<Submit, ApiError> {
    Ok(Submit {
        job,
        action: body.action,
        params: Arc::new(body.params),
        member: body.member,
        priority: body.priority.unwrap_or(0),
        not_before: body.not_before.map(Into::into),
        queue_timeout_ms: timeout_ms("/queue_timeout_seconds", body.queue_timeout_seconds)?,
        run_timeout_ms: timeout_ms("/run_timeout_seconds", body.run_timeout_seconds)?,
        credits_max: body.max_credits.map(Into::into),
        metadata: text::metadata(body.metadata.as_ref())?,
        webhook: body.webhook.as_deref().map(|url| text::web_url("/webhook", url)).transpose()?,
        retry_of: None,
    })
}

fn timeout_ms(pointer: &str, seconds: Option<u64>) -> Result<Option<u64>, ApiError> {
    match seconds {
        Some(seconds) if seconds == 0 || seconds > TIMEOUT_SECONDS_MAX => {
            Err(ApiError::field(pointer, format!("must be 1 to {TIMEOUT_SECONDS_MAX}")))
        }
        seconds => Ok(seconds.map(|seconds| seconds * 1_000)),
    }
}

/// A job that is known to have been admitted.
async fn found(state: &ApiState, id: JobId) -> Result<JobRecord, ApiError> {
    state.engine.job(id).await?.ok_or_else(|| ApiError::not_found("job"))
}

/// A job that the caller may see.
pub(crate) async fn visible(
    state: &ApiState,
    caller: &Caller,
    req: &HttpRequest,
) -> Result<JobRecord, ApiError> {
    let record = found(state, path_id(req, "id", "job")?).await?;
    caller.sees(&record.intro.workspace, "job")?;
    Ok(record)
}

/// A job. With `wait` it answers when the job is final, or when the time is up.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "Job id"), JobQuery),
    responses((status = 200, description = "The job", body = JobView)))]
pub(crate) async fn get(state: Data<ApiState>, caller: Caller, req: HttpRequest) -> Answer {
    let wait = query::<JobQuery>(&req)?.wait.unwrap_or(0).min(WAIT_SECONDS_MAX);
    // Before it is looked at: an end between the two is heard. Of a job that is none it is forgotten in seconds.
    let id = path_id(&req, "id", "job")?;
    let end = (wait > 0).then(|| state.engine.hear_end(id));
    let mut record = visible(&state, &caller, &req).await?;
    if let Some(end) = end.filter(|_| !record.state.status.is_final()) {
        let mut ending = Ending::of(&state, &req);
        tokio::select! {
            _ = end => {}
            () = task::sleep(Duration::from_secs(wait)) => {}
            () = ending.comes() => {}
        }
        if ending.key_is_over() {
            return Err(unauthorized());
        }
        record = found(&state, id).await?;
    }
    ok(&of_record(&state, &record).await?)
}

/// Jobs of one workspace, newest first.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/jobs", tag = "jobs",
    params(("ws" = String, Path, description = "Workspace id"), JobsQuery),
    responses((status = 200, description = "A page", body = Page<JobView>)))]
pub(crate) async fn list_of_workspace(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let workspace = existing(&state, &req).await?;
    let asked = JobsQuery { workspace: Some(workspace), ..query(&req)? };
    page(&state, asked).await
}

/// Jobs of all workspaces, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobsQuery),
    responses((status = 200, description = "A page", body = Page<JobView>)))]
pub(crate) async fn list(state: Data<ApiState>, req: HttpRequest) -> Answer {
    page(&state, query(&req)?).await
}

async fn page(state: &ApiState, asked: JobsQuery) -> Answer {
    let JobsQuery { status, action, workspace, since, until, member, error, metadata, limit, cursor } = asked;
    let part = Part::new(limit, cursor, parses::<JobId>)?;
    let filter = JobFilter {
        workspace,
        status: status.map(asked_status),
        action,
        since: since.map(Into::into),
        until: until.map(Into::into),
        member,
        error,
        metadata: metadata.as_deref().map(noted).transpose()?,
    };
    let found = state.engine.reader().jobs(&filter, &part.page).await?;
    // A list does not ask the queue for each place: that is one message per job.
    let show = |record: &JobRecord| {
        let progress = record.state.lease.as_ref().and_then(|_| state.engine.progress_of(record.intro.id));
        view(state, &record.intro, &record.state, Live { progress, place: None, shed: record.shed })
    };
    let mut page = part.page(found.rows, |record| record.intro.id.to_string(), show);
    // A page that ended early, because the filter passed over so many, goes on where it stopped.
    page.next_cursor = page.next_cursor.or_else(|| found.looked_to.map(|id| id.to_string()));
    ok(&page)
}

/// Longest name and longest value of metadata that a list is asked for, in characters.
const NOTED_CHARS_MAX: usize = 128;

/// `name:value` of a query.
fn noted(text: &str) -> Result<(String, String), ApiError> {
    let is_name = |name: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !name.is_empty() && name.len() <= NOTED_CHARS_MAX && name.chars().all(plain)
    };
    match text.split_once(':') {
        Some((name, value)) if is_name(name) && value.chars().count() <= NOTED_CHARS_MAX => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(ApiError::field(
            "metadata",
            format!(
                "is `name:value`, the name of letters, digits, `_`, `-` and `.`, each at most {NOTED_CHARS_MAX} characters"
            ),
        )),
    }
}

/// Stops a job; one that is final already stays as it is.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "Job id")),
    responses((status = 200, description = "The job after it", body = JobView)))]
pub(crate) async fn cancel(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    let Bare { caller, call } = input;
    let record = visible(&state, &caller, &req).await?;
    let id = record.intro.id;
    let executed =
        state.engine.execute(&record.intro.workspace, Command::Cancel(Cancel { job: id }), call).await?;
    match &executed.answer {
        // Not live means final: the row was there a moment ago.
        Stored::Job(_) | Stored::Refused(Refusal::NotLive { .. }) => {
            after(&state, (id, Some(record.intro)), &executed).await
        }
        Stored::Refused(refusal) => Err(refused(refusal).replayed(executed.replayed)),
        other => Err(ApiError::internal(format!("a cancel was answered with {other:?}"))),
    }
}

/// A job with what never changes of it, if that was in memory before the command: it is not once the job is final.
pub(crate) type Introduced = (JobId, Option<Arc<JobIntro>>);

/// The answer with a job as it stands after a command about it.
pub(crate) async fn after(state: &ApiState, job: Introduced, executed: &Executed) -> Answer {
    answered(StatusCode::OK, &view_after(state, job, executed).await?, executed.replayed)
}

/// A job as it stands after a command about it: from the reply when there is one, else from its row.
pub(crate) async fn view_after(
    state: &ApiState,
    (id, known): Introduced,
    executed: &Executed,
) -> Result<JobView, ApiError> {
    if let Some(Reply::Job { state: job, .. }) = &executed.reply {
        let intro = match known {
            Some(intro) => Some(intro),
            None => state.engine.introduced(id).await?,
        };
        if let Some(intro) = intro {
            return current(state, &intro, job).await;
        }
    }
    let record = found(state, id).await?;
    of_record(state, &record).await
}
