//! Settings of a workspace, and which catalog it is on.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_protocol::{CatalogMove, Patch, WorkspacePatch, WorkspaceView};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, MoveCatalog, Reconfigure};

use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input};
use crate::query::path_id;
use crate::resources::reply;
use crate::resources::workspaces::zone;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX};

/// Changes what is named; what is left out stays. A time zone holds from the next local date on.
#[utoipa::path(patch, path = "/v1/workspaces/{ws}", tag = "workspaces", request_body = WorkspacePatch,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn patch(state: Data<ApiState>, req: HttpRequest, input: Input<WorkspacePatch>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let command = Command::Reconfigure(Box::new(wanted(body)?));
    reply::change(&state, &workspace, (command, call), StatusCode::OK).await
}

fn wanted(body: WorkspacePatch) -> Result<Reconfigure, ApiError> {
    let name = match body.name {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(name) => Some(Some(text::line("/name", &name, NAME_CHARS_MAX)?)),
    };
    let metadata = match body.metadata {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(metadata) => Some(text::metadata(Some(&metadata))?),
    };
    let concurrency_max = match body.max_concurrent {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(max) => Some(Some(max)),
    };
    Ok(Reconfigure {
        name,
        timezone: body.timezone.as_deref().map(zone).transpose()?,
        catalog_version: body.catalog_version,
        concurrency_max,
        allotment: body.allotment.map(Into::into),
        metadata,
        paused: None,
    })
}

/// Keeps every job of a workspace from starting; what runs goes on. Pausing what is paused changes nothing.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/pause", tag = "operating",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn pause(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    set_paused(&state, &req, input, true).await
}

/// Lets jobs of a paused workspace start again.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/resume", tag = "operating",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn resume(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    set_paused(&state, &req, input, false).await
}

async fn set_paused(state: &ApiState, req: &HttpRequest, input: Bare, paused: bool) -> Answer {
    let workspace: WorkspaceId = path_id(req, "ws", "workspace")?;
    let wanted = Reconfigure { paused: Some(paused), ..Reconfigure::default() };
    let command = Command::Reconfigure(Box::new(wanted));
    reply::change(state, &workspace, (command, input.call), StatusCode::OK).await
}

/// Moves a workspace to another version of its catalog, or to another catalog that has its plan. Lots and jobs keep
/// the terms they were made under (X6).
#[utoipa::path(post, path = "/v1/workspaces/{ws}/catalog", tag = "workspaces", request_body = CatalogMove,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn move_catalog(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<CatalogMove>,
) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body: CatalogMove { name, version }, call } = input;
    let command = Command::MoveCatalog(MoveCatalog { name, version });
    reply::change(&state, &workspace, (command, call), StatusCode::OK).await
}
