//! Table `purchases`.

use reeve_journal::StoreError;
use reeve_types::WorkspaceId;
use reeve_workspace::{PurchaseRow, PurchaseStatus};

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
    text("source"),
    text("status"),
    text("lot"),
    int("clawed_back"),
    int("unrecovered"),
    int("reversed"),
    int("restored"),
    int("created_at"),
    int("confirmed_at"),
];

/// A purchase at its latest values.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, row: &PurchaseRow) {
    let cells = rows.row().id(row.id).id(workspace).text(&row.payment).opt_text(row.pack.as_deref());
    let cells = cells.int(row.credits.micros()).id(&row.source).id(row.status.as_str()).opt_id(row.lot);
    let cells = [row.clawed_back, row.unrecovered, row.reversed]
        .iter()
        .fold(cells, |cells, amount| cells.int(amount.micros()));
    let cells = cells.int(u8::from(row.restored)).int(row.created_at.value());
    cells.opt_int(row.confirmed_at.map(|at| at.value())).done(COLUMNS.len());
}

/// A stored purchase.
pub(crate) fn read(cells: &Cells<'_>) -> Result<PurchaseRow, StoreError> {
    Ok(PurchaseRow {
        id: cells.parse("id")?,
        payment: cells.shared("payment")?,
        pack: cells.opt_shared("pack")?,
        credits: cells.credits("credits")?,
        source: cells.parse("source")?,
        status: cells.word("status", PurchaseStatus::from_word)?,
        lot: cells.opt_parse("lot")?,
        clawed_back: cells.credits("clawed_back")?,
        unrecovered: cells.credits("unrecovered")?,
        reversed: cells.credits("reversed")?,
        restored: cells.flag("restored")?,
        created_at: cells.millis("created_at")?,
        confirmed_at: cells.opt_millis("confirmed_at")?,
    })
}
