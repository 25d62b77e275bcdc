//! The end of a workspace: closing it, and erasing what it says of people.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::Answer as Stored;
use reeve_protocol::WorkspaceView;
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, Phase};

use crate::error::Answer;
use crate::json::Bare;
use crate::query::path_id;
use crate::resources::reply;
use crate::state::ApiState;

/// Closes a workspace for good: no jobs, purchases or grants from now on. Waiting jobs are cancelled, running ones end
/// normally, payments can still be taken back.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/close", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace when it was closed", body = WorkspaceView)))]
pub(crate) async fn close(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let executed = state.engine.close(&workspace, input.call).await?;
    reply::workspace(&state, &executed, StatusCode::OK)
}

/// Erases a closed workspace: its name, owner, metadata, prompts, parameters, outputs and assets go for good; its
/// ledger and the figures of its receipts stay. 202 while that is under way, 200 once `erased_at` says that it is done.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/erase", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "It is erased", body = WorkspaceView),
        (status = 202, description = "It is being erased", body = WorkspaceView)))]
pub(crate) async fn erase(state: Data<ApiState>, req: HttpRequest, input: Bare) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let executed = state.engine.execute(&workspace, Command::Erase, input.call).await?;
    let is_done =
        matches!(&executed.answer, Stored::Workspace(view) if view.profile.phase() == Phase::Erased);
    reply::workspace(&state, &executed, if is_done { StatusCode::OK } else { StatusCode::ACCEPTED })
}
