//! Many slim rows as one value: the database packs them into one JSON text.
//!
//! For reads of a million rows, as at a start. Cell by cell, each value is copied by SQLite, sent from its thread and
//! looked up by name, which takes several times as long as finding the row. Nothing is diagnosed here: a text that
//! does not parse is read again by the caller, cell by cell, so that the damage is named.

use reeve_journal::StoreError;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, Query, SelectStatement};

use super::db::{row, unavailable};
use crate::row::packed::{array_of, list_of};

/// The rows of `select` as a JSON array of arrays with the cells of `columns`, in no certain order.
pub(crate) async fn packed<C: ConnectionTrait>(
    db: &C,
    columns: &str,
    select: SelectStatement,
) -> Result<String, StoreError> {
    let backend = db.get_database_backend();
    let pack = list_of(backend, &array_of(backend, columns));
    let whole = Query::select()
        .expr_as(Expr::cust(pack), Alias::new("page"))
        .from_subquery(select, Alias::new("slim"))
        .take();
    let Some(found) = row(db, whole).await? else { return Ok("[]".to_owned()) };
    // PostgreSQL packs no rows into a null.
    let text: Option<String> = found.try_get("", "page").map_err(unavailable)?;
    Ok(text.unwrap_or_else(|| "[]".to_owned()))
}
