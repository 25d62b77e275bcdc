//! What is read for webhooks: endpoints, deliveries, the outbox.

use std::sync::Arc;

use futures_util::FutureExt as _;
use reeve_journal::{
    Backlog, DeliveryFilter, DeliveryRow, DueDelivery, EndpointRow, Oldest, OutboxEvent, OutboxState, Page,
    Read, StoreError, WebhookReader,
};
use reeve_types::{JobId, Millis, WebhookId};
use rustc_hash::FxHashMap;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement, Value};

use super::StoreReader;
use super::db::unavailable;
use crate::journal::{Handle, Scope};
use crate::row;
use crate::row::cells::Cells;
use crate::row::delivery::READ;

/// Where the outbox ends, and how far it was read.
const ENDS: &str = "SELECT COALESCE((SELECT MAX(id) FROM outbox), 0) AS newest, \
     COALESCE((SELECT position FROM webhook_cursor WHERE id = 0), 0) AS cursor_at";
/// Whether any job names an address. Ordered, because PostgreSQL takes one of many for the first row of any table: in one
/// that it has not analysed yet, it would read all jobs to find that none does, at each look.
const JOB_URLS: &str = "SELECT COUNT(*) AS job_urls \
     FROM (SELECT 1 FROM jobs WHERE webhook IS NOT NULL ORDER BY id LIMIT 1) AS j";
/// Written out, not bound: the partial index is used only when the planner sees the value.
const ENDPOINTS: &str = "SELECT * FROM webhooks WHERE of_jobs = 0 ORDER BY id";
const WAITING: &str = "SELECT DISTINCT webhook FROM deliveries WHERE due_at IS NOT NULL ORDER BY webhook";
const BACKLOG: &str = "SELECT COUNT(*) AS n, MIN(created_at) AS oldest_at, MIN(event) AS lowest \
     FROM deliveries WHERE due_at IS NOT NULL";
const OLDEST_EVENT: &str = "SELECT id, at FROM outbox ORDER BY id LIMIT 1";
const OLDEST_DELIVERY: &str = "SELECT MIN(created_at) AS at FROM deliveries";

/// Columns of the outbox beside a delivery's.
const OF_EVENT: &str =
    "o.id AS o_id, COALESCE(o.workspace, '') AS o_workspace, o.at AS o_at, o.job AS o_job, o.body AS o_body";

impl StoreReader {
    fn job_urls_ahead(&self) -> FxHashMap<JobId, Arc<str>> {
        self.journal().map(Handle::job_urls_ahead).unwrap_or_default()
    }

    /// The numbers that a query answers with.
    async fn numbers<const N: usize>(
        &self,
        sql: &str,
        columns: [&'static str; N],
    ) -> Result<[i64; N], StoreError> {
        let mut numbers = [0; N];
        if let Some(found) = one(&self.db, sql.into(), []).await? {
            for (number, column) in numbers.iter_mut().zip(columns) {
                let damaged =
                    |error| Cells::named(&found, "outbox", column.to_owned()).damaged(column, error);
                *number = found.try_get("", column).map_err(damaged)?;
            }
        }
        Ok(numbers)
    }
}

impl WebhookReader for StoreReader {
    fn endpoints(&self) -> Read<'_, Vec<EndpointRow>> {
        self.durable(Scope::Settled, async move {
            let found = rows(&self.db, ENDPOINTS.into(), []).await?;
            found.iter().map(endpoint).collect()
        })
    }

