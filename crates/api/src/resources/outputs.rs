//! The bytes of a landed output. Before the job has closed there are none: nothing has been paid for.

use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use reeve_artifacts::{OutputKey, OutputSlot};
use reeve_jobs::{OutputState, Place, Upload};
use reeve_journal::JobRecord;
use reeve_protocol::{Code, Sha256};
use reeve_types::{JobId, LeaseId};

use crate::error::{Answer, ApiError};
use crate::query::path_id;
use crate::roles::{Caller, SignedLink};
use crate::state::ApiState;
use crate::upload::{Described, Portion, portion, with_bytes, without_bytes};

/// An output, whole or in part. What is stored elsewhere is answered with its address.
#[utoipa::path(get, path = "/v1/jobs/{id}/outputs/{n}", tag = "jobs",
    params(("id" = String, Path, description = "Job id"), ("n" = u32, Path, description = "Number of the output"),
        ("expires" = Option<i64>, Query, description = "Of a signed link"),
        ("signature" = Option<String>, Query, description = "Of a signed link"),
        ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "All bytes", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The client has them"),
        (status = 307, description = "They are stored elsewhere"),
        (status = 416, description = "Nothing of the range exists")))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let job: JobId = path_id(&req, "id", "job")?;
    let index: u32 = path_id(&req, "n", "output")?;
    let record = state.engine.job(job).await?.ok_or_else(|| ApiError::not_found("job"))?;
    admitted(&req, &record)?;
    match landed(&record, index) {
        Some(_) if record.shed.outputs => Err(gone()),
        None => Err(ApiError::not_found("output yet, or none that landed")),
        Some((_, Place::Elsewhere { url, .. })) => {
            Ok(HttpResponse::TemporaryRedirect().insert_header((LOCATION, &**url)).finish())
        }
        Some((lease, Place::Uploaded(upload))) => send(&state, &req, lease, upload).await,
    }
}

fn gone() -> ApiError {
    ApiError::new(Code::Gone, "the bytes of this output are no longer kept; the receipt has their digest")
}

/// By a signed link, or by a key that may see the workspace.
fn admitted(req: &HttpRequest, record: &JobRecord) -> Result<(), ApiError> {
    if req.extensions().get::<SignedLink>().is_some() {
        return Ok(());
    }
    let caller = req.extensions().get::<std::sync::Arc<Caller>>().cloned();
    caller.ok_or_else(|| ApiError::not_found("job"))?.sees(&record.intro.workspace, "job")
}

fn landed(record: &JobRecord, index: u32) -> Option<(LeaseId, &Place)> {
    let output = record.state.outputs.iter().find(|settled| settled.output.index == index)?;
    match &output.output.state {
        OutputState::Landed { place, .. } => {
            Some((LeaseId { job: record.intro.id, attempt: record.state.closed_by? }, place))
        }
        OutputState::Filtered { .. } | OutputState::Failed { .. } => None,
    }
}

async fn send(state: &ApiState, req: &HttpRequest, lease: LeaseId, upload: &Upload) -> Answer {
    let described =
        Described { content_type: &upload.content_type, sha256: Sha256(upload.sha256.0), size: upload.size };
    let portion = portion(req, &described);
    if let Some(answer) = without_bytes(&portion, &described) {
        return answer;
    }
    let key = OutputKey { slot: OutputSlot { lease, index: upload.index }, sha256: upload.sha256.0 };
    let range = match &portion {
        Portion::Part(range) => Some(range.clone()),
        _ => None,
    };
    match state.artifacts.output(&key, range).await? {
        Some(body) => Ok(with_bytes(portion, &described, body)),
        None if state.engine.job(lease.job).await?.is_some_and(|record| record.shed.outputs) => Err(gone()),
        // The close vouched for them: whatever took them away was not us.
        None => Err(ApiError::internal(format!("the bytes of output {} of {lease} are gone", upload.index))),
    }
}
