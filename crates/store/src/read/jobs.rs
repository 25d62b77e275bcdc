//! Jobs for pages: one, or a list from the newest.

use reeve_journal::{JobFilter, JobRecord, Page, StoreError};
use reeve_types::{JobId, WorkspaceId};
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseConnection, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
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
/// Of one workspace: one range of its index, or of the small one of live jobs when a status says that they are.
pub(crate) async fn page(
    db: &DatabaseConnection,
    filter: &JobFilter,
    page: &Page,
) -> Result<Vec<JobRecord>, StoreError> {
    let snapshot = snapshot(db).await?;
    let found = in_snapshot(&snapshot, filter, page).await;
    end(snapshot).await;
    found
}

async fn in_snapshot<C: ConnectionTrait>(
    db: &C,
    filter: &JobFilter,
    page: &Page,
) -> Result<Vec<JobRecord>, StoreError> {
    let mut interned = Interned::default();
    let found = rows(db, select(filter, page)).await?;
    let mut found =
        found.iter().map(|row| read(row, &mut interned)).collect::<Result<Vec<JobRecord>, StoreError>>()?;
    for record in &mut found {
        attach(db, record).await?;
    }
    Ok(found)
}

fn select(filter: &JobFilter, page: &Page) -> sea_orm::sea_query::SelectStatement {
    let mut select = jobs::Entity::find().order_by_desc(jobs::Column::Id).limit(u64::from(page.limit));
    if let Some(workspace) = &filter.workspace {
        select = select.filter(jobs::Column::Workspace.eq(workspace.as_str()));
    }
    if let Some(status) = filter.status {
        select = select.filter(liveness(!status.is_final()));
        select = select.filter(jobs::Column::Status.eq(status.as_str()));
    }
    if let Some(action) = &filter.action {
        select = select.filter(jobs::Column::Action.eq(action.as_str()));
    }
    if let Some(since) = filter.since {
        select = select.filter(jobs::Column::CreatedAt.gte(since.value()));
    }
    if let Some(after) = &page.after {
        select = select.filter(jobs::Column::Id.lt(after.as_str()));
    }
    select.into_query()
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
