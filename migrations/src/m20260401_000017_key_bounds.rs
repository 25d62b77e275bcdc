//! Keys that end by themselves, that say when they were used, and that have bounds of their own.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 4] = ["expires_at", "last_used_at", "rate_per_second", "burst"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let kind = match manager.get_database_backend() {
            DbBackend::Sqlite => "INTEGER",
            _ => "BIGINT",
        };
        for column in COLUMNS {
            let statement = format!("ALTER TABLE keys ADD COLUMN {column} {kind}");
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    /// A kill between two statements leaves the old schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
