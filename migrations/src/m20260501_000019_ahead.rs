//! Batches that are committed and not in the other tables yet, each as one row, with the statements that bring them in.
//! SQLite alone writes ahead.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::schema::{Storage, Table, int, text};

const TABLES: [Table; 2] = [
    Table {
        name: "ahead",
        columns: &[int("seq"), int("format"), text("body")],
        key: "seq",
        storage: Storage::Heap,
        constraints: &[],
        indexes: &[],
    },
    Table {
        name: "ahead_texts",
        columns: &[int("format"), text("text")],
        key: "format",
        storage: Storage::Heap,
        constraints: &[],
        indexes: &[],
    },
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        for table in TABLES {
            table.create(manager).await?;
        }
        Ok(())
    }

    /// A kill between two statements leaves the old schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
