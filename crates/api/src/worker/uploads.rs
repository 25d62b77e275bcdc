//! Uploads: acknowledged when the bytes are durable and their row is committed; landed only with the close.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use reeve_actors::{Answer as Stored, Finished};
use reeve_artifacts::OutputSlot;
use reeve_faults::{self as faults, Point};
use reeve_jobs::{Digest, Upload};
use reeve_protocol::{Sha256, UploadAnswer};
use reeve_types::LeaseId;
use reeve_workspace::{Command, UploadOutput};

use crate::error::{Answer, ApiError};
use crate::json::answer;
use crate::problem::refused;
use crate::query::path_id;
use crate::state::ApiState;
use crate::upload::{body, content_type, wanted};
use crate::view::job::output_path;
use crate::worker::stale;

/// The bytes of one output. The same bytes again are fine; other bytes replace them until completion.
#[utoipa::path(put, path = "/v1/worker/leases/{lease}/outputs/{n}", tag = "workers",
    params(("lease" = String, Path, description = "Lease id"), ("n" = u32, Path, description = "Number of the output"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:<base64>:`, checked")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "Durable", body = UploadAnswer)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, payload: Payload) -> Answer {
    let lease: LeaseId = path_id(&req, "lease", "lease")?;
    let index: u32 = path_id(&req, "n", "output")?;
    let (kind, wanted) = (content_type(&req)?, wanted(&req, &state)?);
    live(&state, lease)?;
    known(&state, lease, index).await?;
    let stored =
        state.artifacts.put_output(OutputSlot { lease, index }, body(payload, &state), wanted).await?;
    // The body may have taken longer than the lease lived. What is stored by then stays until it is swept: an
    // earlier upload of the same bytes may have landed.
    live(&state, lease)?;
    let upload =
        Upload { index, sha256: Digest(stored.sha256), size: stored.size, content_type: kind.into() };
    match state.engine.finish(lease, Command::Upload(UploadOutput { lease, upload })).await? {
        Finished::Stale => Err(stale(lease)),
        Finished::Answered(executed) => match &executed.answer {
            Stored::Refused(refusal) => Err(refused(refusal)),
            _ => {
                faults::pass(Point::OutputNoted);
                answer(
                    StatusCode::CREATED,
                    &UploadAnswer {
                        index,
                        size: stored.size,
                        sha256: Sha256(stored.sha256),
                        url: state.url(&output_path(lease.job, index)),
                    },
                )
            }
        },
    }
}

fn live(state: &ApiState, lease: LeaseId) -> Result<(), ApiError> {
    if state.engine.lease_is_live(lease) { Ok(()) } else { Err(stale(lease)) }
}

/// Judged before the body, so that nobody sends a gigabyte for nothing.
async fn known(state: &ApiState, lease: LeaseId, index: u32) -> Result<(), ApiError> {
    let outputs = state.engine.introduced(lease.job).await?.ok_or_else(|| stale(lease))?.outputs;
    if index < outputs {
        return Ok(());
    }
    Err(ApiError::field("n", format!("output {index} does not exist; the job has {outputs}, counted from 0")))
}
