//! How a read reaches the database: errors become `StoreError`, several statements share a snapshot.

use reeve_faults::{self as faults, Point};
use reeve_journal::StoreError;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    QueryResult, TransactionOptions, TransactionTrait as _,
};

/// The environment's fault.
pub(crate) fn unavailable(error: DbErr) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// The rows of a select.
pub(crate) async fn rows<C: ConnectionTrait>(
    db: &C,
    select: SelectStatement,
) -> Result<Vec<QueryResult>, StoreError> {
    db.query_all(&select).await.map_err(unavailable)
}

/// The only row of a select.
pub(crate) async fn row<C: ConnectionTrait>(
    db: &C,
    select: SelectStatement,
) -> Result<Option<QueryResult>, StoreError> {
    Ok(rows(db, select).await?.into_iter().next())
}

/// A read transaction: all its statements see the same commit.
///
/// On SQLite the first statement takes the snapshot, and the writer is never blocked by it.
pub(crate) async fn snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, StoreError> {
    let options = match db.get_database_backend() {
        DbBackend::Sqlite => TransactionOptions::default(),
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        },
    };
    db.begin_with_options(options).await.map_err(unavailable)
}

/// Ends a snapshot. Nothing was written, so a failure here takes nothing away from what was read; its connection is
/// then looked at before another read gets it ([`crate::release`]).
pub(crate) async fn end(snapshot: DatabaseTransaction) {
    faults::pass(Point::ReaderBeforeRollback);
    if faults::fails(Point::ReaderBeforeRollback) {
        // As after an error in which SQLite ends the transaction by itself: there is none left to roll back.
        let _ = snapshot.execute_unprepared("ROLLBACK").await;
    }
    if let Err(error) = snapshot.rollback().await {
        tracing::debug!(%error, "a read transaction did not end cleanly");
    }
}
