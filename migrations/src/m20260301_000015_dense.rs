//! Fewer pages for each commit: the ledger in order of arrival, and indexes that a close leaves alone.
//!
//! A commit of many workspaces wrote a page or two of the ledger for each of them, because rows of 200 bytes lay in
//! order of workspace, and on SQLite whole rows in the inner pages of the tree as well. Now rows append, and only the
//! slim key is written at the workspace's place. `live` leaves the index that lists read: a close took an entry out of
//! one range and put it into another. What a rebuild reads has a partial index of its own, as small as what is live.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::m20260101_000005_ledger::APPENDED;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEXES: [&str; 3] = [
    "DROP INDEX jobs_by_workspace",
    "CREATE INDEX jobs_by_workspace ON jobs (workspace, id)",
    "CREATE INDEX jobs_live_by_workspace ON jobs (workspace, id) WHERE live = 1",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in INDEXES {
            db.execute_unprepared(statement).await?;
        }
        // PostgreSQL keeps every table in order of arrival.
        if manager.get_database_backend() == DbBackend::Sqlite {
            APPENDED.create(manager).await?;
            let columns = APPENDED.names();
            let copy = format!(
                "INSERT INTO ledger_appended ({columns}) SELECT {columns} FROM ledger ORDER BY workspace, seq"
            );
            for statement in
                [copy.as_str(), "DROP TABLE ledger", "ALTER TABLE ledger_appended RENAME TO ledger"]
            {
                db.execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }

    /// A kill between two statements leaves the old schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
