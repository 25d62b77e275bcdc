//! Webhooks: who hears of what the outbox tells, what became of each delivery, and how far the outbox was read.
//!
//! `deliveries` is written once when an event is due for an endpoint and once for each try; its partial index holds
//! what waits and nothing else, so that a log of a month costs a look for work nothing. `jobs_with_webhook` says
//! without a scan whether any job names an address of its own.

use sea_orm_migration::prelude::*;

use crate::schema::{Storage, Table, int, text};

const WEBHOOKS: Table = Table {
    name: "webhooks",
    columns: &[
        text("id"),
        text("url"),
        text("events"),
        text("workspace").or_null(),
        int("of_jobs"),
        text("secrets"),
        int("created_at"),
        int("heard_from"),
        int("failing_since").or_null(),
        int("disabled_at").or_null(),
        text("disabled_why").or_null(),
    ],
    key: "id",
    storage: Storage::Rewritten,
    constraints: &[],
    indexes: &["CREATE INDEX webhooks_registered ON webhooks (id) WHERE of_jobs = 0"],
};

const DELIVERIES: Table = Table {
    name: "deliveries",
    columns: &[
        text("webhook"),
        int("event"),
        int("created_at"),
        int("due_at").or_null(),
        int("attempts"),
        int("asked"),
        text("state"),
        int("tried_at").or_null(),
        int("took_ms").or_null(),
        int("status").or_null(),
        text("kind"),
        text("url").or_null(),
        text("error").or_null(),
        text("response").or_null(),
    ],
    key: "webhook, event",
    storage: Storage::Rewritten,
    constraints: &["CHECK ((state = 'pending') = (due_at IS NOT NULL))"],
    indexes: &[
        "CREATE INDEX deliveries_due ON deliveries (webhook, due_at, event) WHERE due_at IS NOT NULL",
        "CREATE INDEX deliveries_by_age ON deliveries (created_at)",
    ],
};

const CURSOR: Table = Table {
    name: "webhook_cursor",
    columns: &[int("id"), int("position")],
    key: "id",
    storage: Storage::Rewritten,
    constraints: &["CHECK (id = 0)"],
    indexes: &[],
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [&WEBHOOKS, &DELIVERIES, &CURSOR] {
            table.create(manager).await?;
        }
        let db = manager.get_connection();
        for statement in [
            "INSERT INTO webhook_cursor (id, position) VALUES (0, 0)",
            "CREATE INDEX jobs_with_webhook ON jobs (id) WHERE webhook IS NOT NULL",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }

    /// A kill between two statements leaves the old schema.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
