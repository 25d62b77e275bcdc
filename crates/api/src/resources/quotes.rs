//! What a job would cost now, and how long it would wait.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_protocol::{Amount, QuoteQueue, QuoteRequest, QuoteView};
use reeve_types::WorkspaceId;

use crate::error::{Answer, ApiError};
use crate::json::{Input, ok};
use crate::problem::refused;
use crate::query::path_id;
use crate::state::ApiState;
use crate::view::job::{lines, queue};

/// Prices an action without asking for it; also when the workspace cannot pay.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/quotes", tag = "jobs", request_body = QuoteRequest,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The price", body = QuoteView)))]
pub(crate) async fn create(state: Data<ApiState>, req: HttpRequest, input: Input<QuoteRequest>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let QuoteRequest { action, params } = input.body;
    let quoted = state.engine.quote(&workspace, action, Arc::new(params)).await?;
    let quoted =
        quoted.ok_or_else(|| ApiError::not_found("workspace"))?.map_err(|refusal| refused(&refusal))?;
    let place = queue(state.engine.queue_preview(&workspace, &quoted.pool).await);
    ok(&QuoteView {
        credits: Amount(quoted.quote.credits),
        lines: lines(&quoted.quote.lines),
        affordable: quoted.affordable,
        missing: Amount(quoted.missing),
        catalog_version: quoted.quote.catalog_version,
        queue: QuoteQueue {
            pool: quoted.pool,
            position: place.position,
            eta_seconds: place.eta_seconds,
            eta_p90_seconds: place.eta_p90_seconds,
            waiting_for: place.waiting_for,
        },
    })
}
