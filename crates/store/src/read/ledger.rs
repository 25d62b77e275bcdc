//! Pages of a workspace's ledger.
//!
//! Filters scan the range of the workspace: no index serves them, since each would be paid for by every job.

use reeve_journal::{LedgerFilter, Page, StoreError};
use reeve_types::WorkspaceId;
use reeve_workspace::Row;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseConnection, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use super::db::rows;
use crate::entity::ledger::{Column, Entity};
use crate::row;

/// Rows after the last one seen, in order of sequence.
pub(crate) async fn page(
    db: &DatabaseConnection,
    workspace: &WorkspaceId,
    (filter, page): (&LedgerFilter, &Page),
) -> Result<Vec<Row>, StoreError> {
    let after: i64 = page.after.as_deref().and_then(|seq| seq.parse().ok()).unwrap_or(0);
    let mut select = Entity::find()
        .filter(Column::Workspace.eq(workspace.as_str()))
        .filter(Column::Seq.gt(after))
        .order_by_asc(Column::Seq)
        .limit(u64::from(page.limit));
    if let Some(job) = filter.job {
        select = select.filter(Column::Job.eq(job.to_string()));
    }
    if let Some(member) = &filter.member {
        select = select.filter(Column::Member.eq(member.as_str()));
    }
    if let Some(kind) = filter.kind {
        select = select.filter(Column::Kind.eq(kind.as_str()));
    }
    if let Some(from) = filter.from {
        select = select.filter(Column::At.gte(from.value()));
    }
    if let Some(to) = filter.to {
        select = select.filter(Column::At.lt(to.value()));
    }
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::ledger::read(&row::ledger::cells(row, workspace))).collect()
}

/// All rows after `seq`, in order, up to a bound; within whatever snapshot `db` is.
pub(crate) async fn after<C: ConnectionTrait>(
    db: &C,
    workspace: &WorkspaceId,
    seq: u64,
    count_max: u64,
) -> Result<Vec<Row>, StoreError> {
    let select = Entity::find()
        .filter(Column::Workspace.eq(workspace.as_str()))
        .filter(Column::Seq.gt(i64::try_from(seq).unwrap_or(i64::MAX)))
        .order_by_asc(Column::Seq)
        .limit(count_max);
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::ledger::read(&row::ledger::cells(row, workspace))).collect()
}
