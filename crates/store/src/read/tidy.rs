//! What age and erasing look for: old jobs, closed workspaces, answers that nobody repeats any more.

use reeve_journal::{AgedJob, EndingRow, Page, Shed, StoreError};
use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::Phase;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Statement, Value,
};

use super::db::{rows, unavailable};
use crate::entity::{jobs, workspaces};
use crate::row::cells::Cells;

/// Answers that are looked at for one that is old: as many as one step of pruning takes.
const ANSWERS_LOOKED_AT: u32 = 1_000;

/// The next jobs in order of id, from slim columns only.
pub(crate) async fn aged(
    db: &DatabaseConnection,
    after: Option<JobId>,
    (before, count_max): (Millis, u32),
) -> Result<Vec<AgedJob>, StoreError> {
    use jobs::Column::{FinishedAt, Id, Shed as Lost, Workspace};
    let mut select = jobs::Entity::find()
        .select_only()
        .columns([Id, Workspace, FinishedAt, Lost])
        .filter(Id.lt(JobId::from_parts(before, 0).to_string()))
        .order_by_asc(Id)
        .limit(u64::from(count_max));
    if let Some(after) = after {
        select = select.filter(Id.gt(after.to_string()));
    }
    let found = rows(db, select.into_query()).await?;
    let read = |row| {
        let cells = Cells::by_text(row, "jobs", "id")?;
        Ok(AgedJob {
            id: cells.parse("id")?,
            workspace: cells.parse("workspace")?,
            finished_at: cells.opt_millis("finished_at")?,
            shed: Shed::from_bits(cells.int("shed")?),
        })
    };
    found.iter().map(read).collect()
}

/// Closed workspaces that are not erased, in order of id.
pub(crate) async fn ending(db: &DatabaseConnection, page: &Page) -> Result<Vec<EndingRow>, StoreError> {
    use workspaces::Column::{Id, Phase as Ends, Queued};
    let mut select = workspaces::Entity::find()
        .select_only()
        .columns([Id, Ends, Queued])
        // Written out: the partial index is used only when the planner sees the values.
        .filter(Expr::cust("phase IN (1, 2)"))
        .order_by_asc(Id)
        .limit(u64::from(page.limit));
    if let Some(after) = &page.after {
        select = select.filter(Id.gt(after.as_str()));
    }
    let found = rows(db, select.into_query()).await?;
    let read = |row| {
        let cells = Cells::by_text(row, "workspaces", "id")?;
        let number: u8 = cells.int("phase")?;
        let phase = Phase::from_number(number);
        Ok(EndingRow {
            workspace: cells.parse("id")?,
            phase: phase.ok_or_else(|| cells.damaged("phase", format!("`{number}` is none")))?,
            queued: cells.int("queued")?,
        })
    };
    found.iter().map(read).collect()
}

/// Whether an answer is remembered from before an instant.
pub(crate) async fn has_answers_before(db: &DatabaseConnection, at: Millis) -> Result<bool, StoreError> {
    let sql = match db.get_database_backend() {
        // Rows lie in order of arrival: the oldest are the first.
        DbBackend::Sqlite => format!(
            "SELECT 1 AS found FROM (SELECT at FROM answers ORDER BY rowid LIMIT {ANSWERS_LOOKED_AT}) WHERE at < $1 LIMIT 1"
        ),
        _ => "SELECT 1 AS found FROM answers WHERE at < $1 LIMIT 1".to_owned(),
    };
    any(db, &sql, at.value().into()).await
}

/// Whether an answer of a workspace is remembered.
pub(crate) async fn has_answers_of(db: &DatabaseConnection, id: &WorkspaceId) -> Result<bool, StoreError> {
    any(db, "SELECT 1 AS found FROM answers WHERE workspace = $1 LIMIT 1", id.as_str().into()).await
}

async fn any(db: &DatabaseConnection, sql: &str, value: Value) -> Result<bool, StoreError> {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [value]);
    Ok(db.query_one_raw(statement).await.map_err(unavailable)?.is_some())
}
