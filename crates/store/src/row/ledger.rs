//! Table `ledger`: append-only rows, chained by hash (L5).

use reeve_journal::StoreError;
use reeve_types::WorkspaceId;
use reeve_workspace::{Hash, Kind, Row};

use super::cells::Cells;
use super::columns::{Columns, bytes, int, text};
use crate::journal::encode::Rows;

/// The first two are the key.
pub(crate) const COLUMNS: &Columns = &[
    text("workspace"),
    int("seq"),
    int("at"),
    text("kind"),
    int("amount"),
    int("available_after"),
    int("held_after"),
    text("lot"),
    text("source"),
    text("job"),
    int("attempt"),
    int("output"),
    text("action"),
    text("member"),
    text("reason"),
    text("actor"),
    text("request"),
    bytes("hash"),
];

/// A row of the chain.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, row: &Row) {
    rows.row()
        .id(workspace)
        .int(row.seq)
        .int(row.at.value())
        .id(row.kind.as_str())
        .int(row.amount.micros())
        .int(row.available_after.micros())
        .int(row.held_after.micros())
        .id(row.lot)
        .id(&row.source)
        .opt_id(row.job)
        .opt_int(row.attempt)
        .opt_int(row.output)
        .opt_id(row.action.as_ref())
        .opt_text(row.member.as_ref().map(|member| member.as_str()))
        .opt_text(row.reason.as_deref())
        .opt_id(row.actor)
        .opt_text(row.request.as_deref())
        .bytes(&row.hash.0)
        .done(COLUMNS.len());
}

/// How a row is named in reports: `<workspace>/<seq>`.
pub(crate) fn cells<'r>(row: &'r sea_orm::QueryResult, workspace: &WorkspaceId) -> Cells<'r> {
    let seq: Result<i64, _> = row.try_get("", "seq");
    let seq = seq.map_or_else(|_| "?".to_owned(), |seq| seq.to_string());
    Cells::named(row, "ledger", format!("{workspace}/{seq}"))
}

/// A stored row.
pub(crate) fn read(cells: &Cells<'_>) -> Result<Row, StoreError> {
    Ok(Row {
        seq: cells.int("seq")?,
        at: cells.millis("at")?,
        kind: cells.word("kind", Kind::from_word)?,
        amount: cells.credits("amount")?,
        lot: cells.parse("lot")?,
        source: cells.parse("source")?,
        job: cells.opt_parse("job")?,
        attempt: cells.opt_int("attempt")?,
        output: cells.opt_int("output")?,
        action: cells.opt_parse("action")?,
        member: cells.opt_parse("member")?,
        reason: cells.opt_shared("reason")?,
        actor: cells.opt_parse("actor")?,
        request: cells.opt_shared("request")?,
        available_after: cells.credits("available_after")?,
        held_after: cells.credits("held_after")?,
        hash: Hash(cells.bytes("hash")?),
    })
}
