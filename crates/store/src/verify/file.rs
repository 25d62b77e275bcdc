//! Whether SQLite's pages are what they were written as, table by table.
//!
//! The other checks read rows by their keys; what else was written over, such as an index or the outbox, nobody would
//! notice before it is asked for. PostgreSQL looks after its own pages.

use reeve_journal::StoreError;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::DETAILS_MAX;
use super::tally::Tally;
use crate::read::unavailable;

/// Looks at every page of every table and index. One read for each table, so that no snapshot grows old.
pub(super) async fn check(db: &DatabaseConnection, tally: &mut Tally<'_>) -> Result<(), StoreError> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    let select = |sql: String| db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql));
    let names =
        select("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'".to_owned());
    for row in names.await.map_err(unavailable)? {
        let Ok(table) = row.try_get::<String>("", "name") else { continue };
        match select(format!("PRAGMA quick_check('{table}')")).await {
            Ok(rows) => {
                let said = rows.iter().filter_map(|row| row.try_get_by_index::<String>(0).ok());
                for what in said.filter(|what| what != "ok").take(DETAILS_MAX) {
                    tally.damaged(format!("table `{table}`: {what}"));
                }
            }
            Err(error) => tally.damaged(format!("table `{table}`: {error}")),
        }
    }
    Ok(())
}
