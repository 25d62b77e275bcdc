//! The balance, lot by lot: now, as it was, or as it will be if nothing is spent.

use actix_web::HttpRequest;
use actix_web::web::Data;
use reeve_actors::Balance;
use reeve_credits::calendar::{Period, boundary, period_at};
use reeve_credits::catalog::Show;
use reeve_credits::lot::Lot;
use reeve_journal::UsageFilter;
use reeve_protocol::{Amount, BalanceQuery, BalanceView, NextChange};
use reeve_types::{Credits, Millis, WorkspaceId};

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::problem::refused;
use crate::query::{path_id, query};
use crate::state::ApiState;
use crate::view::ledger::kind;
use crate::view::lot;

/// Credits of a workspace. `at` may lie in the past, told by the ledger, or in the future, told by the calendar.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/balance", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id"), BalanceQuery),
    responses((status = 200, description = "The balance", body = BalanceView)))]
pub(crate) async fn get(state: Data<ApiState>, req: HttpRequest) -> Answer {
    let id: WorkspaceId = path_id(&req, "ws", "workspace")?;
    let gone = || ApiError::not_found("workspace");
    let Some(at) = query::<BalanceQuery>(&req)?.at.map(Millis::from) else {
        let balance = state.engine.balance(&id).await?.ok_or_else(gone)?;
        let spent = spent_now(&state, &balance).await?;
        return ok(&view(&balance, spent));
    };
    let balance = state.engine.balance_at(&id, at).await?.ok_or_else(gone)?;
    let balance = balance.map_err(|refusal| refused(&refusal))?;
    let spent = spent_at(&state, &balance).await?;
    ok(&view(&balance, spent))
}

/// Settled since the period's start, and what is held where the catalog shows a hold as spent.
async fn spent_now(state: &ApiState, balance: &Balance) -> Result<Credits, ApiError> {
    let reader = state.engine.reader();
    let since = balance.view.profile.period_start;
    let settled = state.spent.settled(&**reader, &balance.view.id, since).await?;
    Ok(with_held(state, balance, settled))
}

/// The same at another instant: counted from the month that it lies in where its period is not the present one.
async fn spent_at(state: &ApiState, balance: &Balance) -> Result<Credits, ApiError> {
    let (profile, at) = (&balance.view.profile, balance.as_of);
    let since = if at >= profile.period_start {
        profile.period_start
    } else if at >= profile.anchor_at {
        let month = period_at(profile.anchor_at, Period::Month, at);
        boundary(profile.anchor_at, Period::Month, month.n)
    } else {
        profile.created_at
    };
    let filter = UsageFilter { from: Some(since), to: Some(at.plus_ms(1)), member: None };
    let rows = state.engine.usage(&balance.view.id, &filter, &[]).await?;
    let settled = rows.first().map_or(Credits::ZERO, |row| row.settled);
    Ok(with_held(state, balance, settled))
}

fn with_held(state: &ApiState, balance: &Balance, settled: Credits) -> Credits {
    let profile = &balance.view.profile;
    let shelf = state.engine.shelf();
    let catalog = shelf.version(&profile.catalog, profile.catalog_version);
    let shows_held = catalog.is_some_and(|catalog| catalog.charge.show == Show::Spent);
    let held = if shows_held { balance.view.held } else { Credits::ZERO };
    settled.checked_add(held).unwrap_or(settled)
}

fn view(balance: &Balance, spent_shown: Credits) -> BalanceView {
    let at = balance.as_of;
    let (available, held) = (balance.view.available, balance.view.held);
    let lots = balance.lots.iter().map(|known| lot::as_of(known, (known.granted, known.terms), at));
    let lots: Vec<Lot> = lots.filter(|lot| !lot.is_spent()).collect();
    BalanceView {
        available: Amount(available),
        held: Amount(held),
        balance: Amount(available.checked_add(held).unwrap_or(available)),
        debt: Amount(balance.view.debt),
        spent_shown: Amount(spent_shown),
        as_of: at.into(),
        lots: lots.iter().map(lot::view).collect(),
        next: balance.next.map(|next| NextChange {
            at: next.at.into(),
            what: kind(next.kind).as_str().to_owned(),
            amount: Amount(next.amount),
        }),
    }
}
