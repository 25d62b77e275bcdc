//! What the tests of the store share: stores in folders, and a decider that makes real change sets.

pub mod desk;
pub mod postgres;

use std::path::Path;
use std::sync::Arc;

use reeve_store::{FatalHook, Store, StoreSettings};

/// A hook that fails the test's process where no fatal error is expected.
pub fn no_fatal() -> FatalHook {
    Arc::new(|why| panic!("the journal gave up: {why}"))
}

/// A store on a file.
pub async fn sqlite(path: &Path) -> Store {
    Store::open(StoreSettings::sqlite(path), no_fatal()).await.unwrap()
}

/// The same, with batches of so many change sets written ahead of the tables; 0 for none.
pub async fn sqlite_ahead(path: &Path, ahead_changes_min: usize) -> Store {
    let settings = StoreSettings { ahead_changes_min, ..StoreSettings::sqlite(path) };
    Store::open(settings, no_fatal()).await.unwrap()
}

/// A connection of a test's own to a SQLite file.
pub async fn raw(path: &Path) -> sea_orm::DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

/// Changes a closed store behind its back, past its own constraints.
pub async fn tamper(path: &Path, statements: &[&str]) {
    use sea_orm::ConnectionTrait as _;
    let db = raw(path).await;
    db.execute_unprepared("PRAGMA ignore_check_constraints = ON").await.unwrap();
    for sql in statements {
        let done = db.execute_unprepared(sql).await.unwrap();
        assert!(!sql.starts_with("UPDATE") || done.rows_affected() > 0, "{sql} changed nothing");
    }
    db.close().await.unwrap();
}
