//! Table `purchases`.

use reeve_journal::StoreError;
use reeve_types::WorkspaceId;
use reeve_workspace::PurchaseRow;

use super::cells::Cells;
use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

/// The first one is the key.
pub(crate) const COLUMNS: &Columns = &[
    text("id"),
    text("workspace"),
    text("payment"),
    text("pack"),
    int("credits"),
    text("status"),
    text("lot"),
    int("created_at"),
];

/// A purchase at its latest values.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, row: &PurchaseRow) {
    let cells = rows.row().id(row.id).id(workspace).text(&row.payment).opt_text(row.pack.as_deref());
    let cells = cells.int(row.credits.micros()).text(&row.status).opt_id(row.lot);
    cells.int(row.created_at.value()).done(COLUMNS.len());
}

/// A stored purchase.
pub(crate) fn read(cells: &Cells<'_>) -> Result<PurchaseRow, StoreError> {
    Ok(PurchaseRow {
        id: cells.parse("id")?,
        payment: cells.shared("payment")?,
        pack: cells.opt_shared("pack")?,
        credits: cells.credits("credits")?,
        status: cells.shared("status")?,
        lot: cells.opt_parse("lot")?,
        created_at: cells.millis("created_at")?,
    })
}
