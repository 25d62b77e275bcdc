//! Table `answers`: remembered answers of idempotency keys.

use reeve_journal::{StoreError, StoredAnswer};
use reeve_types::WorkspaceId;
use reeve_workspace::Answer;

use super::cells::Cells;
use super::columns::{Columns, bytes, int, text};
use crate::journal::encode::Rows;

/// The first two are the key.
pub(crate) const COLUMNS: &Columns =
    &[text("workspace"), text("key"), int("at"), bytes("fingerprint"), text("body")];

/// An answer of a workspace.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, answer: &Answer) {
    let cells = rows.row().id(workspace).text(&answer.key).int(answer.at.value());
    cells.bytes(&answer.fingerprint).text(&answer.body).done(COLUMNS.len());
}

/// A stored answer.
pub(crate) fn read(cells: &Cells<'_>) -> Result<StoredAnswer, StoreError> {
    Ok(StoredAnswer {
        fingerprint: cells.bytes("fingerprint")?,
        body: cells.shared("body")?,
        at: cells.millis("at")?,
    })
}
