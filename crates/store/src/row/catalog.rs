//! Table `catalogs`: cold, so written through its entity.

use reeve_journal::{CatalogRow, StoreError};
use sea_orm::ActiveValue::Set;

use super::cells::Cells;
use crate::entity::catalogs::ActiveModel;

/// A version as stored.
pub(crate) fn write(row: &CatalogRow) -> ActiveModel {
    ActiveModel {
        name: Set(row.name.to_string()),
        version: Set(i64::from(row.version)),
        published_at: Set(row.published_at.value()),
        examples: Set(row.examples.clone()),
        text: Set(row.text.clone()),
    }
}

/// A stored version.
pub(crate) fn read(cells: &Cells<'_>) -> Result<CatalogRow, StoreError> {
    Ok(CatalogRow {
        name: cells.parse("name")?,
        version: cells.int("version")?,
        text: cells.text("text")?,
        examples: cells.opt_text("examples")?,
        published_at: cells.millis("published_at")?,
    })
}
