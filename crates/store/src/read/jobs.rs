//! Jobs for pages: one, or a list from the newest.

use reeve_journal::{ID_LEAD_MS_MAX, JOBS_LOOKED_AT_MAX, JobFilter, JobRecord, JobsFound, Page, StoreError};
use reeve_types::{JobId, Millis, WorkspaceId};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};

use super::db::{end, row, rows, snapshot};
use crate::entity::{jobs, uploads};
use crate::row;
use crate::row::cells::Cells;
use crate::row::job::{Depth, Interned};

/// One job with the uploads of its live lease.
pub(crate) async fn one(db: &DatabaseConnection, id: JobId) -> Result<Option<JobRecord>, StoreError> {
    let Some(found) = row(db, jobs::Entity::find_by_id(id.to_string()).into_query()).await? else {
        return Ok(None);
    };
    let mut record = read(&found, &mut Interned::default())?;
    attach(db, &mut record).await?;
    Ok(Some(record))
}

/// A page, newest first.
///
/// Of one workspace: one range of its index, or of the small one of live jobs when a status says that they are. What a
/// further filter passes over is bounded: the page then ends early and says where it stopped.
pub(crate) async fn page(
    db: &DatabaseConnection,
    filter: &JobFilter,
    page: &Page,
) -> Result<JobsFound, StoreError> {
    let snapshot = snapshot(db).await?;
    let found = in_snapshot(&snapshot, filter, page).await;
    end(snapshot).await;
    found
}

async fn in_snapshot<C: ConnectionTrait>(
    db: &C,
    filter: &JobFilter,
    page: &Page,
) -> Result<JobsFound, StoreError> {
    let range = range(filter, page.after.as_deref());
    let looked_to = if passes_over(filter) { bound(db, &range).await? } else { None };
    let mut select = range.order_by_desc(jobs::Column::Id).limit(u64::from(page.limit));
    if let Some(last) = looked_to {
        select = select.filter(jobs::Column::Id.gte(last.to_string()));
    }
    let select = select.filter(wanted(filter, db.get_database_backend())).into_query();
    let mut interned = Interned::default();
    let found = rows(db, select).await?;
    let mut records =
        found.iter().map(|row| read(row, &mut interned)).collect::<Result<Vec<JobRecord>, StoreError>>()?;
    for record in &mut records {
        attach(db, record).await?;
    }
    let is_full = records.len() as u64 >= u64::from(page.limit);
    Ok(JobsFound { rows: records, looked_to: looked_to.filter(|_| !is_full) })
}

/// What an index finds: a workspace, whether it is live, and the span of time, since ids sort by it.
fn range(filter: &JobFilter, after: Option<&str>) -> Select<jobs::Entity> {
    let mut select = jobs::Entity::find();
    if let Some(workspace) = &filter.workspace {
        select = select.filter(jobs::Column::Workspace.eq(workspace.as_str()));
    }
    if let Some(status) = filter.status {
        select = select.filter(liveness(!status.is_final()));
    }
    if let Some(since) = filter.since {
        let first = JobId::from_parts(since.plus_ms(-ID_LEAD_MS_MAX).max(Millis::from_millis(0)), 0);
        select = select.filter(jobs::Column::Id.gte(first.to_string()));
    }
    if let Some(until) = filter.until {
        // An id is never made after its job.
        let end = JobId::from_parts(until.max(Millis::from_millis(0)), 0);
        select = select.filter(jobs::Column::Id.lt(end.to_string()));
    }
    match after {
        Some(after) => select.filter(jobs::Column::Id.lt(after)),
        None => select,
    }
}

/// True when rows of the range may be passed over.
const fn passes_over(filter: &JobFilter) -> bool {
    let JobFilter { status, action, member, error, metadata, workspace: _, since: _, until: _ } = filter;
    status.is_some() || action.is_some() || member.is_some() || error.is_some() || metadata.is_some()
}

/// The last job of the range that may be looked at; `None` when it ends before.
async fn bound<C: ConnectionTrait>(
    db: &C,
    range: &Select<jobs::Entity>,
) -> Result<Option<JobId>, StoreError> {
    let last = range
        .clone()
        .select_only()
        .column(jobs::Column::Id)
        .order_by_desc(jobs::Column::Id)
        .offset(u64::from(JOBS_LOOKED_AT_MAX) - 1)
        .limit(1);
    let found = row(db, last.into_query()).await?;
    found.map(|row| Cells::by_text(&row, "jobs", "id")?.parse("id")).transpose()
}

/// What is looked at row by row.
fn wanted(filter: &JobFilter, backend: DbBackend) -> Condition {
    let mut all = Condition::all();
    if let Some(status) = filter.status {
        all = all.add(jobs::Column::Status.eq(status.as_str()));
    }
    if let Some(action) = &filter.action {
        all = all.add(jobs::Column::Action.eq(action.as_str()));
    }
    if let Some(member) = &filter.member {
        all = all.add(jobs::Column::Member.eq(member.as_str()));
    }
    if let Some(code) = &filter.error {
        all = all.add(jobs::Column::ErrorCode.eq(code.as_str()));
    }
    if let Some(since) = filter.since {
        all = all.add(jobs::Column::CreatedAt.gte(since.value()));
    }
    if let Some(until) = filter.until {
        all = all.add(jobs::Column::CreatedAt.lt(until.value()));
    }
    if let Some((key, value)) = &filter.metadata {
        let noted = match backend {
            DbBackend::Sqlite => "CAST(metadata ->> ? AS TEXT) = ?",
            _ => "(CAST(metadata AS jsonb) ->> $1) = $2",
        };
        all = all.add(Expr::cust_with_values(noted, [key.as_str(), value.as_str()]));
    }
    all
}

/// Written out, not bound: the partial indexes of live jobs are used only when the planner sees the value.
pub(super) fn liveness(live: bool) -> SimpleExpr {
    Expr::cust(if live { "live = 1" } else { "live = 0" })
}

fn read(row: &sea_orm::QueryResult, interned: &mut Interned) -> Result<JobRecord, StoreError> {
    row::job::read(&Cells::by_text(row, "jobs", "id")?, interned, Depth::Full)
}

/// Adds the uploads of the live lease.
async fn attach<C: ConnectionTrait>(db: &C, record: &mut JobRecord) -> Result<(), StoreError> {
    let Some(lease) = &mut record.state.lease else {
        return Ok(());
    };
    let select = uploads::Entity::find()
        .filter(uploads::Column::Job.eq(record.intro.id.to_string()))
        .filter(uploads::Column::Attempt.eq(i64::from(lease.attempt)))
        .order_by_asc(uploads::Column::Idx);
    let found = rows(db, select.into_query()).await?;
    lease.uploads = found
        .iter()
        .map(|row| row::upload::read(&Cells::by_text(row, "uploads", "job")?))
        .collect::<Result<_, _>>()?;
    Ok(())
}

/// Jobs of a workspace after one, live or final, in order of id; without uploads.
pub(crate) async fn after<C: ConnectionTrait>(
    db: &C,
    workspace: &WorkspaceId,
    (live, after): (bool, Option<JobId>),
    count_max: u64,
) -> Result<Vec<JobRecord>, StoreError> {
    let mut select = jobs::Entity::find()
        .filter(jobs::Column::Workspace.eq(workspace.as_str()))
        .filter(liveness(live))
        .order_by_asc(jobs::Column::Id)
        .limit(count_max);
    if let Some(after) = after {
        select = select.filter(jobs::Column::Id.gt(after.to_string()));
    }
    let mut interned = Interned::default();
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| read(row, &mut interned)).collect()
}
