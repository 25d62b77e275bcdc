//! What a database would do for a statement: for tests alone.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, Value};

/// The plan of a statement, a line for each step.
pub(crate) async fn plan(db: &DatabaseConnection, sql: &str, values: &[Value]) -> String {
    match db.get_database_backend() {
        DbBackend::Sqlite => lines(db, format!("EXPLAIN QUERY PLAN {sql}"), (values, 3)).await,
        _ => lines(db, format!("EXPLAIN {sql}"), (values, 0)).await,
    }
}

/// What SQLite's machine does for a statement, a line for each instruction.
pub(crate) async fn instructions(db: &DatabaseConnection, sql: &str) -> String {
    lines(db, format!("EXPLAIN {sql}"), (&[], 1)).await
}

async fn lines(db: &DatabaseConnection, sql: String, (values, column): (&[Value], usize)) -> String {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values.to_vec());
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap() + "\n").collect()
}
