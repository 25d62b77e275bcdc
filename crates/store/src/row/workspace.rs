//! Table `workspaces`: the hot figures, and the profile as JSON with the columns that lists need.

use reeve_journal::{FactsRow, StoreError, WorkspaceRecord};
use reeve_types::{TierName, WorkspaceId};
use reeve_workspace::{Chain, Hash, Profile, State, Tallies, WorkspaceRow};

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

/// Columns that [`read_state`] reads.
pub(crate) const STATE: &Columns = &[
    text("id"),
    int("version"),
    text("profile"),
    text("tallies"),
    int("debt"),
    int("admitted"),
    int("lots_made"),
    int("chain_seq"),
    bytes("chain_hash"),
    int("last_event_at"),
    int("outward_at"),
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
    int("phase"),
];

/// Columns of changed small counts.
pub(crate) const TALLIES: &Columns = &[text("id"), text("tallies")];

/// Columns of changed due times.
pub(crate) const DUE: &Columns = &[text("id"), int("next_due_at"), int("outward_at")];

/// When a workspace is due: at all, and apart from its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DueTimes {
    pub(crate) next_due_at: Option<i64>,
    pub(crate) outward_at: Option<i64>,
}

impl DueTimes {
    /// Those of a row.
    pub(crate) fn of(row: &WorkspaceRow) -> Self {
        let value = |at: Option<reeve_types::Millis>| at.map(|at| at.value());
        Self { next_due_at: value(row.next_due_at), outward_at: value(row.outward_at) }
    }
}

/// Columns of a move that says due times too.
pub(crate) fn move_with_due() -> Vec<(&'static str, Cast)> {
    MOVE.iter().chain(DUE.iter().skip(1)).copied().collect()
}

/// Columns of a new workspace.
pub(crate) fn all() -> Vec<(&'static str, Cast)> {
    let figures = MOVE.iter().filter(|(name, _)| *name != "expected");
    let others = [TALLIES, PROFILE, DUE];
    figures.chain(others.into_iter().flat_map(|columns| columns.iter().skip(1))).copied().collect()
}

/// A move of `id` from `expected` to `version`.
pub(crate) fn write_move(rows: &mut Rows, id: &WorkspaceId, versions: (u64, u64), row: &WorkspaceRow) {
    moved(rows, id, versions, row).done(MOVE.len());
}

/// The same with its due times.
pub(crate) fn write_move_with_due(
    rows: &mut Rows,
    id: &WorkspaceId,
    versions: (u64, u64),
    row: &WorkspaceRow,
) {
    due_cells(moved(rows, id, versions, row), DueTimes::of(row)).done(MOVE.len() + DUE.len() - 1);
}

/// A changed profile.
pub(crate) fn write_profile(rows: &mut Rows, id: &WorkspaceId, profile: &Profile) {
    profile_cells(rows.row().id(id), profile).done(PROFILE.len());
}

/// Changed small counts.
pub(crate) fn write_tallies(rows: &mut Rows, id: &WorkspaceId, tallies: &Tallies) {
    rows.row().id(id).json(tallies).done(TALLIES.len());
}

/// Changed due times.
pub(crate) fn write_due(rows: &mut Rows, id: &WorkspaceId, due: DueTimes) {
    due_cells(rows.row().id(id), due).done(DUE.len());
}

/// A new workspace.
pub(crate) fn write_new(
    rows: &mut Rows,
    id: &WorkspaceId,
    version: u64,
    (row, profile, tallies): (&WorkspaceRow, &Profile, &Tallies),
) {
    let cells = figures(rows.row().id(id).int(version), row).json(tallies);
    due_cells(profile_cells(cells, profile), DueTimes::of(row)).done(all().len());
}

fn moved<'a>(
    rows: &'a mut Rows,
    id: &WorkspaceId,
    (expected, version): (u64, u64),
    row: &WorkspaceRow,
) -> Row<'a> {
    figures(rows.row().id(id).int(expected).int(version), row)
}

fn due_cells(cells: Row<'_>, due: DueTimes) -> Row<'_> {
    cells.opt_int(due.next_due_at).opt_int(due.outward_at)
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
        .id(&profile.subscribed.plan)
        .json(profile)
        .int(profile.phase().number())
}

/// A workspace without what stands in rows of its own.
pub(crate) fn read_state(cells: &Cells<'_>) -> Result<State, StoreError> {
    Ok(State {
        id: cells.parse("id")?,
        version: cells.int("version")?,
        profile: cells.json("profile")?,
        lots: Vec::new(),
        paid_lots: Default::default(),
        debt: cells.credits("debt")?,
        purchases: Default::default(),
        members: Default::default(),
        tallies: cells.json("tallies")?,
        jobs: Default::default(),
        running: 0,
        admitted: cells.int("admitted")?,
        lots_made: cells.int("lots_made")?,
        chain: Chain { seq: cells.int("chain_seq")?, hash: Hash(cells.bytes("chain_hash")?) },
        last_event_at: cells.millis("last_event_at")?,
        deadlines: Default::default(),
        outward_at: cells.opt_millis("outward_at")?,
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

/// Columns of what the dispatcher knows, in the order of [`Slim`].
pub(crate) const FACTS: &str = "id, tier, concurrency_max, paused";

/// A workspace in a packed page.
#[derive(serde::Deserialize)]
struct Slim<'a>(&'a str, &'a str, Option<u32>, u8);

/// What the dispatcher knows of the workspaces of a packed page; `None` when a cell is not what it should be.
pub(crate) fn unpack_facts(text: &str) -> Option<Vec<FactsRow>> {
    let mut tiers: Vec<TierName> = Vec::new();
    let mut facts = Vec::new();
    for Slim(id, tier, concurrency_max, paused) in serde_json::from_str::<Vec<Slim<'_>>>(text).ok()? {
        let known = tiers.iter().find(|known| known.as_str() == tier).cloned();
        let tier = match known {
            Some(known) => known,
            None => {
                let new: TierName = tier.parse().ok()?;
                tiers.push(new.clone());
                new
            }
        };
        let paused = match paused {
            0 => false,
            1 => true,
            _ => return None,
        };
        facts.push(FactsRow { workspace: id.parse().ok()?, tier, concurrency_max, paused });
    }
    Some(facts)
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
