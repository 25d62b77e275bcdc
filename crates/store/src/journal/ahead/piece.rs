//! One change set as text: what is stored ahead of the tables, and how a process that comes later reads it.
//!
//! A piece is a JSON array: the workspace, the version it was decided on, and the rows of each statement of
//! [`super::text::TABLES`] in turn. Made where a change set is submitted, beside the commit under way.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use reeve_journal::ChangeSet;
use reeve_workspace::Records;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fit::fits;
use super::text::TABLES;
use crate::journal::encode::Rows;
use crate::journal::encoded::Encoded;
use crate::row;
use crate::row::workspace::DueTimes;

thread_local! {
    /// Where pieces are written, so that each takes no more room than it needs while it waits.
    static SCRATCH: RefCell<(String, Rows)> = RefCell::default();
}
/// Room that is kept for the next one.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

/// A change set that fits every table, as text.
pub(crate) struct Piece(Box<str>);

impl Piece {
    /// The piece of a change set; `None` for one that takes the general way.
    pub(crate) fn of(change: &ChangeSet, encoded: &Encoded) -> Option<Self> {
        if !fits(change, encoded) {
            return None;
        }
        SCRATCH.with_borrow_mut(|(text, rows)| {
            text.clear();
            rows.clear();
            let piece = write(text, (change, encoded), rows).map(|()| Self(text.as_str().into()));
            text.shrink_to(SCRATCH_BYTES_MAX);
            rows.shrink_to(SCRATCH_BYTES_MAX);
            piece
        })
    }
}

/// Writes a change set behind what `text` has; `None` when it cannot be stored.
fn write(text: &mut String, of: (&ChangeSet, &Encoded), rows: &mut Rows) -> Option<()> {
    let _ = write!(text, "[\"{}\",{}", of.0.workspace, of.0.expected);
    for table in 0..TABLES {
        write_table(table, of, rows);
        if rows.bad().is_some() {
            return None;
        }
        text.push(',');
        rows.write_json(text);
        rows.clear();
    }
    text.push(']');
    Some(())
}

/// The text of a batch.
pub(crate) fn body<'p>(pieces: impl Iterator<Item = &'p Piece> + Clone) -> String {
    let bytes: usize = pieces.clone().map(|piece| piece.0.len() + 1).sum();
    let mut body = String::with_capacity(bytes + 2);
    for piece in pieces {
        body.push(if body.is_empty() { '[' } else { ',' });
        body.push_str(&piece.0);
    }
    body.push(']');
    body
}

/// The rows of one statement, as this change set alone leaves them.
fn write_table(table: usize, (change, encoded): (&ChangeSet, &Encoded), rows: &mut Rows) {
    let (workspace, records) = (&change.workspace, &change.records);
    // Those that were admitted before, and where they stand now.
    let moved = |last| {
        let jobs = records.jobs.iter().filter(move |(_, state)| state.status.is_final() == last);
        jobs.filter(|(id, _)| !encoded.admits(*id))
    };
    match table {
        0 => {
            let versions = (change.expected, change.expected.saturating_add(1));
            row::workspace::write_move(rows, workspace, versions, &records.workspace);
        }
        1 => row::workspace::write_due(rows, workspace, DueTimes::of(&records.workspace)),
        2 => {
            let tallies = records.workspace.tallies.iter();
            tallies.for_each(|tallies| row::workspace::write_tallies(rows, workspace, tallies));
        }
        3 => records.lots.iter().for_each(|lot| row::lot::write(rows, workspace, lot)),
        4 => records
            .jobs
            .iter()
            .filter_map(|(id, _)| encoded.waiting(*id))
            .for_each(|job| rows.append(&job.waiting)),
        5 => write_new(rows, records, encoded),
        6 => {
            let uploads = records.uploads.iter();
            uploads.for_each(|(job, attempt, upload)| row::upload::write(rows, (*job, *attempt), upload));
        }
        7 => rows.append(&encoded.ledger),
        8 => moved(false).for_each(|(id, state)| row::job::write_live(rows, *id, state)),
        9 => moved(true).for_each(|(id, state)| row::job::write_final(rows, *id, state)),
        _ => rows.append(&encoded.answers),
    }
}

/// Jobs that are admitted and went further at once.
fn write_new(rows: &mut Rows, records: &Records, encoded: &Encoded) {
    for intro in records.admitted.iter().filter(|intro| encoded.waiting(intro.id).is_none()) {
        if let Some((_, state)) = records.jobs.iter().find(|(id, _)| *id == intro.id) {
            row::job::write_new(rows, intro, state);
        }
    }
}

/// The rows of one statement.
type Table<'t> = Vec<&'t RawValue>;

/// A piece that was stored, perhaps by a program with fewer tables or more.
pub(super) struct Stored<'t> {
    pub(super) workspace: &'t str,
    /// The version it was decided on.
    pub(super) expected: u64,
    /// The rows of each statement.
    pub(super) tables: Vec<Table<'t>>,
}

impl<'de> Deserialize<'de> for Stored<'de> {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        text.deserialize_seq(StoredVisitor)
    }
}

struct StoredVisitor;

impl<'de> Visitor<'de> for StoredVisitor {
    type Value = Stored<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a workspace, its version, and rows of tables")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let workspace = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let expected = parts.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        let mut tables = Vec::with_capacity(TABLES);
        while let Some(table) = parts.next_element()? {
            tables.push(table);
        }
        Ok(Stored { workspace, expected, tables })
    }
}

/// The pieces of a batch.
pub(super) fn read(body: &str) -> Result<Vec<Stored<'_>>, serde_json::Error> {
    serde_json::from_str(body)
}
