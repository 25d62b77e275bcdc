//! Purchases: recorded, confirmed, failed, given back, charged back and won again. A payment grants once (KV-08).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::{Answer as Stored, Call, Executed};
use reeve_protocol::{
    Amount, ListQuery, Page, PurchaseCreate, PurchaseStatus, PurchaseView, RefundKind, RefundRequest,
};
use reeve_types::{PurchaseId, WorkspaceId};
use reeve_workspace::{Command, Purchase, PurchaseRow, RefundPurchase, Refusal};

use crate::error::{Answer, ApiError};
use crate::json::{Bare, Input, answer, answered, ok};
use crate::query::{Part, parses, path_id, query};
use crate::resources::reply;
use crate::resources::workspaces::existing;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX, REASON_CHARS_MAX};

/// Credits for a payment. The same payment again is answered with its first purchase; told `paid` after `pending`,
/// it is confirmed.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/purchases", tag = "credits", request_body = PurchaseCreate,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Recorded", body = PurchaseView),
        (status = 200, description = "This payment was used for this very purchase before", body = PurchaseView)))]
pub(crate) async fn create(state: Data<ApiState>, req: HttpRequest, input: Input<PurchaseCreate>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let pending = match body.status {
        None | Some(PurchaseStatus::Paid) => false,
        Some(PurchaseStatus::Pending) => true,
        Some(_) => {
            return Err(ApiError::field("/status", "a new purchase is `paid` or `pending`"));
        }
    };
    let purchase = Purchase {
        id: state.engine.new_purchase_id(),
        pack: text::optional("/pack", body.pack.as_deref(), NAME_CHARS_MAX)?,
        credits: body.credits.map(Into::into),
        payment: text::line("/payment", &body.payment, NAME_CHARS_MAX)?,
        pending,
    };
    let again = Call { meta: call.meta.clone(), idempotency: None };
    let executed = state.engine.execute(&workspace, Command::Purchase(Box::new(purchase)), call).await?;
    match &executed.answer {
        Stored::Purchase(row) => answered(StatusCode::CREATED, &view(&workspace, row), executed.replayed),
        Stored::Refused(Refusal::PaymentUsed { .. }) => {
            used_before(&state, &workspace, &body, (executed, again)).await
        }
        other => Err(reply::unexpected(other, executed.replayed)),
    }
}

/// A payment that was used: by this very purchase, or by another one (KV-08).
async fn used_before(
    state: &ApiState,
    workspace: &WorkspaceId,
    body: &PurchaseCreate,
    (executed, call): (Executed, Call),
) -> Answer {
    let first = state.engine.reader().purchase_by_payment(&body.payment).await?;
    let same = |row: &PurchaseRow| match &body.pack {
        Some(pack) => row.pack.as_deref() == Some(pack.as_str()),
        None => row.pack.is_none() && body.credits == Some(Amount(row.credits)),
    };
    let Some((_, row)) = first.filter(|(by, row)| by == workspace && same(row)) else {
        return Err(reply::unexpected(&executed.answer, executed.replayed));
    };
    let paid_since = row.status == reeve_workspace::PurchaseStatus::Pending
        && body.status != Some(PurchaseStatus::Pending);
    if paid_since {
        let confirm = Command::ConfirmPurchase { purchase: row.id };
        let confirmed = state.engine.execute(workspace, confirm, call).await?;
        return match &confirmed.answer {
            Stored::Purchase(row) => answer(StatusCode::OK, &view(workspace, row)),
            other => Err(reply::unexpected(other, confirmed.replayed)),
        };
    }
    answer(StatusCode::OK, &view(workspace, &row))
}

/// A purchase as the wire shows it.
fn view(workspace: &WorkspaceId, row: &PurchaseRow) -> PurchaseView {
    PurchaseView {
        id: row.id,
        workspace: workspace.clone(),
        pack: row.pack.as_deref().map(ToOwned::to_owned),
        credits: Amount(row.credits),
        payment: row.payment.to_string(),
        status: status(row.status),
        lot: row.lot,
        refunded: Amount(row.reversed),
        clawed_back: Amount(row.clawed_back),
        unrecovered: Amount(row.unrecovered),
        restored: row.restored,
        created_at: row.created_at.into(),
        confirmed_at: row.confirmed_at.map(Into::into),
    }
}

