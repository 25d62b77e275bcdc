//! Members' limits: how much of a workspace's credits one person may spend in a window.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::Answer as Stored;
use reeve_protocol::{Amount, MemberLimit, MemberPut, MemberView, MemberWindow, Page};
use reeve_types::{MemberId, WorkspaceId};

use crate::error::{Answer, ApiError};
use crate::json::{Input, answered, ok};
use crate::query::path_id;
use crate::resources::reply;
use crate::state::ApiState;

/// Sets a member's limit; without `limit` it is lifted. What the member holds counts to it.
#[utoipa::path(put, path = "/v1/workspaces/{ws}/members/{member}", tag = "workspaces", request_body = MemberPut,
    params(("ws" = String, Path, description = "Workspace id"), ("member" = String, Path, description = "Member")),
    responses((status = 200, description = "The member after it", body = MemberView)))]
pub(crate) async fn put(state: Data<ApiState>, req: HttpRequest, input: Input<MemberPut>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let member: MemberId = path_id(&req, "member", "member")?;
    let Input { body, call } = input;
    let limit = body.limit.map(|limit| reeve_workspace::MemberLimit {
        amount: limit.amount.into(),
        window: asked_window(limit.window),
    });
    let executed = state.engine.limit_member(&workspace, member.clone(), limit, call).await?;
    if let Stored::Refused(_) = &executed.answer {
        return Err(reply::unexpected(&executed.answer, executed.replayed));
    }
    let all = state.engine.members(&workspace).await?.unwrap_or_default();
    let found = all.iter().find(|known| known.id == member).map(view);
    let lifted =
        || MemberView { member, limit: body.limit, used: Amount::ZERO, held: Amount::ZERO, resets_at: None };
    answered(StatusCode::OK, &found.unwrap_or_else(lifted), executed.replayed)
}

/// Members who have, or had, a limit.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/members", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "All of them", body = Page<MemberView>)))]
pub(crate) async fn list(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let all = state.engine.members(&workspace).await?.ok_or_else(|| ApiError::not_found("workspace"))?;
    ok(&Page::only(all.iter().map(view).collect()))
}

fn view(member: &reeve_actors::MemberView) -> MemberView {
    MemberView {
        member: member.id.clone(),
        limit: member
            .limit
            .map(|limit| MemberLimit { amount: Amount(limit.amount), window: window(limit.window) }),
        used: Amount(member.settled),
        held: Amount(member.held),
        resets_at: member.resets_at.map(Into::into),
    }
}

const fn window(window: reeve_workspace::MemberWindow) -> MemberWindow {
    match window {
        reeve_workspace::MemberWindow::Day => MemberWindow::Day,
        reeve_workspace::MemberWindow::Month => MemberWindow::Month,
        reeve_workspace::MemberWindow::BillingMonth => MemberWindow::BillingMonth,
    }
}

const fn asked_window(window: MemberWindow) -> reeve_workspace::MemberWindow {
    match window {
        MemberWindow::Day => reeve_workspace::MemberWindow::Day,
        MemberWindow::Month => reeve_workspace::MemberWindow::Month,
        MemberWindow::BillingMonth => reeve_workspace::MemberWindow::BillingMonth,
    }
}
