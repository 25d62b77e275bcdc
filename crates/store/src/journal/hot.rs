//! The usual batch of SQLite in two calls: all its statements as one text with a parameter for each cell, then COMMIT.
//!
//! Used by `writer` before its general way, which takes a batch statement by statement. Each call of the driver is a
//! message to the thread that owns the file and one back; with both cores busy, a dozen of them were a third of a
//! commit's time. This way is for admissions, leases and closes that go well. Whatever it is not made for, and whatever
//! does not go well for another reason than the disk, it leaves unwritten to the general way, which finds out why.
//! Guarantees: what it answers as written is the whole batch; in any other case nothing of it is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use reeve_faults::{self as faults, Law, Point};
use reeve_types::WorkspaceId;
use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe, Connection as _, Either, Executor as _};
use sea_orm::{DbErr, RuntimeErr};

use super::encode::{Cell, Rows};
use super::handle::Entry;
use super::lane::Lane;
use super::plan::Plan;
use super::statements::{self, Statements};
use super::transaction::{Stop, interfere, signed};
use super::written::Counters;
use crate::failure::{Failure, classify};
use crate::row;
use crate::row::workspace::DueTimes;
use crate::sqlite;

/// Workspaces whose stored due times are remembered; beyond it, all are forgotten, and then written once more each.
const DUE_COUNT_MAX: usize = 32_768;

/// Sizes of texts: each serves batches of up to that many admissions, twice as many as the one before.
const SIZES: [usize; 8] = [4, 8, 16, 32, 64, 128, 256, 512];

/// How a batch went.
pub(super) enum Went {
    Committed,
    /// Nothing was written: the general way shall take the batch.
    Elsewhere,
    /// Nothing was written, by the environment's fault.
    Stopped(Failure),
    /// The COMMIT failed.
    CommitFailed(Failure),
}

/// A text and what it has room for.
struct Text {
    sql: Arc<str>,
    /// Most rows of each bound statement, in their order.
    rows_max: [usize; 8],
}

/// A connection of its own, with a few prepared texts.
pub(crate) struct Hot {
    conn: SqliteConnection,
    texts: [Option<Text>; SIZES.len()],
    /// What is stored, as far as it was written here.
    due: HashMap<WorkspaceId, DueTimes>,
}

