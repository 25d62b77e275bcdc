//! Table `keys`: cold, so written through its entity.

use reeve_journal::{KeyRow, Role, StoreError};
use sea_orm::ActiveValue::Set;

use super::cells::Cells;
use crate::entity::keys::ActiveModel;

/// A key as stored.
pub(crate) fn write(row: &KeyRow) -> ActiveModel {
    ActiveModel {
        id: Set(row.id.to_string()),
        role: Set(row.role.as_str().to_owned()),
        workspace: Set(row.workspace.as_ref().map(ToString::to_string)),
        name: Set(row.name.clone()),
        digest: Set(row.digest.to_vec()),
        created_at: Set(row.created_at.value()),
        revoked_at: Set(row.revoked_at.map(|at| at.value())),
        expires_at: Set(row.expires_at.map(|at| at.value())),
        last_used_at: Set(row.last_used_at.map(|at| at.value())),
        rate_per_second: Set(row.rate_per_second.map(i64::from)),
        burst: Set(row.burst.map(i64::from)),
    }
}

/// A stored key.
pub(crate) fn read(cells: &Cells<'_>) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id: cells.parse("id")?,
        role: cells.word("role", Role::from_word)?,
        workspace: cells.opt_parse("workspace")?,
        name: cells.text("name")?,
        digest: cells.bytes("digest")?,
        created_at: cells.millis("created_at")?,
        revoked_at: cells.opt_millis("revoked_at")?,
        expires_at: cells.opt_millis("expires_at")?,
        last_used_at: cells.opt_millis("last_used_at")?,
        rate_per_second: cells.opt_int("rate_per_second")?,
        burst: cells.opt_int("burst")?,
    })
}
