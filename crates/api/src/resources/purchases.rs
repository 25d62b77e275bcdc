//! Credits that come by payment, by a referral or by an administrator's hand.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::{Answer as Stored, Executed, LotsMoved};
use reeve_journal::LedgerFilter;
use reeve_protocol::{
    AdjustmentCreate, AdjustmentView, Amount, ListQuery, Page, PurchaseCreate, PurchaseStatus, PurchaseView,
    ReferralCreate,
};
use reeve_types::{Credits, JobId, LotId, PurchaseId, WorkspaceId};
use reeve_workspace::{Adjust, AdjustedJob, Command, Kind, Purchase, PurchaseRow, Refer, Refusal};

use crate::error::{Answer, ApiError};
use crate::json::{Input, answer, answered, ok};
use crate::problem::refused;
use crate::query::{Part, parses, path_id, query};
use crate::resources::workspaces::existing;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX, REASON_CHARS_MAX};
use crate::view::workspace::summary;

/// Ledger rows of one job that are looked at: a job has a few per lot and output.
const JOB_ROWS_MAX: u32 = 10_000;

/// Credits for a payment. The same payment again is answered with its first purchase.
#[utoipa::path(post, path = "/v1/workspaces/{ws}/purchases", tag = "credits", request_body = PurchaseCreate,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Bought", body = PurchaseView),
        (status = 200, description = "This payment was used for this very purchase before", body = PurchaseView)))]
pub(crate) async fn create(state: Data<ApiState>, req: HttpRequest, input: Input<PurchaseCreate>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    if body.status.is_some_and(|status| status != PurchaseStatus::Paid) {
        return Err(ApiError::field(
            "/status",
            "only `paid` is taken: a purchase is reported once it is paid",
        ));
    }
    let purchase = Purchase {
        id: state.engine.new_purchase_id(),
        pack: text::optional("/pack", body.pack.as_deref(), NAME_CHARS_MAX)?,
        credits: body.credits.map(Into::into),
        payment: text::line("/payment", &body.payment, NAME_CHARS_MAX)?,
    };
    let executed = state.engine.execute(&workspace, Command::Purchase(Box::new(purchase)), call).await?;
    match &executed.answer {
        Stored::Purchase(row) => answered(StatusCode::CREATED, &view(&workspace, row), executed.replayed),
        Stored::Refused(Refusal::PaymentUsed { .. }) => {
            used_before(&state, &workspace, &body, &executed).await
        }
        Stored::Refused(refusal) => Err(refused(refusal).replayed(executed.replayed)),
        other => Err(ApiError::internal(format!("a purchase was answered with {other:?}"))),
    }
}

/// A payment that was used: by this very purchase, or by another one (KV-08).
async fn used_before(
    state: &ApiState,
    workspace: &WorkspaceId,
    body: &PurchaseCreate,
    executed: &Executed,
) -> Answer {
    let first = state.engine.reader().purchase_by_payment(&body.payment).await?;
    let same = |row: &PurchaseRow| match &body.pack {
        Some(pack) => row.pack.as_deref() == Some(pack.as_str()),
        None => row.pack.is_none() && body.credits == Some(Amount(row.credits)),
    };
    match (first, &executed.answer) {
        (Some((by, row)), _) if by == *workspace && same(&row) => {
            answer(StatusCode::OK, &view(workspace, &row))
        }
        (_, Stored::Refused(refusal)) => Err(refused(refusal).replayed(executed.replayed)),
        (_, other) => Err(ApiError::internal(format!("a purchase was answered with {other:?}"))),
    }
}

fn view(workspace: &WorkspaceId, row: &PurchaseRow) -> PurchaseView {
    PurchaseView {
        id: row.id,
        workspace: workspace.clone(),
        pack: row.pack.as_deref().map(ToOwned::to_owned),
        credits: Amount(row.credits),
        payment: row.payment.to_string(),
        status: status(&row.status),
        lot: row.lot,
        clawed_back: Amount::ZERO,
        unrecovered: Amount::ZERO,
        created_at: row.created_at.into(),
    }
}

