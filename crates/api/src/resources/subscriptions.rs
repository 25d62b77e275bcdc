//! Subscriptions: plans taken, changed, cancelled and resumed; renewals by payment; trials; money given back.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_protocol::{
    Amount, Code, PaymentStatus, RefundProposalView, RenewalCreate, SubscriptionChange, SubscriptionRefund,
    WorkspaceView,
};
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, RefundSubscription, Renew, Subscribe};

use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input, ok};
use crate::query::path_id;
use crate::resources::reply;
use crate::resources::workspaces::seats;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX, REASON_CHARS_MAX};
use crate::view::workspace::asked_interval;

/// Another plan, allotment, interval or number of seats: up at once, down at the end of what is paid. The present
/// one takes a scheduled change back (X22).
#[utoipa::path(post, path = "/v1/workspaces/{ws}/subscription", tag = "subscriptions",
    request_body = SubscriptionChange, params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn change(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<SubscriptionChange>,
) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let subscribe = Subscribe {
        plan: body.plan,
        allotment: body.allotment.map(Into::into),
        interval: body.interval.map(asked_interval),
        seats: body.seats.map(|count| seats(Some(count))).transpose()?,
    };
    reply::change(&state, &workspace, (Command::Subscribe(subscribe), call), StatusCode::OK).await
}

/// Cancels at the end of what is paid (X24).
#[utoipa::path(delete, path = "/v1/workspaces/{ws}/subscription", tag = "subscriptions",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn cancel(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    reply::change(&state, &workspace, (Command::CancelSubscription, bare.call), StatusCode::OK).await
}

/// Takes a scheduled change or cancel back; does nothing when there is none.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/subscription/resume", tag = "subscriptions",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn resume(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    reply::change(&state, &workspace, (Command::ResumeSubscription, bare.call), StatusCode::OK).await
}

/// What a refund of the subscription would be now (KF-08, KF-10). On a plan that is not paid for there is none.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/subscription/refund_proposal", tag = "subscriptions",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The proposal", body = RefundProposalView)))]
pub(crate) async fn refund_proposal(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let proposal = state.engine.refund_proposal(&workspace).await?;
    let proposal = proposal.ok_or_else(|| ApiError::not_found("workspace"))?;
    let unpaid = "the plan is not paid for; there is nothing to give back";
    let proposal = proposal.ok_or_else(|| ApiError::new(Code::RefundRefused, unpaid))?;
    ok(&RefundProposalView {
        unused_months: proposal.unused_months,
        of_months: proposal.of_months,
        credits_to_retire: Amount(proposal.credits_to_retire),
        in_full: proposal.in_full,
    })
}

/// Gives a subscription's payment back: ends it now and takes the rest of its credits.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/subscription/refund", tag = "subscriptions",
    request_body = SubscriptionRefund, params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn refund(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<SubscriptionRefund>,
) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let refund = RefundSubscription {
        payment: text::line("/payment", &body.payment, NAME_CHARS_MAX)?,
        reason: text::line("/reason", &body.reason, REASON_CHARS_MAX)?,
    };
    reply::change(&state, &workspace, (Command::RefundSubscription(refund), call), StatusCode::OK).await
}

/// How the payment of a term went (KV-26): before its boundary it is remembered, after it the boundary is made good.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/renewals", tag = "subscriptions", request_body = RenewalCreate,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 200, description = "The workspace after it", body = WorkspaceView)))]
pub(crate) async fn renew(state: Data<ApiState>, req: HttpRequest, input: Input<RenewalCreate>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let renew = Renew {
        payment: text::line("/payment", &body.payment, NAME_CHARS_MAX)?,
        paid: body.status == PaymentStatus::Paid,
    };
    reply::change(&state, &workspace, (Command::Renew(renew), call), StatusCode::OK).await
}

/// Starts the catalog's trial, once per user (KV-24).
#[utoipa::path(post, path = "/v1/workspaces/{ws}/trial", tag = "subscriptions",
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Started; the workspace after it", body = WorkspaceView)))]
pub(crate) async fn start_trial(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    reply::change(&state, &workspace, (Command::StartTrial, bare.call), StatusCode::CREATED).await
}