    fn endpoint(&self, id: WebhookId) -> Read<'_, Option<EndpointRow>> {
        self.durable(Scope::Settled, async move {
            let sql = "SELECT * FROM webhooks WHERE id = $1".into();
            one(&self.db, sql, [id.to_string().into()]).await?.as_ref().map(endpoint).transpose()
        })
    }

    fn outbox_state(&self) -> Read<'_, OutboxState> {
        async move {
            // First, and told only once it is settled: the jobs of all rows up to it can be found by then.
            let ends = self.durable(Scope::Settled, self.numbers(ENDS, ["newest", "cursor_at"]));
            let [newest, cursor] = ends.await?;
            let is_ahead = !self.job_urls_ahead().is_empty();
            let [stored] = self.durable(Scope::Settled, self.numbers(JOB_URLS, ["job_urls"])).await?;
            // Rows that were pruned leave no newest one behind, and the cursor was beyond them.
            Ok(OutboxState { newest: newest.max(cursor), cursor, job_urls: is_ahead || stored == 1 })
        }
        .boxed()
    }

    fn outbox(&self, after: i64, job_urls: bool, count_max: u32) -> Read<'_, Vec<OutboxEvent>> {
        self.durable(Scope::Settled, async move {
            // First, because what is not there any more is in the tables by then.
            let ahead = if job_urls { self.job_urls_ahead() } else { FxHashMap::default() };
            let (url, join) =
                if job_urls { (", j.webhook", "LEFT JOIN jobs AS j ON j.id = o.job") } else { ("", "") };
            let sql = format!(
                "SELECT o.id, o.workspace, o.at, o.kind, o.job, o.body{url} FROM outbox AS o {join} \
                 WHERE o.id > $1 ORDER BY o.id LIMIT $2"
            );
            let found = rows(&self.db, sql, [after.into(), i64::from(count_max).into()]).await?;
            let read = |row| {
                let mut event = row::delivery::read_event(&by_event(row, "id")?, job_urls)?;
                let of_new = || event.job.and_then(|job| ahead.get(&job)).map(|url| url.to_string());
                event.job_url = event.job_url.or_else(of_new);
                Ok(event)
            };
            found.iter().map(read).collect()
        })
    }

    fn waiting(&self) -> Read<'_, Vec<WebhookId>> {
        self.durable(Scope::Settled, async move {
            let found = rows(&self.db, WAITING.into(), []).await?;
            found.iter().map(|row| Cells::by_text(row, "deliveries", "webhook")?.parse("webhook")).collect()
        })
    }

    fn next_due(&self, id: WebhookId, count_max: u32) -> Read<'_, Vec<DueDelivery>> {
        self.durable(Scope::Settled, async move {
            let sql = format!(
                "SELECT {READ}, {OF_EVENT} FROM deliveries AS d LEFT JOIN outbox AS o ON o.id = d.event \
                 WHERE d.webhook = $1 AND d.due_at IS NOT NULL ORDER BY d.due_at, d.event LIMIT $2"
            );
            let found = rows(&self.db, sql, [id.to_string().into(), i64::from(count_max).into()]).await?;
            found.iter().map(due).collect()
        })
    }

    fn deliveries<'a>(
        &'a self,
        id: WebhookId,
        filter: &'a DeliveryFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<DeliveryRow>> {
        self.durable(Scope::Settled, async move {
            let before: i64 = page.after.as_deref().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX);
            let since = filter.since.map_or(i64::MIN, Millis::value);
            let state = filter.state.map(|state| format!("AND d.state = '{}'", state.as_str()));
            let sql = format!(
                "SELECT {READ} FROM deliveries AS d WHERE d.webhook = $1 AND d.event < $2 \
                 AND d.created_at >= $3 {} ORDER BY d.event DESC LIMIT $4",
                state.unwrap_or_default()
            );
            let values = [id.to_string().into(), before.into(), since.into(), i64::from(page.limit).into()];
            let found = rows(&self.db, sql, values).await?;
            found.iter().map(|row| row::delivery::read(&by_event(row, "event")?)).collect()
        })
    }

    fn delivery(&self, id: WebhookId, event: i64) -> Read<'_, Option<DueDelivery>> {
        self.durable(Scope::Settled, async move {
            let sql = format!(
                "SELECT {READ}, {OF_EVENT} FROM deliveries AS d LEFT JOIN outbox AS o ON o.id = d.event \
                 WHERE d.webhook = $1 AND d.event = $2"
            );
            let found = one(&self.db, sql, [id.to_string().into(), event.into()]).await?;
            found.as_ref().map(due).transpose()
        })
    }

    fn backlog(&self) -> Read<'_, Backlog> {
        self.durable(Scope::Settled, async move {
            let Some(found) = one(&self.db, BACKLOG.into(), []).await? else { return Ok(Backlog::default()) };
            let cells = Cells::named(&found, "deliveries", "waiting".to_owned());
            Ok(Backlog {
                count: cells.int("n")?,
                oldest_at: cells.opt_millis("oldest_at")?,
                lowest_event: cells.opt_int("lowest")?,
            })
        })
    }

    fn oldest(&self) -> Read<'_, Oldest> {
        self.durable(Scope::Settled, async move {
            let first = one(&self.db, OLDEST_EVENT.into(), []).await?;
            let first = first.as_ref().map(|row| Cells::named(row, "outbox", "oldest".to_owned()));
            let delivery = one(&self.db, OLDEST_DELIVERY.into(), []).await?;
            let delivery = delivery.as_ref().map(|row| Cells::named(row, "deliveries", "oldest".to_owned()));
            Ok(Oldest {
                outbox_at: first.as_ref().map(|cells| cells.millis("at")).transpose()?,
                outbox_id: first.as_ref().map(|cells| cells.int("id")).transpose()?,
                delivery_at: delivery.map(|cells| cells.opt_millis("at")).transpose()?.flatten(),
            })
        })
    }
}

