//! Workspaces, purchases, members and answers for pages.

use reeve_journal::{Page, StoreError, StoredAnswer, WorkspaceRecord};
use reeve_types::{MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Claim, Member, PurchaseRow};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseConnection, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};

use super::db::{row, rows};
use crate::entity::{answers, members as limits, purchases, workspaces as table};
use crate::row;
use crate::row::cells::Cells;

/// One workspace.
pub(crate) async fn one(
    db: &DatabaseConnection,
    id: &WorkspaceId,
) -> Result<Option<WorkspaceRecord>, StoreError> {
    let found = row(db, table::Entity::find_by_id(id.as_str()).into_query()).await?;
    found.map(|row| row::workspace::read_record(&Cells::by_text(&row, "workspaces", "id")?)).transpose()
}

/// Workspaces after the last one seen, in order of id.
pub(crate) async fn page(db: &DatabaseConnection, page: &Page) -> Result<Vec<WorkspaceRecord>, StoreError> {
    let mut select = table::Entity::find().order_by_asc(table::Column::Id).limit(u64::from(page.limit));
    if let Some(after) = &page.after {
        select = select.filter(table::Column::Id.gt(after.as_str()));
    }
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::workspace::read_record(&Cells::by_text(row, "workspaces", "id")?)).collect()
}

/// Purchases of a workspace after the last one seen, in order of id.
pub(crate) async fn purchases(
    db: &DatabaseConnection,
    workspace: &WorkspaceId,
    page: &Page,
) -> Result<Vec<PurchaseRow>, StoreError> {
    let mut select = purchases::Entity::find()
        .filter(purchases::Column::Workspace.eq(workspace.as_str()))
        .order_by_asc(purchases::Column::Id)
        .limit(u64::from(page.limit));
    if let Some(after) = &page.after {
        select = select.filter(purchases::Column::Id.gt(after.as_str()));
    }
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::purchase::read(&Cells::by_text(row, "purchases", "id")?)).collect()
}

/// The purchase of an id.
pub(crate) async fn purchase(
    db: &DatabaseConnection,
    id: PurchaseId,
) -> Result<Option<(WorkspaceId, PurchaseRow)>, StoreError> {
    owned_purchase(db, purchases::Entity::find_by_id(id.to_string()).into_query()).await
}

/// The purchase of a payment.
pub(crate) async fn purchase_by_payment(
    db: &DatabaseConnection,
    payment: &str,
) -> Result<Option<(WorkspaceId, PurchaseRow)>, StoreError> {
    let select = purchases::Entity::find().filter(purchases::Column::Payment.eq(payment));
    owned_purchase(db, select.into_query()).await
}

async fn owned_purchase(
    db: &DatabaseConnection,
    select: SelectStatement,
) -> Result<Option<(WorkspaceId, PurchaseRow)>, StoreError> {
    let Some(found) = row(db, select).await? else {
        return Ok(None);
    };
    let cells = Cells::by_text(&found, "purchases", "id")?;
    Ok(Some((cells.parse("workspace")?, row::purchase::read(&cells)?)))
}

/// Whose a claim is.
pub(crate) async fn claimed(
    db: &DatabaseConnection,
    claim: &Claim,
) -> Result<Option<WorkspaceId>, StoreError> {
    let mut select = Query::select();
    let cells = ["scope", "key", "workspace"].map(Alias::new);
    select.columns(cells).from(Alias::new("claims"));
    select.and_where(Expr::col(Alias::new("scope")).eq(&*claim.scope));
    select.and_where(Expr::col(Alias::new("key")).eq(&*claim.key));
    let found = row(db, select).await?;
    let owner = |found| Ok(row::claim::read(&Cells::by_text(&found, "claims", "key")?)?.1);
    found.map(owner).transpose()
}

/// Members of a workspace, in order of id; within whatever snapshot `db` is.
pub(crate) async fn members<C: ConnectionTrait>(
    db: &C,
    workspace: &WorkspaceId,
) -> Result<Vec<(MemberId, Member)>, StoreError> {
    let select = limits::Entity::find()
        .filter(limits::Column::Workspace.eq(workspace.as_str()))
        .order_by_asc(limits::Column::Member);
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| row::member::read(&row::member::cells(row, workspace))).collect()
}

/// The newest instant that any workspace has seen.
///
/// Reads every workspace's row: it is asked once at start, and an index would be paid for by every change.
pub(crate) async fn newest_at(db: &DatabaseConnection) -> Result<Option<Millis>, StoreError> {
    let newest = table::Column::LastEventAt.max();
    let select = table::Entity::find().select_only().column_as(newest, "last_event_at");
    match row(db, select.into_query()).await? {
        Some(row) => Cells::named(&row, "workspaces", "newest".to_owned()).opt_millis("last_event_at"),
        None => Ok(None),
    }
}

/// A remembered answer.
pub(crate) async fn answer(
    db: &DatabaseConnection,
    workspace: &WorkspaceId,
    key: &str,
) -> Result<Option<StoredAnswer>, StoreError> {
    let select = answers::Entity::find_by_id((workspace.to_string(), key.to_owned()));
    let found = row(db, select.into_query()).await?;
    found.map(|row| row::answer::read(&Cells::by_text(&row, "answers", "key")?)).transpose()
}

/// Ids after the last one seen, as text: a check must also come past one that is damaged.
pub(crate) async fn ids_after(db: &DatabaseConnection, page: &Page) -> Result<Vec<String>, StoreError> {
    let mut select = table::Entity::find()
        .select_only()
        .column(table::Column::Id)
        .order_by_asc(table::Column::Id)
        .limit(u64::from(page.limit));
    if let Some(after) = &page.after {
        select = select.filter(table::Column::Id.gt(after.as_str()));
    }
    let found = rows(db, select.into_query()).await?;
    found.iter().map(|row| Cells::by_text(row, "workspaces", "id")?.text("id")).collect()
}

/// The stored figures of a workspace and its due time, within whatever snapshot `db` is.
pub(crate) async fn figures<C: ConnectionTrait>(
    db: &C,
    id: &WorkspaceId,
) -> Result<Option<(WorkspaceRecord, Option<Millis>)>, StoreError> {
    let Some(found) = row(db, table::Entity::find_by_id(id.as_str()).into_query()).await? else {
        return Ok(None);
    };
    let cells = Cells::by_text(&found, "workspaces", "id")?;
    Ok(Some((row::workspace::read_record(&cells)?, cells.opt_millis("next_due_at")?)))
}
