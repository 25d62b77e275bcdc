//! What a database would do for a statement: for tests alone.

use std::sync::Arc;

use reeve_testkit::postgres::Cluster;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement, Value};

use crate::{Store, StoreSettings};

/// The plans of a statement in new files of both databases: SQLite's text first, then PostgreSQL's where that is installed.
/// Nobody has analysed their tables yet, which is what a new server fills.
pub(crate) async fn plans((sqlite, postgres): (&str, &str), values: &[Value]) -> Vec<String> {
    let made = async |settings: StoreSettings| {
        Store::open(settings, Arc::new(|_| {})).await.unwrap().close().await;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    made(StoreSettings::sqlite(&path)).await;
    let db = Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
    let mut plans = vec![plan(&db, sqlite, values).await];
    if let Some(cluster) = Cluster::start(&["fsync=off"]) {
        let url = cluster.new_database();
        made(StoreSettings::postgres(&url)).await;
        plans.push(plan(&Database::connect(url).await.unwrap(), postgres, values).await);
    }
    plans
}

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
