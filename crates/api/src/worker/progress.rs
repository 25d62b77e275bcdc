//! Progress: never moves credits, never goes back, and is a sign of life.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::{ProgressAnswer, ProgressReport};
use reeve_types::LeaseId;

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::query::path_id;
use crate::state::ApiState;
use crate::text;
use crate::worker::stale;

/// How far an attempt is.
#[utoipa::path(post, path = "/v1/worker/leases/{lease}/progress", tag = "workers", request_body = ProgressReport,
    params(("lease" = String, Path, description = "Lease id")),
    responses((status = 200, description = "Heard; the lease is renewed", body = ProgressAnswer)))]
pub(crate) async fn report(state: Data<ApiState>, req: HttpRequest, input: Input<ProgressReport>) -> Answer {
    let lease: LeaseId = path_id(&req, "lease", "lease")?;
    let ProgressReport { fraction, stage, message } = input.body;
    if fraction.is_some_and(|fraction| !(0.0..=1.0).contains(&fraction)) {
        return Err(ApiError::field("/fraction", "must be 0 to 1"));
    }
    let report = reeve_actors::ProgressReport {
        fraction,
        stage: stage.as_deref().map(text::report),
        message: message.as_deref().map(text::report),
    };
    let heard = state.engine.progress(lease, report).await?.ok_or_else(|| stale(lease))?;
    ok(&ProgressAnswer { cancel: heard.cancel, expires_at: heard.expires_at.into() })
}
