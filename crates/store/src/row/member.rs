//! Table `members`: limits of members and what they settled in their window.

use reeve_journal::StoreError;
use reeve_types::{Credits, MemberId, Millis, WorkspaceId};
use reeve_workspace::{Member, MemberLimit, MemberWindow, SeatUse};

use super::cells::Cells;
use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

/// The first two are the key.
pub(crate) const COLUMNS: &Columns = &[
    text("workspace"),
    text("member"),
    int("limit_amount"),
    text("limit_window"),
    int("window_start"),
    int("settled"),
    int("seat_from"),
    int("seat_settled"),
];

/// A member at the latest values.
pub(crate) fn write(rows: &mut Rows, workspace: &WorkspaceId, (id, member): (&MemberId, &Member)) {
    rows.row()
        .id(workspace)
        .text(id.as_str())
        .opt_int(member.limit.map(|limit| limit.amount.micros()))
        .opt_id(member.limit.map(|limit| limit.window.as_str()))
        .int(member.window_start.value())
        .int(member.settled.micros())
        .opt_int(member.seat.map(|seat| seat.period_start.value()))
        .opt_int(member.seat.map(|seat| seat.settled.micros()))
        .done(COLUMNS.len());
}

/// How a row is named in reports: `<workspace>/<member>`.
pub(crate) fn cells<'r>(row: &'r sea_orm::QueryResult, workspace: &WorkspaceId) -> Cells<'r> {
    let member: Result<String, _> = row.try_get("", "member");
    Cells::named(row, "members", format!("{workspace}/{}", member.unwrap_or_else(|_| "?".to_owned())))
}

/// A stored member.
pub(crate) fn read(cells: &Cells<'_>) -> Result<(MemberId, Member), StoreError> {
    let limit = match cells.opt_int("limit_amount")? {
        None => None,
        Some(micros) => Some(MemberLimit {
            amount: Credits::from_micros(micros),
            window: cells.word("limit_window", MemberWindow::from_word)?,
        }),
    };
    let seat = match cells.opt_int("seat_from")? {
        None => None,
        Some(from) => {
            Some(SeatUse { period_start: Millis::from_millis(from), settled: cells.credits("seat_settled")? })
        }
    };
    let (window_start, settled) = (cells.millis("window_start")?, cells.credits("settled")?);
    let member = Member { limit, window_start, settled, seat };
    Ok((cells.parse("member")?, member))
}