fn status(word: &str) -> PurchaseStatus {
    match word {
        "pending" => PurchaseStatus::Pending,
        "failed" => PurchaseStatus::Failed,
        "refunded" => PurchaseStatus::Refunded,
        "disputed" => PurchaseStatus::Disputed,
        _ => PurchaseStatus::Paid,
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

/// What a referral gave.
#[derive(serde::Serialize, utoipa::ToSchema)]
pub(crate) struct ReferralView {
    pub friend: String,
    /// The lot that it made.
    #[schema(value_type = Option<String>)]
    pub lot: Option<LotId>,
}

/// A friend signed up: the bonus of the catalog, once per friend (KA-04).
#[utoipa::path(post, path = "/v1/workspaces/{ws}/referrals", tag = "credits", request_body = ReferralCreate,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Granted", body = ReferralView)))]
pub(crate) async fn refer(state: Data<ApiState>, req: HttpRequest, input: Input<ReferralCreate>) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    let refer = Refer { friend: text::line("/friend", &body.friend, NAME_CHARS_MAX)? };
    let executed = state.engine.execute(&workspace, Command::Refer(refer), call).await?;
    let moved = moved(&executed)?;
    let view = ReferralView { friend: body.friend, lot: moved.lots.first().copied() };
    answered(StatusCode::CREATED, &view, executed.replayed)
}

fn moved(executed: &Executed) -> Result<&LotsMoved, ApiError> {
    match &executed.answer {
        Stored::Lots(moved) => Ok(moved),
        Stored::Refused(refusal) => Err(refused(refusal).replayed(executed.replayed)),
        other => Err(ApiError::internal(format!("a grant was answered with {other:?}"))),
    }
}

/// Credits given or taken by hand, always with a reason (KV-16).
#[utoipa::path(post, path = "/v1/workspaces/{ws}/adjustments", tag = "credits", request_body = AdjustmentCreate,
    params(("ws" = String, Path, description = "Workspace id")),
    responses((status = 201, description = "Adjusted", body = AdjustmentView)))]
pub(crate) async fn adjust(
    state: Data<ApiState>,
    req: HttpRequest,
    input: Input<AdjustmentCreate>,
) -> Answer {
    let workspace: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let Input { body, call } = input;
    if body.scope.is_some() {
        return Err(ApiError::field("/scope", "adjustments with a scope are not taken; leave it out"));
    }
    let job = match body.job {
        Some(job) => Some(adjusted_job(&state, &workspace, job).await?),
        None => None,
    };
    let adjust = Adjust {
        amount: body.amount.into(),
        reason: text::line("/reason", &body.reason, REASON_CHARS_MAX)?,
        expires_at: body.expires_at.map(Into::into),
        job,
    };
    let executed = state.engine.execute(&workspace, Command::Adjust(adjust), call).await?;
    let moved = moved(&executed)?;
    let lot = moved.lots.first().copied().filter(|_| Credits::from(body.amount).is_positive());
    let view = AdjustmentView {
        amount: body.amount,
        reason: body.reason,
        lot,
        job: body.job,
        at: moved.at.into(),
        balance: summary(moved.available, moved.held),
    };
    answered(StatusCode::CREATED, &view, executed.replayed)
}

/// What a job settled, and what was given back for it before: a closed job has left memory, its rows tell.
async fn adjusted_job(
    state: &ApiState,
    workspace: &WorkspaceId,
    job: JobId,
) -> Result<AdjustedJob, ApiError> {
    let unknown = || ApiError::field("/job", "is not a job of this workspace");
    let record = state.engine.job(job).await?.filter(|record| record.intro.workspace == *workspace);
    let settled = record.ok_or_else(unknown)?.state.settled;
    let filter = LedgerFilter { job: Some(job), ..LedgerFilter::default() };
    let page = reeve_journal::Page { after: None, limit: JOB_ROWS_MAX };
    let rows = state.engine.reader().ledger(workspace, &filter, &page).await?;
    // A job's own rows never grant: a grant that names it gave something back for it.
    let given = rows.iter().filter(|row| row.kind == Kind::Grant).map(|row| row.amount);
    Ok(AdjustedJob { job, settled, adjusted: Credits::checked_sum(given).unwrap_or(settled) })
}
