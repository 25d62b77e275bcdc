//! Table `lots`.

use reeve_credits::lot::{Lot, LotClass, Terms};
use reeve_journal::StoreError;
use reeve_types::WorkspaceId;

use super::cells::Cells;
use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

/// The first two are the key.
pub(crate) const COLUMNS: &Columns = &[
    text("workspace"),
    text("id"),
    int("available"),
    int("held"),
    int("consumed"),
    int("expired"),
    int("forfeited"),
    int("clawed_back"),
    int("granted"),
    int("priority"),
    int("effective_at"),
    int("expires_at"),
    int("catalog_version"),
    text("class"),
    text("source"),
    text("scope"),
    text("payment"),
];

/// A lot at its latest values.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, lot: &Lot) {
    let Terms { available, held, consumed, expired, forfeited, clawed_back } = lot.terms;
    let terms = [available, held, consumed, expired, forfeited, clawed_back];
    let cells =
        terms.iter().fold(rows.row().id(workspace).id(lot.id), |cells, term| cells.int(term.micros()));
    cells
        .int(lot.granted.micros())
        .int(lot.priority)
        .int(lot.effective_at.value())
        .opt_int(lot.expires_at.map(|at| at.value()))
        .int(lot.catalog_version)
        .id(lot.class.as_str())
        .id(&lot.source)
        .opt_text(lot.scope.as_ref().map(|scope| scope.as_str()))
        .opt_text(lot.payment.as_deref())
        .done(COLUMNS.len());
}

/// A stored lot.
pub(crate) fn read(cells: &Cells<'_>) -> Result<Lot, StoreError> {
    Ok(Lot {
        id: cells.parse("id")?,
        source: cells.parse("source")?,
        class: cells.word("class", LotClass::from_word)?,
        priority: cells.int("priority")?,
        effective_at: cells.millis("effective_at")?,
        expires_at: cells.opt_millis("expires_at")?,
        scope: cells.opt_parse("scope")?,
        payment: cells.opt_shared("payment")?,
        catalog_version: cells.int("catalog_version")?,
        granted: cells.credits("granted")?,
        terms: Terms {
            available: cells.credits("available")?,
            held: cells.credits("held")?,
            consumed: cells.credits("consumed")?,
            expired: cells.credits("expired")?,
            forfeited: cells.credits("forfeited")?,
            clawed_back: cells.credits("clawed_back")?,
        },
    })
}
