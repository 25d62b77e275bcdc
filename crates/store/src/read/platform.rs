//! Records that belong to no workspace: keys, catalogs, promotions.

use reeve_journal::{CatalogRow, KeyRow, StoreError};
use reeve_types::KeyId;
use reeve_workspace::Promotion;
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _, QueryTrait as _};

use super::db::{row, rows};
use crate::entity::{catalogs, keys, promotions};
use crate::row;
use crate::row::cells::Cells;

/// Every key.
pub(crate) async fn keys(db: &DatabaseConnection) -> Result<Vec<KeyRow>, StoreError> {
    let found = rows(db, keys::Entity::find().order_by_asc(keys::Column::Id).into_query()).await?;
    found.iter().map(|row| row::key::read(&Cells::by_text(row, "keys", "id")?)).collect()
}

/// The key of an id.
pub(crate) async fn key(db: &DatabaseConnection, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    let found = row(db, keys::Entity::find_by_id(id.to_string()).into_query()).await?;
    found.map(|row| row::key::read(&Cells::by_text(&row, "keys", "id")?)).transpose()
}

/// Every published version.
pub(crate) async fn catalogs(db: &DatabaseConnection) -> Result<Vec<CatalogRow>, StoreError> {
    let all =
        catalogs::Entity::find().order_by_asc(catalogs::Column::Name).order_by_asc(catalogs::Column::Version);
    let found = rows(db, all.into_query()).await?;
    found.iter().map(|row| row::catalog::read(&Cells::by_text(row, "catalogs", "name")?)).collect()
}

/// Every promotion.
pub(crate) async fn promotions(db: &DatabaseConnection) -> Result<Vec<Promotion>, StoreError> {
    let all = promotions::Entity::find().order_by_asc(promotions::Column::Id);
    let found = rows(db, all.into_query()).await?;
    found.iter().map(|row| row::promotion::read(&Cells::by_text(row, "promotions", "id")?)).collect()
}
