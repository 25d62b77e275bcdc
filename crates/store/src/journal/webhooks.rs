//! Changes of what webhooks keep: endpoints, deliveries, the cursor over the outbox, and pruning.
//!
//! Part of `platform`, whose transaction these statements are in. Many rows go as one parameter, as those of a batch
//! do; a step of the courier is a handful of statements however many deliveries it has.

use reeve_journal::{AbortReason, CommitOutcome, Prune, WebhookChange, WebhookStep};
use reeve_types::WebhookId;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr, Statement, Value};

use super::encode::Rows;
use super::statements::{Dialect, Takes};
use crate::row;

/// Where a new endpoint begins to hear: after what was told so far.
const HEARS_FROM: &[(&str, &str)] = &[("heard_from", "(SELECT COALESCE(MAX(id), 0) FROM outbox)")];
/// A delivery is found by its key, unless it was asked for again since the try began.
const THE_DELIVERY: &str =
    "deliveries.webhook = v.c0 AND deliveries.event = v.c1 AND deliveries.asked = v.c2";
/// A delivery that nobody asked for yet.
const UNASKED: &[(&str, &str)] = &[("asked", "0")];

/// One transaction's statements.
struct Writing<'t> {
    txn: &'t DatabaseTransaction,
    backend: DbBackend,
}

/// Writes a change.
pub(super) async fn write(
    txn: &DatabaseTransaction,
    backend: DbBackend,
    change: &WebhookChange,
) -> Result<CommitOutcome, DbErr> {
    let writing = Writing { txn, backend };
    match change {
        WebhookChange::Put(endpoint) => {
            let mut rows = Rows::default();
            row::webhook::write(&mut rows, endpoint);
            if let Some(bad) = rows.bad() {
                return Ok(refused(bad));
            }
            writing.rows(&writing.endpoint(PUT_AGAIN), &rows).await?;
        }
        WebhookChange::Delete { id, count_max } => writing.delete(*id, *count_max).await?,
        WebhookChange::Tell { kind, workspace, at, body } => {
            let workspace = workspace.as_ref().map(ToString::to_string).unwrap_or_default();
            let values: [Value; 4] =
                [workspace.into(), at.value().into(), kind.clone().into(), body.clone().into()];
            let sql = "INSERT INTO outbox (workspace, at, kind, body) VALUES ($1, $2, $3, $4)";
            writing.run(sql, values).await?;
        }
        WebhookChange::Step(step) => return writing.step(step).await,
    }
    Ok(CommitOutcome::Durable)
}

/// What a later version of an endpoint changes; when it was made and where it hears from stays.
const PUT_AGAIN: &str = "ON CONFLICT (id) DO UPDATE SET url = excluded.url, events = excluded.events, \
     secrets = excluded.secrets, failing_since = excluded.failing_since, disabled_at = excluded.disabled_at, \
     disabled_why = excluded.disabled_why";

fn refused(bad: &str) -> CommitOutcome {
    CommitOutcome::Aborted(AbortReason::Data(bad.to_owned()))
}

impl Writing<'_> {
    fn endpoint(&self, tail: &str) -> String {
        let columns = (row::webhook::COLUMNS, HEARS_FROM);
        Dialect { backend: self.backend, takes: Takes::Rows }.insert_with("webhooks", columns, tail)
    }

    async fn step(&self, step: &WebhookStep) -> Result<CommitOutcome, DbErr> {
        let sql = Dialect { backend: self.backend, takes: Takes::Rows };
        let mut parts: [(String, Rows); 5] = [
            (self.endpoint("ON CONFLICT (id) DO NOTHING"), Rows::default()),
            (sql.insert_with("deliveries", (row::delivery::NEW, UNASKED), MADE_ONCE), Rows::default()),
            (sql.insert_with("deliveries", (row::delivery::NEW, UNASKED), TRY_ANEW), Rows::default()),
            (sql.update(("deliveries", row::delivery::TRIED, 3), THE_DELIVERY, ""), Rows::default()),
            (sql.update(("webhooks", row::webhook::HEALTH, 1), "webhooks.id = v.c0", ""), Rows::default()),
        ];
        let [endpoints, new, again, tried, health] = parts.each_mut().map(|(_, rows)| rows);
        step.endpoints.iter().for_each(|row| row::webhook::write(endpoints, row));
        step.deliveries.iter().for_each(|row| row::delivery::write_new(new, row));
        step.again.iter().for_each(|row| row::delivery::write_new(again, row));
        step.attempts.iter().for_each(|row| row::delivery::write_tried(tried, row));
        step.health.iter().for_each(|row| row::webhook::write_health(health, row));
        if let Some(bad) = parts.iter().find_map(|(_, rows)| rows.bad()) {
            return Ok(refused(bad));
        }
        for (sql, rows) in &parts {
            self.rows(sql, rows).await?;
        }
        if let Some(cursor) = step.cursor {
            let sql = "UPDATE webhook_cursor SET position = $1 WHERE id = 0 AND position < $1";
            self.run(sql, [cursor.into()]).await?;
        }
        if let Some(prune) = step.prune {
            self.prune(prune).await?;
        }
        Ok(CommitOutcome::Durable)
    }

    async fn prune(&self, prune: Prune) -> Result<(), DbErr> {
        let Prune { outbox_upto, outbox_before, deliveries_before, count_max } = prune;
        let count_max = i64::from(count_max);
        let sql = "DELETE FROM outbox WHERE at < $2 AND id IN \
             (SELECT id FROM outbox WHERE id <= $1 ORDER BY id LIMIT $3)";
        let values: [Value; 3] = [outbox_upto.into(), outbox_before.value().into(), count_max.into()];
        self.run(sql, values).await?;
        let sql = "DELETE FROM deliveries WHERE (webhook, event) IN \
             (SELECT webhook, event FROM deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
        self.run(sql, [deliveries_before.value().into(), count_max.into()]).await
    }

    async fn delete(&self, id: WebhookId, count_max: u32) -> Result<(), DbErr> {
        self.run("DELETE FROM webhooks WHERE id = $1", [id.to_string().into()]).await?;
        let sql = "DELETE FROM deliveries WHERE webhook = $1 AND event IN \
             (SELECT event FROM deliveries WHERE webhook = $1 ORDER BY event LIMIT $2)";
        self.run(sql, [id.to_string().into(), i64::from(count_max).into()]).await
    }

    /// A statement over rows, when there are any.
    async fn rows(&self, sql: &str, rows: &Rows) -> Result<(), DbErr> {
        if rows.is_empty() { Ok(()) } else { self.run(sql, [rows.json().into()]).await }
    }

    async fn run<const N: usize>(&self, sql: &str, values: [Value; N]) -> Result<(), DbErr> {
        let statement = Statement::from_sql_and_values(self.backend, sql, values);
        self.txn.execute_raw(statement).await.map(drop)
    }
}

/// A delivery that is asked for again begins anew; what its last try found stays to be seen.
const TRY_ANEW: &str = "ON CONFLICT (webhook, event) DO UPDATE SET due_at = excluded.due_at, \
     attempts = excluded.attempts, asked = deliveries.asked + 1, state = excluded.state, url = excluded.url";
/// An event that was looked at twice is delivered once.
const MADE_ONCE: &str = "ON CONFLICT (webhook, event) DO NOTHING";
