//! Table `promotions`: cold, so written through its entity.

use reeve_journal::StoreError;
use reeve_workspace::Promotion;
use sea_orm::ActiveValue::Set;
use sea_orm::DbErr;

use super::cells::Cells;
use crate::entity::promotions::ActiveModel;

/// A promotion as stored.
pub(crate) fn write(promotion: &Promotion) -> Result<ActiveModel, DbErr> {
    let body = serde_json::to_string(promotion).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(ActiveModel {
        id: Set(promotion.id.to_string()),
        catalog: Set(promotion.catalog.to_string()),
        body: Set(body),
    })
}

/// A stored promotion.
pub(crate) fn read(cells: &Cells<'_>) -> Result<Promotion, StoreError> {
    cells.json("body")
}
