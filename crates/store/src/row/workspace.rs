//! Table `workspaces`: the hot figures, and the profile as JSON with the columns that lists need.

use reeve_journal::{FactsRow, StoreError, WorkspaceRecord};
use reeve_types::WorkspaceId;
use reeve_workspace::{Chain, Hash, Profile, State, WorkspaceRow};

use super::cells::Cells;
use super::columns::{Cast, Columns, bytes, int, text};
use crate::journal::encode::{Row, Rows};

/// Columns of a move; the second one is the version it starts from.
pub(crate) const MOVE: &Columns = &[
    text("id"),
    int("expected"),
    int("version"),
    int("last_event_at"),
    int("queued"),
    int("running"),
    int("available"),
    int("held"),
    int("debt"),
    int("admitted"),
    int("lots_made"),
    int("chain_seq"),
    bytes("chain_hash"),
];

/// Columns of a changed profile.
pub(crate) const PROFILE: &Columns = &[
    text("id"),
    int("paused"),
    int("concurrency_max"),
    text("tier"),
    text("catalog"),
    text("plan"),
    text("profile"),
];

/// Columns of a changed due time.
pub(crate) const DUE: &Columns = &[text("id"), int("next_due_at")];

/// Columns of a new workspace.
pub(crate) fn all() -> Vec<(&'static str, Cast)> {
    let figures = MOVE.iter().filter(|(name, _)| *name != "expected");
    figures.chain(PROFILE.iter().skip(1)).chain(DUE.iter().skip(1)).copied().collect()
}

/// A move of `id` from `expected` to `version`.
pub(crate) fn write_move(
    rows: &mut Rows,
    id: &WorkspaceId,
    (expected, version): (u64, u64),
    row: &WorkspaceRow,
) {
    figures(rows.row().id(id).int(expected).int(version), row).done(MOVE.len());
}

/// A changed profile.
pub(crate) fn write_profile(rows: &mut Rows, id: &WorkspaceId, profile: &Profile) {
    profile_cells(rows.row().id(id), profile).done(PROFILE.len());
}

/// A changed due time.
pub(crate) fn write_due(rows: &mut Rows, id: &WorkspaceId, next_due_at: Option<i64>) {
    rows.row().id(id).opt_int(next_due_at).done(DUE.len());
}

/// A new workspace.
pub(crate) fn write_new(
    rows: &mut Rows,
    id: &WorkspaceId,
    version: u64,
    (row, profile): (&WorkspaceRow, &Profile),
) {
    let cells = profile_cells(figures(rows.row().id(id).int(version), row), profile);
    let due = row.next_due_at.map(|at| at.value());
    cells.opt_int(due).done(MOVE.len() - 1 + PROFILE.len() - 1 + DUE.len() - 1);
}

fn figures<'a>(cells: Row<'a>, row: &WorkspaceRow) -> Row<'a> {
    cells
        .int(row.last_event_at.value())
        .int(row.queued)
        .int(row.running)
        .int(row.available.micros())
        .int(row.held.micros())
        .int(row.debt.micros())
        .int(row.admitted)
        .int(row.lots_made)
        .int(row.chain.seq)
        .bytes(&row.chain.hash.0)
}

fn profile_cells<'a>(cells: Row<'a>, profile: &Profile) -> Row<'a> {
    cells
        .int(u8::from(profile.paused))
        .opt_int(profile.concurrency_max)
        .id(&profile.tier)
        .id(&profile.catalog)
        .id(&profile.plan)
        .json(profile)
}

/// A workspace without its lots and jobs.
pub(crate) fn read_state(cells: &Cells<'_>) -> Result<State, StoreError> {
    Ok(State {
        id: cells.parse("id")?,
        version: cells.int("version")?,
        profile: cells.json("profile")?,
        lots: Vec::new(),
        debt: cells.credits("debt")?,
        jobs: Default::default(),
        running: 0,
        admitted: cells.int("admitted")?,
        lots_made: cells.int("lots_made")?,
        chain: Chain { seq: cells.int("chain_seq")?, hash: Hash(cells.bytes("chain_hash")?) },
        last_event_at: cells.millis("last_event_at")?,
        deadlines: Default::default(),
    })
}

/// A workspace as lists show it.
pub(crate) fn read_record(cells: &Cells<'_>) -> Result<WorkspaceRecord, StoreError> {
    Ok(WorkspaceRecord {
        id: cells.parse("id")?,
        version: cells.int("version")?,
        profile: cells.json("profile")?,
        available: cells.credits("available")?,
        held: cells.credits("held")?,
        debt: cells.credits("debt")?,
        running: cells.int("running")?,
        queued: cells.int("queued")?,
    })
}

/// What the dispatcher knows of it.
pub(crate) fn read_facts(cells: &Cells<'_>) -> Result<FactsRow, StoreError> {
    Ok(FactsRow {
        workspace: cells.parse("id")?,
        tier: cells.parse("tier")?,
        concurrency_max: cells.opt_int("concurrency_max")?,
        paused: cells.flag("paused")?,
    })
}
