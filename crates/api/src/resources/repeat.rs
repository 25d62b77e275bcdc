//! Many jobs at once, and a job once more: bulk cancel and retry.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::{Answer as Stored, CancelWhich};
use reeve_jobs::Status;
use reeve_journal::JobRecord;
use reeve_protocol::{BulkCancel, BulkCancelled, Code, JobRetry, JobStatus, JobView};
use reeve_types::{JobId, WorkspaceId};
use reeve_workspace::Submit;

use crate::error::{Answer, ApiError};
use crate::json::{Optional, answered};
use crate::query::path_id;
use crate::resources::jobs::{admit, visible};
use crate::resources::reply::unexpected;
use crate::state::ApiState;

/// Shortest wait in the queue that a repeated job gets, in milliseconds.
const QUEUE_MS_MIN: i64 = 1_000;

/// Cancels all jobs of a workspace that match and were admitted before the call, in the workspace's own order. The
/// counts are those of the first call; a repeat under its key also carries out what an interrupted one had left.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/jobs/cancel", tag = "jobs", request_body = BulkCancel,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "How many", body = BulkCancelled)))]
pub(crate) async fn cancel_many(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Optional<BulkCancel>,
) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Optional { body, call, .. } = input;
    let (queued, running) = match body.status {
        None => (true, true),
        Some(JobStatus::Queued) => (true, false),
        Some(JobStatus::Running) => (false, true),
        Some(_) => {
            return Err(ApiError::field("/status", "only `queued` and `running` jobs can be cancelled"));
        }
    };
    let which = CancelWhich { queued, running, action: body.action };
    let executed = state.engine.cancel_many(&workspace, &which, call).await?;
    match &executed.answer {
        Stored::Cancelled(done) => {
            let done = BulkCancelled { cancelled: done.cancelled, cancelling: done.cancelling };
            answered(StatusCode::OK, &done, executed.replayed)
        }
        other => Err(unexpected(other, executed.replayed)),
    }
}

/// Asks for a job like a failed, cancelled or expired one, at today's price.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", request_body = JobRetry,
    params(("id" = String, Path, description = "Job id")),
    responses((status = 201, description = "The new job", body = JobView)))]
pub(crate) async fn retry(state: Data<ApiState>, req: HttpRequest, input: Optional<JobRetry>) -> Answer {
    let Optional { body, caller, call } = input;
    let record = visible(&state, &caller, &req).await?;
    let submit = again(state.engine.new_job_id(), &record, body)?;
    admit(&state, &record.intro.workspace, (submit, call)).await
}

/// The same request, with its own timeouts; its price is made anew.
fn again(job: JobId, record: &JobRecord, body: JobRetry) -> Result<Submit, ApiError> {
    let (intro, status) = (&record.intro, record.state.status);
    let conflict = |detail: String| Err(ApiError::new(Code::Conflict, detail));
    match status {
        Status::Failed | Status::Cancelled | Status::Expired => {}
        Status::Succeeded => return conflict("the job succeeded; submit a new one instead".to_owned()),
        _ => return conflict(format!("the job is {}; only one that ended can be retried", status.as_str())),
    }
    if record.shed.content {
        return conflict(
            "the parameters of this job are no longer kept; submit a new one instead".to_owned(),
        );
    }
    // They were read once before.
    let params = intro.params.read().map_err(ApiError::internal)?;
    let queue_ms = intro.queue_deadline_at.since(intro.created_at).max(QUEUE_MS_MIN);
    Ok(Submit {
        job,
        action: intro.action.clone(),
        params: Arc::new(params),
        member: intro.member.clone(),
        priority: intro.priority,
        not_before: None,
        queue_timeout_ms: u64::try_from(queue_ms).ok(),
        run_timeout_ms: Some(intro.run_timeout_ms),
        credits_max: body.max_credits.map(Into::into),
        metadata: intro.metadata.clone(),
        webhook: intro.webhook.clone(),
        retry_of: Some(intro.id),
    })
}
