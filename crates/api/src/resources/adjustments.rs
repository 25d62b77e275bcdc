//! Credits that come by a referral or by an administrator's hand.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use reeve_actors::{Answer as Stored, Executed, LotsMoved};
use reeve_credits::catalog::ScopeName;
use reeve_journal::LedgerFilter;
use reeve_protocol::{AdjustmentCreate, AdjustmentView, ReferralCreate, ReferralView};
use reeve_types::{Credits, JobId, WorkspaceId};
use reeve_workspace::{Adjust, AdjustedJob, Command, Kind, Refer};

use crate::error::{Answer, ApiError};
use crate::json::{Input, answered};
use crate::query::path_id;
use crate::resources::reply;
use crate::state::ApiState;
use crate::text::{self, NAME_CHARS_MAX, REASON_CHARS_MAX};
use crate::view::workspace::summary;

/// Ledger rows of one job that are looked at: a job has a few per lot and output.
const JOB_ROWS_MAX: u32 = 10_000;

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
        other => Err(reply::unexpected(other, executed.replayed)),
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
    let job = match body.job {
        Some(job) => Some(adjusted_job(&state, &workspace, job).await?),
        None => None,
    };
    let adjust = Adjust {
        amount: body.amount.into(),
        reason: text::line("/reason", &body.reason, REASON_CHARS_MAX)?,
        expires_at: body.expires_at.map(Into::into),
        job,
        scope: body.scope.as_deref().map(scope).transpose()?,
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

fn scope(text: &str) -> Result<ScopeName, ApiError> {
    ScopeName::new(text).map_err(|e| ApiError::field("/scope", e.to_string()))
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
