//! Table `deliveries`: one event for one endpoint, and what became of it.

use reeve_journal::{Attempt, DeliveryRow, DeliveryState, DueDelivery, OutboxEvent, StoreError};
use reeve_types::Millis;

use super::cells::Cells;
use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

/// What a delivery is made of.
pub(crate) const NEW: &Columns = &[
    text("webhook"),
    int("event"),
    int("created_at"),
    int("due_at"),
    int("attempts"),
    text("state"),
    text("kind"),
    text("url"),
];

/// What a try changes; found by the first three.
pub(crate) const TRIED: &Columns = &[
    text("webhook"),
    int("event"),
    int("asked"),
    int("due_at"),
    int("attempts"),
    text("state"),
    int("tried_at"),
    int("took_ms"),
    int("status"),
    text("error"),
    text("response"),
];

/// All that is read of a delivery; `d` is the table.
pub(crate) const READ: &str = "d.webhook, d.event, d.created_at, d.due_at, d.attempts, d.asked, d.state, d.tried_at, \
     d.took_ms, d.status, d.kind, d.url, d.error, d.response";

/// A delivery that waits.
pub(crate) fn write_new(rows: &mut Rows, row: &DeliveryRow) {
    rows.row()
        .id(row.webhook)
        .int(row.event)
        .int(row.created_at.value())
        .opt_int(row.due_at.map(Millis::value))
        .int(row.attempts)
        .id(row.state.as_str())
        .text(&row.kind)
        .opt_text(row.url.as_deref())
        .done(NEW.len());
}

/// A delivery after a try.
pub(crate) fn write_tried(rows: &mut Rows, row: &DeliveryRow) {
    let last = row.last.as_ref();
    rows.row()
        .id(row.webhook)
        .int(row.event)
        .int(row.asked)
        .opt_int(row.due_at.map(Millis::value))
        .int(row.attempts)
        .id(row.state.as_str())
        .opt_int(last.map(|last| last.at.value()))
        .opt_int(last.map(|last| last.took_ms))
        .opt_int(last.and_then(|last| last.status))
        .opt_text(last.and_then(|last| last.error.as_deref()))
        .opt_text(last.and_then(|last| last.response.as_deref()))
        .done(TRIED.len());
}

/// A stored delivery.
pub(crate) fn read(cells: &Cells<'_>) -> Result<DeliveryRow, StoreError> {
    let last = match cells.opt_millis("tried_at")? {
        Some(at) => Some(Attempt {
            at,
            took_ms: cells.opt_int("took_ms")?.unwrap_or(0),
            status: cells.opt_int("status")?,
            error: cells.opt_text("error")?,
            response: cells.opt_text("response")?,
        }),
        None => None,
    };
    Ok(DeliveryRow {
        webhook: cells.parse("webhook")?,
        event: cells.int("event")?,
        created_at: cells.millis("created_at")?,
        kind: cells.text("kind")?,
        url: cells.opt_text("url")?,
        state: cells.word("state", DeliveryState::from_word)?,
        due_at: cells.opt_millis("due_at")?,
        attempts: cells.int("attempts")?,
        asked: cells.int("asked")?,
        last,
    })
}

/// A stored delivery beside the row of the outbox it tells of, whose columns are called `o_...`.
pub(crate) fn read_due(cells: &Cells<'_>) -> Result<DueDelivery, StoreError> {
    let delivery = read(cells)?;
    let event = match cells.opt_int::<i64>("o_id")? {
        Some(id) => Some(OutboxEvent {
            id,
            workspace: workspace(cells, "o_workspace")?,
            at: cells.millis("o_at")?,
            kind: delivery.kind.clone(),
            job: cells.opt_parse("o_job")?,
            body: cells.text("o_body")?,
            job_url: None,
        }),
        None => None,
    };
    Ok(DueDelivery { delivery, event })
}

/// A row of the outbox.
pub(crate) fn read_event(cells: &Cells<'_>, job_urls: bool) -> Result<OutboxEvent, StoreError> {
    Ok(OutboxEvent {
        id: cells.int("id")?,
        workspace: workspace(cells, "workspace")?,
        at: cells.millis("at")?,
        kind: cells.text("kind")?,
        job: cells.opt_parse("job")?,
        body: cells.text("body")?,
        job_url: if job_urls { cells.opt_text("webhook")? } else { None },
    })
}

/// What belongs to no workspace has an empty name there.
fn workspace(
    cells: &Cells<'_>,
    column: &'static str,
) -> Result<Option<reeve_types::WorkspaceId>, StoreError> {
    if cells.text(column)?.is_empty() { Ok(None) } else { cells.parse(column).map(Some) }
}
