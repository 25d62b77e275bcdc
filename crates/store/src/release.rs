//! What a reader's connection must be like before another read gets it.
//!
//! Used where pools are made. Guarantees: no read begins within what is left of another one's transaction, and no
//! connection whose answer never came keeps its place in the pool.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{Connection as _, Error, Postgres, Sqlite};

use crate::patience::Patience;
use crate::task;

/// Longest wait for a sign of life of a connection that is suspect.
const SIGN_MAX: Duration = Duration::from_secs(2);

/// Closes a connection to a file that is still in a transaction.
///
/// The driver counts transactions by itself. After a ROLLBACK that failed it counts one too many for ever: what it then
/// takes for the end of a read is only the end of a savepoint, so that this reader would see the store as it was at that
/// moment, and keep the log from beginning anew.
pub(crate) fn out_of_transactions(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.after_release(|connection, _| {
        Box::pin(async move {
            if connection.is_in_transaction() {
                // A read that was given up has its ROLLBACK still under way: it is over once this is answered.
                connection.ping().await?;
            }
            let ended = !connection.is_in_transaction();
            if !ended {
                tracing::warn!("a reader's transaction did not end; its connection is replaced");
            }
            Ok(ended)
        })
    })
}

/// Closes a connection to a server that gives no sign of life after a read was given up. Without that it would be asked
/// for one without a bound, and hold its place in the pool meanwhile. Usually nothing is asked here, since the pool
/// itself asks every connection that comes back.
pub(crate) fn with_a_sign_of_life(
    options: PoolOptions<Postgres>,
    patience: Arc<Patience>,
) -> PoolOptions<Postgres> {
    options.after_release(move |connection, _| {
        let patience = patience.clone();
        Box::pin(async move {
            if patience.is_strained() {
                task::within(SIGN_MAX, connection.ping()).await.unwrap_or(Err(Error::PoolTimedOut))?;
            }
            Ok(true)
        })
    })
}

#[cfg(test)]
mod tests {
    use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
    use sea_orm::sqlx::{self, SqliteConnection, SqlitePool};

    use super::*;

    async fn count(pool: &SqlitePool) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(pool).await.unwrap()
    }

    /// Rows that a reader sees of one, which is written after a read whose ROLLBACK failed and one that went well.
    async fn seen(readers: PoolOptions<Sqlite>) -> i64 {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteConnectOptions::new().filename(folder.path().join("t.db")).create_if_missing(true);
        let file = file.journal_mode(SqliteJournalMode::Wal);
        let mut writer = SqliteConnection::connect_with(&file).await.unwrap();
        sqlx::query("CREATE TABLE t (n)").execute(&mut writer).await.unwrap();
        let pool = readers.max_connections(1).connect_with(file).await.unwrap();

        let mut ended_by_itself = pool.begin().await.unwrap();
        sqlx::query("ROLLBACK").execute(&mut *ended_by_itself).await.unwrap();
        assert!(ended_by_itself.rollback().await.is_err());
        let mut in_order = pool.begin().await.unwrap();
        sqlx::query("SELECT count(*) FROM t").execute(&mut *in_order).await.unwrap();
        in_order.rollback().await.unwrap();
        sqlx::query("INSERT INTO t VALUES (1)").execute(&mut writer).await.unwrap();
        count(&pool).await
    }

    #[tokio::test]
    async fn a_connection_whose_rollback_failed_is_not_used_again() {
        assert_eq!(seen(PoolOptions::new()).await, 0, "when the driver mends this, drop the rule");
        assert_eq!(seen(out_of_transactions(PoolOptions::new())).await, 1);
    }
}
