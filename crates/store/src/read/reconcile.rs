//! Sums of days over some workspaces, added up by the database: what comes back grows with the days, not with the jobs.
//!
//! Workspaces are taken in pages, each in one snapshot, so that no snapshot grows old over a large store. Those whose
//! last change lies before the span are passed over by their own row.

use reeve_journal::{DAY_MS, DaySpan, Days, Page, Reconciled, StoreError};
use reeve_types::Credits;
use reeve_workspace::Kind;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::db::unavailable;
use crate::row::cells::Cells;

/// The workspaces of a page that changed at or after the start of the span.
const CHANGED: &str = "(SELECT id FROM workspaces WHERE id > $1 AND id <= $2 AND last_event_at >= $3)";

/// One page of workspaces.
pub(crate) async fn reconcile<C: ConnectionTrait>(
    db: &C,
    span: DaySpan,
    page: &Page,
) -> Result<Reconciled, StoreError> {
    let first = page.after.clone().unwrap_or_default();
    let Some(last) = last_of(db, &first, page.limit).await? else { return Ok(Reconciled::default()) };
    let values = || -> Vec<Value> {
        vec![first.as_str().into(), last.as_str().into(), span.from.value().into(), span.to.value().into()]
    };
    let mut days = Days::new();
    for row in ask(db, &ledger_sql(), values()).await? {
        let cells = Cells::named(&row, "ledger", "days".to_owned());
        let amount = sum(&cells)?;
        let day = days.entry(cells.int("day")?).or_default();
        day.book(cells.word("kind", Kind::from_word)?, cells.int::<i64>("bought")? == 1, amount);
    }
    for row in ask(db, &purchases_sql(), values()).await? {
        let cells = Cells::named(&row, "purchases", "days".to_owned());
        let day = days.entry(cells.int("day")?).or_default();
        day.payments += cells.int::<u64>("many")?;
        day.paid += sum(&cells)?;
    }
    for row in ask(db, &outputs_sql(db.get_database_backend()), values()).await? {
        let cells = Cells::named(&row, "jobs", "days".to_owned());
        let day = days.entry(cells.int("day")?).or_default();
        day.delivered += cells.int::<u64>("many")?;
        day.charged += sum(&cells)?;
    }
    Ok(Reconciled { days, last: Some(last) })
}

/// The last workspace of the page after `first`.
async fn last_of<C: ConnectionTrait>(db: &C, first: &str, limit: u32) -> Result<Option<String>, StoreError> {
    let sql = "SELECT MAX(id) AS id FROM \
               (SELECT id FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2) AS page";
    let found = ask(db, sql, vec![first.into(), i64::from(limit).into()]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Cells::named(row, "workspaces", "page".to_owned()).opt_text("id")
}

async fn ask<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<sea_orm::QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_all_raw(statement).await.map_err(unavailable)
}

/// The day of an instant. Written so that days before the epoch are counted down: division cuts towards zero.
fn day_of(at: &str) -> String {
    format!("({at} - (({at} % {DAY_MS} + {DAY_MS}) % {DAY_MS})) / {DAY_MS}")
}

/// The sum of amounts in two parts, each within an integer of the database: whole credits, and millionths beside them.
fn sum_of(amount: &str) -> String {
    let part =
        |name, op| format!("CAST(COALESCE(SUM({amount} {op} {}), 0) AS BIGINT) AS {name}", Credits::SCALE);
    format!("{}, {}", part("whole", "/"), part("rest", "%"))
}

fn sum(cells: &Cells<'_>) -> Result<i128, StoreError> {
    let (whole, rest) = (cells.int::<i64>("whole")?, cells.int::<i64>("rest")?);
    Ok(i128::from(whole) * i128::from(Credits::SCALE) + i128::from(rest))
}

fn ledger_sql() -> String {
    format!(
        "SELECT {day} AS day, l.kind AS kind, \
         CAST(CASE WHEN l.kind = 'grant' AND EXISTS (SELECT 1 FROM purchases p WHERE p.workspace = l.workspace \
         AND p.lot = l.lot) THEN 1 ELSE 0 END AS BIGINT) AS bought, {sum} FROM ledger l \
         WHERE l.workspace IN {CHANGED} AND l.at >= $3 AND l.at < $4 GROUP BY 1, 2, 3",
        day = day_of("l.at"),
        sum = sum_of("l.amount")
    )
}

fn purchases_sql() -> String {
    format!(
        "SELECT {day} AS day, COUNT(*) AS many, {sum} FROM purchases p \
         WHERE p.workspace IN {CHANGED} AND p.confirmed_at >= $3 AND p.confirmed_at < $4 GROUP BY 1",
        day = day_of("p.confirmed_at"),
        sum = sum_of("p.credits")
    )
}

/// What landed, by the jobs' own rows.
fn outputs_sql(backend: DbBackend) -> String {
    let (each, state, credits) = match backend {
        DbBackend::Sqlite => ("json_each(j.outputs) AS o", "o.value ->> 'state'", "(o.value ->> 'credits')"),
        _ => (
            "jsonb_array_elements(j.outputs::jsonb) AS o(value)",
            "o.value ->> 'state'",
            "(o.value ->> 'credits')::bigint",
        ),
    };
    format!(
        "SELECT {day} AS day, COUNT(*) AS many, {sum} FROM jobs j, {each} \
         WHERE j.workspace IN {CHANGED} AND j.finished_at >= $3 AND j.finished_at < $4 \
         AND j.outputs IS NOT NULL AND {state} = 'landed' GROUP BY 1",
        day = day_of("j.finished_at"),
        sum = sum_of(credits)
    )
}
