//! Ends: how far that of a workspace is, what a closed job has lost, and which job another one repeats.
//!
//! None of it is indexed but the few workspaces that are closed and not erased: jobs are found by age in order of their
//! ids, which sort by time. Answers append, so that on SQLite the oldest come first by themselves; on PostgreSQL a
//! summary of page ranges finds them, which costs a commit next to nothing.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let (int, text) = if is_sqlite { ("INTEGER", "TEXT") } else { ("BIGINT", "TEXT COLLATE \"C\"") };
        let steps = [
            format!("ALTER TABLE workspaces ADD COLUMN phase {int} NOT NULL DEFAULT 0"),
            format!("ALTER TABLE jobs ADD COLUMN shed {int} NOT NULL DEFAULT 0"),
            format!("ALTER TABLE jobs ADD COLUMN retry_of {text}"),
            "CREATE INDEX workspaces_ending ON workspaces (id) WHERE phase IN (1, 2)".to_owned(),
        ];
        for step in &steps {
            db.execute_unprepared(step).await?;
        }
        if !is_sqlite {
            db.execute_unprepared("CREATE INDEX answers_by_age ON answers USING BRIN (at)").await?;
        }
        Ok(())
    }

    /// A kill between two statements leaves the old schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
