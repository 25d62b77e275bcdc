//! What is read at start and by the calendar, from slim columns: no quote or parameter is parsed here.

use reeve_journal::{FactsRow, LeasedRow, QueuedRow, StoreError};
use reeve_types::{JobId, Millis, WorkspaceId};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseConnection, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};

use super::db::rows;
use super::jobs::liveness;
use super::packed::packed;
use crate::entity::{jobs, workspaces};
use crate::row;
use crate::row::cells::Cells;
use crate::row::job::Interned;

/// Workspaces that must be woken, and since when, earliest first.
pub(crate) async fn due(
    db: &DatabaseConnection,
    now: Millis,
    count_max: u32,
) -> Result<Vec<(Millis, WorkspaceId)>, StoreError> {
    let select = workspaces::Entity::find()
        .select_only()
        .columns([workspaces::Column::Id, workspaces::Column::NextDueAt])
        .filter(workspaces::Column::NextDueAt.lte(now.value()))
        .order_by_asc(workspaces::Column::NextDueAt)
        .order_by_asc(workspaces::Column::Id)
        .limit(u64::from(count_max));
    let found = rows(db, select.into_query()).await?;
    let read = |row| {
        let cells = Cells::by_text(row, "workspaces", "id")?;
        Ok((cells.millis("next_due_at")?, cells.parse("id")?))
    };
    found.iter().map(read).collect()
}

/// Waiting jobs after the last one seen, in order of id.
pub(crate) async fn queued(
    db: &DatabaseConnection,
    after: Option<JobId>,
    count_max: u32,
) -> Result<Vec<QueuedRow>, StoreError> {
    use jobs::Column::{
        Action, AdmittedAt, AdmittedN, AttemptsLost, Id, NotBefore, Pool, Priority, Status, WorkMs, Workspace,
    };
    let mut select = jobs::Entity::find()
        .select_only()
        .columns([
            Id,
            Workspace,
            Pool,
            Action,
            WorkMs,
            Priority,
            AdmittedAt,
            AdmittedN,
            NotBefore,
            AttemptsLost,
        ])
        .filter(sea_orm::sea_query::Expr::cust(LIVE_ONLY))
        .filter(Status.eq(reeve_jobs::Status::Queued.as_str()))
        .order_by_asc(Id)
        .limit(u64::from(count_max));
    if let Some(after) = after {
        select = select.filter(Id.gt(after.to_string()));
    }
    let select = select.into_query();
    let text = packed(db, row::job::QUEUED, select.clone()).await?;
    if let Some(mut queued) = row::job::unpack_queued(&text) {
        queued.sort_unstable_by_key(|row| row.job);
        return Ok(queued);
    }
    let mut interned = Interned::default();
    let found = rows(db, select).await?;
    found
        .iter()
        .map(|row| row::job::read_queued(&Cells::by_text(row, "jobs", "id")?, &mut interned))
        .collect()
}

/// Written out, not bound: the partial index of live jobs is used only when the planner sees the value.
const LIVE_ONLY: &str = "live = 1";

/// Every stored lease.
pub(crate) async fn leased(db: &DatabaseConnection) -> Result<Vec<LeasedRow>, StoreError> {
    use jobs::Column::{
        Action, AdmittedAt, AdmittedN, Attempt, Id, LeaseGrantedAt, LeaseRunDeadlineAt, LeaseSession,
        LeaseUnknownUntil, LeaseWorker, Pool, Priority, Status, WorkMs, Workspace,
    };
    let slim = [Id, Workspace, Pool, Action, Attempt, Status, LeaseWorker, LeaseSession];
    let running = workspaces::Entity::find()
        .select_only()
        .column(workspaces::Column::Id)
        .filter(workspaces::Column::Running.gt(0))
        .into_query();
    // By workspace, since those with a running job say so; of a backlog of a million only theirs is looked through.
    let select = jobs::Entity::find()
        .select_only()
        .columns(slim)
        .columns([LeaseGrantedAt, LeaseRunDeadlineAt, LeaseUnknownUntil])
        .columns([AdmittedAt, AdmittedN, Priority, WorkMs])
        .filter(Workspace.in_subquery(running))
        .filter(liveness(true))
        .filter(LeaseWorker.is_not_null())
        .order_by_asc(Id);
    let found = rows(db, select.into_query()).await?;
    let mut interned = Interned::default();
    found
        .iter()
        .map(|row| row::job::read_leased(&Cells::by_text(row, "jobs", "id")?, &mut interned))
        .collect()
}

/// Facts of the workspaces that have a live job.
pub(crate) async fn facts(db: &DatabaseConnection) -> Result<Vec<FactsRow>, StoreError> {
    use workspaces::Column::{ConcurrencyMax, Id, Paused, Queued, Running, Tier};
    let select = workspaces::Entity::find()
        .select_only()
        .columns([Id, Tier, ConcurrencyMax, Paused])
        .filter(Condition::any().add(Queued.gt(0)).add(Running.gt(0)))
        .into_query();
    let text = packed(db, row::workspace::FACTS, select.clone()).await?;
    if let Some(mut facts) = row::workspace::unpack_facts(&text) {
        facts.sort_unstable_by(|a, b| a.workspace.cmp(&b.workspace));
        return Ok(facts);
    }
    let found = rows(db, select).await?;
    found.iter().map(|row| row::workspace::read_facts(&Cells::by_text(row, "workspaces", "id")?)).collect()
}