impl Hot {
    /// Opens the file beside the connection of the general way; only one of them may write at a time.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) async fn open(path: &Path) -> Result<Self, DbErr> {
        let conn = SqliteConnection::connect_with(&sqlite::options_to_write(path)).await;
        let conn = conn.map_err(db_error)?;
        Ok(Self { conn, texts: Default::default(), due: HashMap::new() })
    }

    /// One transaction from BEGIN to COMMIT or ROLLBACK.
    pub(super) async fn run(&mut self, entries: &[Entry], lane: Lane, written: &Counters) -> Went {
        let plan = match Plan::of(entries.iter()) {
            Ok(plan) if is_hot(&plan) => plan,
            // A batch that cannot be planned is told why by the general way.
            _ => return Went::Elsewhere,
        };
        match self.write(&plan, lane, written).await {
            Ok(true) => self.commit(&plan).await,
            Ok(false) => {
                self.roll_back().await;
                Went::Elsewhere
            }
            Err(Failure::Data(_)) => {
                self.roll_back().await;
                Went::Elsewhere
            }
            Err(failure) => {
                self.roll_back().await;
                Went::Stopped(failure)
            }
        }
    }

    /// Everything but the COMMIT; whether every row found its place.
    pub(super) async fn write(
        &mut self,
        plan: &Plan<'_>,
        lane: Lane,
        written: &Counters,
    ) -> Result<bool, Failure> {
        let due = self.due_rows(plan);
        let (bound, as_json) = (bound(plan), as_json(plan, &due));
        let Some(text) = self.text(&bound) else {
            return Ok(false);
        };
        let arguments = arguments(lane, (&bound, &text.rows_max), &as_json);
        let query = sqlx::query_with(AssertSqlSafe(text.sql.clone()), arguments.map_err(not_bound)?);
        written.statement(1, 0);
        let mut wanted = 1;
        for rows in bound.iter().chain(&as_json).filter(|rows| !rows.is_empty()) {
            written.statement(rows.count(), rows.bytes());
            wanted += rows.count();
        }
        let mut answers = self.conn.fetch_many(query);
        let (mut done, mut rows) = (0_usize, 0_u64);
        while let Some(answer) = answers.try_next().await.map_err(failure)? {
            // BEGIN answers with the count of the statement before it, whatever that was.
            if let Either::Left(result) = answer {
                rows += if done > 0 { result.rows_affected() } else { 0 };
                done += 1;
            }
        }
        for point in [
            Point::JournalAfterVersions,
            Point::JournalBeforeOutbox,
            Point::JournalAfterOutbox,
            Point::JournalAfterInserts,
        ] {
            interfere(point).map_err(|stop| match stop {
                Stop::Failed(failure) => failure,
                _ => Failure::Other("a fault of a test".to_owned()),
            })?;
        }
        // No statement can affect more rows than it was given: the sum is right only when each of them is.
        Ok(rows == wanted)
    }

    /// The smallest text with room for these rows; made when it is used first.
    fn text(&mut self, bound: &[&Rows; 8]) -> Option<&Text> {
        for (text, size) in self.texts.iter_mut().zip(SIZES) {
            let text = text.get_or_insert_with(|| Text::of(size));
            let fits = bound.iter().zip(text.rows_max).all(|(rows, max)| rows.count() <= max as u64);
            if fits {
                return Some(text);
            }
        }
        None
    }

    /// Due times that are not known to be stored: writing the others would touch the index for nothing.
    fn due_rows(&self, plan: &Plan<'_>) -> Rows {
        let mut rows = Rows::default();
        for group in &plan.groups {
            let wanted = DueTimes::of(group.row);
            if self.due.get(group.workspace) != Some(&wanted) {
                row::workspace::write_due(&mut rows, group.workspace, wanted);
            }
        }
        rows
    }

    /// COMMIT, with the places where tests interfere.
    pub(super) async fn commit(&mut self, plan: &Plan<'_>) -> Went {
        faults::pass(Point::JournalBeforeCommit);
        if faults::fails(Point::JournalBeforeCommit) {
            self.roll_back().await;
            return Went::CommitFailed(Failure::Disk("a fault of a test before the commit".to_owned()));
        }
        if let Err(error) = self.conn.execute(sqlx::query("COMMIT")).await {
            let failure = failure(error);
            // A COMMIT that was refused leaves the transaction open; after a failed disk nobody writes any more.
            self.roll_back().await;
            return Went::CommitFailed(failure);
        }
        faults::pass(Point::JournalAfterCommit);
        if faults::fails(Point::JournalAfterCommit) {
            return Went::CommitFailed(Failure::Disk("a fault of a test after the commit".to_owned()));
        }
        self.remember(plan);
        Went::Committed
    }

    async fn roll_back(&mut self) {
        // SQLite may have rolled back by itself; if it cannot, the next BEGIN says so.
        if let Err(error) = self.conn.execute(sqlx::query("ROLLBACK")).await {
            tracing::debug!(%error, "a transaction did not roll back cleanly");
        }
    }

    fn remember(&mut self, plan: &Plan<'_>) {
        if self.due.len() >= DUE_COUNT_MAX {
            self.due.clear();
        }
        for group in &plan.groups {
            let due = DueTimes::of(group.row);
            match self.due.get_mut(group.workspace) {
                Some(known) => *known = due,
                None => {
                    self.due.insert(group.workspace.clone(), due);
                }
            }
        }
    }

    /// Another connection wrote these.
    pub(super) fn forget<'a>(&mut self, workspaces: impl Iterator<Item = &'a WorkspaceId>) {
        workspaces.for_each(|workspace| {
            self.due.remove(workspace);
        });
    }

    /// Lets go of the file.
    ///
    /// # Errors
    /// When the connection does not end in order; nothing that was committed depends on it.
    pub(crate) async fn close(self) -> Result<(), DbErr> {
        self.conn.close().await.map_err(db_error)
    }
}