fn endpoint(row: &QueryResult) -> Result<EndpointRow, StoreError> {
    row::webhook::read(&Cells::by_text(row, "webhooks", "id")?)
}

fn due(row: &QueryResult) -> Result<DueDelivery, StoreError> {
    row::delivery::read_due(&by_event(row, "event")?)
}

/// A row that is known by its number.
fn by_event<'r>(row: &'r QueryResult, column: &'static str) -> Result<Cells<'r>, StoreError> {
    let table = if column == "id" { "outbox" } else { "deliveries" };
    let id: i64 =
        row.try_get("", column).map_err(|e| Cells::named(row, table, "?".to_owned()).damaged(column, e))?;
    Ok(Cells::named(row, table, id.to_string()))
}

async fn rows<const N: usize>(
    db: &DatabaseConnection,
    sql: String,
    values: [Value; N],
) -> Result<Vec<QueryResult>, StoreError> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.query_all_raw(statement).await.map_err(unavailable)
}

async fn one<const N: usize>(
    db: &DatabaseConnection,
    sql: String,
    values: [Value; N],
) -> Result<Option<QueryResult>, StoreError> {
    Ok(rows(db, sql, values).await?.into_iter().next())
}

#[cfg(test)]
mod tests {
    use reeve_migrations::MigratorTrait as _;
    use sea_orm::Database;

    use super::*;
    use crate::explain::plan;

    /// What is looked for again and again, and the index that it is to be found by.
    fn looks() -> [(String, &'static str); 7] {
        [
            (
                "SELECT d.event FROM deliveries AS d LEFT JOIN outbox AS o ON o.id = d.event \
                 WHERE d.webhook = 'w' AND d.due_at IS NOT NULL ORDER BY d.due_at, d.event LIMIT 5"
                    .to_owned(),
                "deliveries_due",
            ),
            (WAITING.to_owned(), "deliveries_due"),
            (BACKLOG.to_owned(), "deliveries_due"),
            (OLDEST_DELIVERY.to_owned(), "deliveries_by_age"),
            (
                "SELECT webhook, event FROM deliveries WHERE created_at < 5 ORDER BY created_at LIMIT 5"
                    .to_owned(),
                "deliveries_by_age",
            ),
            (JOB_URLS.to_owned(), "jobs_with_webhook"),
            (ENDPOINTS.to_owned(), "webhooks_registered"),
        ]
    }

    #[tokio::test]
    async fn what_is_looked_for_again_and_again_is_found_by_an_index() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        reeve_migrations::Migrator::up(&db, None).await.unwrap();
        for (sql, index) in looks() {
            let plan = plan(&db, &sql, &[]).await;
            assert!(plan.contains(index), "{sql}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
    }

    /// In tables that nobody has analysed yet, which is what a new server fills.
    #[tokio::test]
    async fn on_postgresql_what_is_asked_after_every_commit_reads_no_whole_table() {
        let Some(cluster) = reeve_testkit::postgres::Cluster::start(&["fsync=off"]) else { return };
        let db = Database::connect(cluster.new_database()).await.unwrap();
        reeve_migrations::Migrator::up(&db, None).await.unwrap();
        for sql in [ENDS, JOB_URLS, OLDEST_EVENT] {
            let plan = plan(&db, sql, &[]).await;
            assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
        }
    }
}
