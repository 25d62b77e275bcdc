//! The balance, lot by lot, now or as it will be if nothing is spent.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_actors::Balance;
use reeve_credits::catalog::Show;
use reeve_credits::lot::Lot;
use reeve_protocol::{Amount, BalanceQuery, BalanceView};
use reeve_types::{Credits, Millis, WorkspaceId};

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::{path_id, query};
use crate::state::ApiState;
use crate::view::lot;

/// Credits of a workspace.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/balance", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id"), BalanceQuery),
    responses((status = 200, description = "The balance", body = BalanceView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let id: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let at = query::<BalanceQuery>(&req)?.at.map(Millis::from);
    let balance = state.engine.balance(&id).await?.ok_or_else(|| ApiError::not_found("workspace"))?;
    if at.is_some_and(|at| at < balance.as_of) {
        return Err(ApiError::field(
            "at",
            "lies in the past; the ledger tells of it (`available_after`, `held_after`)",
        ));
    }
    let spent = spent_shown(&state, &balance).await?;
    ok(&view(&balance, at.unwrap_or(balance.as_of), spent))
}

/// Settled since the period's start, and what is held where the catalog shows a hold as spent.
async fn spent_shown(state: &ApiState, balance: &Balance) -> Result<Credits, ApiError> {
    let profile = &balance.view.profile;
    let reader = state.engine.reader();
    let settled = state.spent.settled(&**reader, &balance.view.id, profile.period_start).await?;
    let shows_held = state
        .engine
        .catalogs()
        .get(&profile.catalog)
        .is_some_and(|catalog| catalog.charge.show == Show::Spent);
    let held = if shows_held { balance.view.held } else { Credits::ZERO };
    Ok(settled.checked_add(held).unwrap_or(settled))
}

fn view(balance: &Balance, at: Millis, spent_shown: Credits) -> BalanceView {
    let lots: Vec<Lot> = balance.lots.iter().map(|lot| lot::forecast(lot, at)).collect();
    let usable = lots.iter().filter(|lot| lot.is_usable(at)).map(|lot| lot.terms.available);
    let usable = Credits::checked_sum(usable).unwrap_or(Credits::ZERO);
    let available = usable.checked_sub(balance.view.debt).unwrap_or(Credits::ZERO);
    let held = balance.view.held;
    BalanceView {
        available: Amount(available),
        held: Amount(held),
        balance: Amount(available.checked_add(held).unwrap_or(available)),
        debt: Amount(balance.view.debt),
        spent_shown: Amount(spent_shown),
        as_of: at.into(),
        lots: lots.iter().map(lot::view).collect(),
        next: lot::next(&lots, at),
    }
}
