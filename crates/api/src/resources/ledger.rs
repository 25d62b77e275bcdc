//! The ledger: pages of rows, or a whole statement as CSV.

use actix_web::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::Stream;
use reeve_credits::catalog::History;
use reeve_journal::{LedgerFilter, Page as Rows, Role};
use reeve_protocol::{Code, LedgerQuery, LedgerRow, Page};
use reeve_types::WorkspaceId;
use reeve_workspace::Row;

use crate::error::{Answer, ApiError};
use crate::json::ok;
use crate::query::{Part, query};
use crate::resources::workspaces::folded;
use crate::roles::Caller;
use crate::state::ApiState;
use crate::view::ledger::{CSV_HEAD, asked_kind, csv_line, view};

/// Rows of a statement that are read at once.
const STATEMENT_ROWS: u32 = 1_000;

/// Rows in order of sequence. With `Accept: text/csv` all that match come as one statement, whatever the limit.
#[utoipa::path(get, path = "/v1/workspaces/{ws}/ledger", tag = "workspaces",
    params(("ws" = String, Path, description = "Workspace id"), LedgerQuery),
    responses((status = 200, description = "A page, or a statement", content(
        (Page<LedgerRow> = "application/json"), (String = "text/csv")))))]
pub(crate) async fn list(state: Data<ApiState>, caller: Caller, req: HttpRequest) -> Answer {
    let workspace = folded(&state, &req).await?;
    may_read(&state, &caller, &workspace).await?;
    let LedgerQuery { job, member, kind, from, to, limit, cursor } = query(&req)?;
    let filter = LedgerFilter {
        job,
        member,
        kind: kind.map(asked_kind),
        from: from.map(Into::into),
        to: to.map(Into::into),
    };
    if wants_csv(&req) {
        return Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8; header=present"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"ledger-{workspace}.csv\"")))
            .streaming(statement(state, workspace, filter)));
    }
    // Rows are numbered within what a database counts: a larger number would begin from the start again.
    let is_seq = |text: &str| text.parse::<i64>().is_ok_and(|seq| seq >= 0);
    let part = Part::new(limit, cursor, is_seq)?;
    let rows = state.engine.reader().ledger(&workspace, &filter, &part.page).await?;
    ok(&part.page(rows, |row| row.seq.to_string(), view))
}

/// KV-29: a product may keep the history from its customers' own keys; the platform always sees it.
async fn may_read(state: &ApiState, caller: &Caller, workspace: &WorkspaceId) -> Result<(), ApiError> {
    if caller.role != Role::Workspace {
        return Ok(());
    }
    let Some(record) = state.engine.reader().workspace(workspace).await? else { return Ok(()) };
    let shelf = state.engine.shelf();
    let catalog = shelf.version(&record.profile.catalog, record.profile.catalog_version);
    match catalog.map(|catalog| catalog.history) {
        Some(History::BalanceOnly) => {
            Err(ApiError::new(Code::Forbidden, "this product shows balances only; ask the platform"))
        }
        _ => Ok(()),
    }
}

/// CSV when it is named and JSON is not named before it.
pub(crate) fn wants_csv(req: &HttpRequest) -> bool {
    let accept = req.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kinds = accept.split(',').map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kinds.into_iter().find(|kind| matches!(*kind, "text/csv" | "application/json")) == Some("text/csv")
}

/// The whole statement, page by page, so that its size does not matter. A store that fails on the way cuts the
/// body off, which HTTP shows as an incomplete answer.
fn statement(
    state: Data<ApiState>,
    workspace: WorkspaceId,
    filter: LedgerFilter,
) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let start = Some(Rows { after: None, limit: STATEMENT_ROWS });
    futures_util::stream::unfold(start, move |next| {
        let (state, workspace, filter) = (state.clone(), workspace.clone(), filter.clone());
        async move {
            let page = next?;
            match state.engine.reader().ledger(&workspace, &filter, &page).await {
                Err(e) => Some((Err(e.into()), None)),
                Ok(rows) => Some((Ok(lines(&rows, page.after.is_none())), following(&rows))),
            }
        }
    })
}

fn lines(rows: &[Row], with_head: bool) -> Bytes {
    let head = if with_head { CSV_HEAD } else { "" };
    rows.iter().fold(head.to_owned(), |text, row| text + &csv_line(row)).into()
}

fn following(rows: &[Row]) -> Option<Rows> {
    let full = rows.len() >= STATEMENT_ROWS as usize;
    rows.last().filter(|_| full).map(|row| Rows { after: Some(row.seq.to_string()), limit: STATEMENT_ROWS })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_statement_comes_only_when_it_is_asked_for_first() {
        let of = |accept: &str| {
            wants_csv(&TestRequest::default().insert_header((ACCEPT, accept)).to_http_request())
        };
        assert!(of("text/csv") && of("text/html, text/csv;q=0.9, application/json;q=0.8"));
        assert!(!of("application/json, text/csv") && !of("*/*") && !of(""));
    }
}
