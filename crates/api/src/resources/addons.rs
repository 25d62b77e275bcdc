//! Add-ons: units of recurring credits beside the plan.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_credits::catalog::AddonName;
use reeve_protocol::{AddonPut, WorkspaceView};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, SetAddon};

use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input};
use crate::query::path_id;
use crate::resources::reply;
use crate::state::ApiState;

/// So many units: more at once, fewer from the next month on (X23).
#[utoipa::path(put, path = "/v1/workspaces/{ws}/addons/{addon}", tag = "subscriptions", request_body = AddonPut,
    params(("ws" = String, Path, description = "Workspace id"), ("addon" = String, Path, description = "Add-on")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, input: Input<AddonPut>) -> Answer {
    let (workspace, addon) = named(&req)?;
    let Input { body: AddonPut { units }, call } = input;
    let command = Command::SetAddon(SetAddon { addon, units });
    reply::change(&state, &workspace, (command, call), StatusCode::OK).await
}

/// Cancels all units at the end of the month (AS-08).
#[utoipa::path(delete, path = "/v1/workspaces/{ws}/addons/{addon}", tag = "subscriptions",
    params(("ws" = String, Path, description = "Workspace id"), ("addon" = String, Path, description = "Add-on")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn cancel(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let (workspace, addon) = named(&req)?;
    let command = Command::CancelAddon { addon };
    reply::change(&state, &workspace, (command, bare.call), StatusCode::OK).await
}

fn named(req: &HttpRequest) -> Result<(WorkspaceId, AddonName), ApiError> {
    let text = req.match_info().get("addon").unwrap_or_default();
    let addon = AddonName::new(text).map_err(|_| ApiError::not_found("add-on"))?;
    Ok((path_id(req, "ws", "workspace")?, addon))
}
