//! Table `outbox`: what happened, for subscribers; ids are given by the database in order of commit.

use reeve_types::WorkspaceId;
use reeve_workspace::OutboxRow;

use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

pub(crate) const COLUMNS: &Columns = &[text("workspace"), int("at"), text("kind"), text("job"), text("body")];

/// One happening.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, row: &OutboxRow) {
    let cells = rows.row().id(workspace).int(row.at.value()).text(row.kind).opt_id(row.job);
    cells.text(&row.body).done(COLUMNS.len());
}