const fn status(status: reeve_workspace::PurchaseStatus) -> PurchaseStatus {
    match status {
        reeve_workspace::PurchaseStatus::Pending => PurchaseStatus::Pending,
        reeve_workspace::PurchaseStatus::Paid => PurchaseStatus::Paid,
        reeve_workspace::PurchaseStatus::Failed => PurchaseStatus::Failed,
        reeve_workspace::PurchaseStatus::Refunded => PurchaseStatus::Refunded,
        reeve_workspace::PurchaseStatus::ChargedBack => PurchaseStatus::ChargedBack,
    }
}

/// Purchases in order of id.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/purchases", tag = "credits",
    params(("ws" = String, Path, description = "Workspace id"), ListQuery),
    responses((status = 200, description = "A page", body = Page<PurchaseView>)))]
pub(crate) async fn list(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let workspace = existing(&state, &req).await?;
    let ListQuery { limit, cursor } = query(&req)?;
    let part = Part::new(limit, cursor, parses::<PurchaseId>)?;
    let rows = state.engine.reader().purchases(&workspace, &part.page).await?;
    ok(&part.page(rows, |row| row.id.to_string(), |row| view(&workspace, row)))
}

/// The payment of a pending purchase arrived: its credits are granted, once.
#[utoipa::path(post, path = "/v1/purchases/{id}/confirm", tag = "credits",
    params(("id" = String, Path, description = "Purchase id")),
    responses((status = 200, description = "The purchase after it", body = PurchaseView)))]
pub(crate) async fn confirm(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let (workspace, purchase) = found(&state, &req).await?;
    change(&state, &workspace, (Command::ConfirmPurchase { purchase }, bare.call)).await
}

/// The payment of a pending purchase failed: it stops counting to the cap.
#[utoipa::path(post, path = "/v1/purchases/{id}/fail", tag = "credits",
    params(("id" = String, Path, description = "Purchase id")),
    responses((status = 200, description = "The purchase after it", body = PurchaseView)))]
pub(crate) async fn fail(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let (workspace, purchase) = found(&state, &req).await?;
    change(&state, &workspace, (Command::FailPurchase { purchase }, bare.call)).await
}

/// Takes a purchase back: for the buyer within the catalog's window, for the bank, or for an admin with a reason.
#[utoipa::path(post, path = "/v1/purchases/{id}/refund", tag = "credits", request_body = RefundRequest,
    params(("id" = String, Path, description = "Purchase id")),
    responses((status = 200, description = "The purchase after it", body = PurchaseView)))]
pub(crate) async fn refund(state: Data<ApiState>, req: HttpRequest, input: Input<RefundRequest>) -> Answer {
    let (workspace, purchase) = found(&state, &req).await?;
    let Input { body, call } = input;
    if body.kind == RefundKind::Requested && body.credits.is_some() {
        return Err(ApiError::field("/credits", "a refund on request is whole; leave it out"));
    }
    let refund = RefundPurchase {
        purchase,
        kind: match body.kind {
            RefundKind::Requested => reeve_workspace::RefundKind::Requested,
            RefundKind::Chargeback => reeve_workspace::RefundKind::Chargeback,
            RefundKind::Admin => reeve_workspace::RefundKind::Admin,
        },
        reason: text::optional("/reason", body.reason.as_deref(), REASON_CHARS_MAX)?,
        credits: body.credits.map(Into::into),
    };
    change(&state, &workspace, (Command::RefundPurchase(refund), call)).await
}

/// A dispute was won: what the chargeback took comes back, once.
#[utoipa::path(post, path = "/v1/purchases/{id}/dispute_won", tag = "credits",
    params(("id" = String, Path, description = "Purchase id")),
    responses((status = 200, description = "The purchase after it", body = PurchaseView)))]
pub(crate) async fn win_dispute(state: Data<ApiState>, req: HttpRequest, bare: Bare) -> Answer {
    let (workspace, purchase) = found(&state, &req).await?;
    change(&state, &workspace, (Command::WinDispute { purchase }, bare.call)).await
}

/// The purchase of the path, and whose it is.
async fn found(state: &ApiState, req: &HttpRequest) -> Result<(WorkspaceId, PurchaseId), ApiError> {
    let id: PurchaseId = path_id(req, "id", "purchase")?;
    let known = state.engine.reader().purchase(id).await?;
    known.map(|(workspace, _)| (workspace, id)).ok_or_else(|| ApiError::not_found("purchase"))
}

async fn change(state: &ApiState, workspace: &WorkspaceId, (command, call): (Command, Call)) -> Answer {
    let executed = state.engine.execute(workspace, command, call).await?;
    match &executed.answer {
        Stored::Purchase(row) => answered(StatusCode::OK, &view(workspace, row), executed.replayed),
        other => Err(reply::unexpected(other, executed.replayed)),
    }
}