/// Whether this way is made for it: nothing is created but jobs, nothing is claimed, and no profile changes.
pub(super) fn is_hot(plan: &Plan<'_>) -> bool {
    let cold = [
        &plan.workspaces_new,
        &plan.workspaces_profile,
        &plan.purchases,
        &plan.members,
        &plan.claims,
        &plan.unclaims,
    ];
    let laws = [Law::RememberKeys, Law::OutboxWithChange, Law::WholeCommit];
    cold.iter().all(|rows| rows.is_empty())
        && plan.workspaces_move.count() == plan.groups.len() as u64
        && !laws.into_iter().any(faults::is_broken)
}

/// Rows whose cells are bound, in the order of [`statements::bound`].
fn bound<'a>(plan: &'a Plan<'_>) -> [&'a Rows; 8] {
    [
        &plan.workspaces_move,
        &plan.answers,
        &plan.lots,
        &plan.jobs_waiting,
        &plan.ledger,
        &plan.outbox,
        &plan.jobs_live,
        &plan.jobs_final,
    ]
}

/// Rows that are few in most batches, each as one JSON text.
fn as_json<'a>(plan: &'a Plan<'_>, due: &'a Rows) -> [&'a Rows; 4] {
    [due, &plan.workspaces_tallies, &plan.jobs_new, &plan.uploads]
}

impl Text {
    fn of(size: usize) -> Self {
        let sql = Statements::of(sea_orm::DbBackend::Sqlite);
        let bound = statements::bound(size);
        let rows_max = bound.each_ref().map(|(_, rows_max)| *rows_max);
        let mut texts = vec!["BEGIN IMMEDIATE".to_owned(), sql.lane];
        texts.extend(bound.into_iter().map(|(text, _)| text));
        texts.extend([sql.workspaces_due, sql.workspaces_tallies, sql.jobs_new, sql.uploads]);
        // A number would be that of a parameter of the whole text.
        let sql = texts.join(";\n").replace("?1", "?").replace("?2", "?").into();
        Self { sql, rows_max }
    }
}

/// The parameters of a text, in its order.
fn arguments(
    lane: Lane,
    (bound, rows_max): (&[&Rows; 8], &[usize; 8]),
    as_json: &[&Rows; 4],
) -> Result<SqliteArguments, sqlx::error::BoxDynError> {
    let mut arguments = SqliteArguments::default();
    let columns = statements::bound_columns();
    let count: usize = columns.iter().zip(rows_max).map(|(columns, rows_max)| columns * rows_max + 1).sum();
    arguments.reserve(count + 6, 0);
    arguments.add(signed(lane.seq.saturating_add(1)))?;
    arguments.add(signed(lane.epoch))?;
    for ((rows, rows_max), columns) in bound.iter().zip(rows_max).zip(columns) {
        for cell in rows.cells() {
            match cell {
                Cell::Null => arguments.add(None::<i64>)?,
                Cell::Int(number) => arguments.add(*number)?,
                Cell::Text(text) => arguments.add(text.clone())?,
                Cell::Bytes(bytes) => arguments.add(bytes.to_vec())?,
            }
        }
        for _ in rows.cells().len()..columns * rows_max {
            arguments.add(None::<i64>)?;
        }
        arguments.add(i64::try_from(rows.count())?)?;
    }
    for rows in as_json {
        arguments.add(rows.json())?;
    }
    Ok(arguments)
}

fn db_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn failure(error: sqlx::Error) -> Failure {
    classify(&db_error(error))
}

fn not_bound(error: sqlx::error::BoxDynError) -> Failure {
    Failure::Data(error.to_string())
}

#[cfg(test)]
mod tests;
