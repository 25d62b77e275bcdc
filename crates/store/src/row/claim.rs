//! Table `claims`: who used a fact that may be used once in the whole store (L6).

use reeve_journal::StoreError;
use reeve_types::WorkspaceId;
use reeve_workspace::Claim;

use super::cells::Cells;
use super::columns::{Columns, text};
use crate::journal::encode::Rows;

/// The first two are the key.
pub(crate) const COLUMNS: &Columns = &[text("scope"), text("key"), text("workspace")];

/// A claim of a workspace.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, claim: &Claim) {
    rows.row().text(&claim.scope).text(&claim.key).id(workspace).done(COLUMNS.len());
}

/// A stored claim and whose it is.
pub(crate) fn read(cells: &Cells<'_>) -> Result<(Claim, WorkspaceId), StoreError> {
    let claim = Claim { scope: cells.shared("scope")?, key: cells.shared("key")? };
    Ok((claim, cells.parse("workspace")?))
}
