//! The usual batch of SQLite in two calls: all its statements as one text, then COMMIT; its sync goes on beside the next.
//!
//! Used by `writer` before its general way, which takes a batch statement by statement. Each call of the driver is a
//! message to the thread that owns the file and one back; with both cores busy, a dozen of them were a third of a
//! commit's time. This way is for admissions, leases and closes that go well. Whatever it is not made for, and whatever
//! does not go well for another reason than the disk, it leaves unwritten to the general way, which finds out why.
//! Guarantees: what it answers as committed is the whole batch, and it is durable once [`Hot::told_when_synced`] says so;
//! in any other case nothing of it is written.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use reeve_faults::{self as faults, Law, Point};
use reeve_types::WorkspaceId;
use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe, Connection as _, Either, Executor as _};
use sea_orm::{DbErr, RuntimeErr};

use super::encode::Rows;
use super::handle::Entry;
use super::lane::Lane;
use super::plan::Plan;
use super::statements::Statements;
use super::transaction::{Stop, interfere, signed};
use super::written::Counters;
use crate::failure::{Failure, classify};
use crate::row;
use crate::row::workspace::DueTimes;
use crate::sqlite;
use crate::sqlite::checkpoints::Checkpoints;
use crate::sqlite::syncs::{Progress, Syncs, Told};

/// Workspaces whose stored due times are remembered; beyond it, all are forgotten, and then written once more each.
const DUE_COUNT_MAX: usize = 32_768;

/// How a batch went.
pub(super) enum Went {
    /// All may read it; it is not synced yet.
    Committed,
    /// Nothing was written: the general way shall take the batch.
    Elsewhere,
    /// Nothing was written, by the environment's fault.
    Stopped(Failure),
    /// The COMMIT failed.
    CommitFailed(Failure),
}

/// A connection of its own, with one prepared text.
pub(crate) struct Hot {
    conn: SqliteConnection,
    text: Arc<str>,
    /// What is stored, as far as it was written here.
    due: HashMap<WorkspaceId, DueTimes>,
    checkpoints: Checkpoints,
    syncs: Syncs,
}

impl Hot {
    /// Opens the file beside the connection of the general way; only one of them may write at a time.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(crate) async fn open(path: &Path) -> Result<Self, DbErr> {
        let conn = SqliteConnection::connect_with(&sqlite::options_to_write_hot(path)).await;
        let conn = conn.map_err(db_error)?;
        let checkpoints = Checkpoints::start(path).await.map_err(db_error)?;
        let syncs = Syncs::start(path).map_err(|error| db_error(error.into()))?;
        Ok(Self { conn, text: text().into(), due: HashMap::new(), checkpoints, syncs })
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
        let mut arguments = SqliteArguments::default();
        let mut add = |argument: Argument<'_>| match argument {
            Argument::Number(number) => arguments.add(number),
            Argument::Rows(rows) => arguments.add(rows.json()),
        };
        add(Argument::Number(signed(lane.seq.saturating_add(1)))).map_err(not_bound)?;
        add(Argument::Number(signed(lane.epoch))).map_err(not_bound)?;
        written.statement(1, 0);
        let mut wanted = 1;
        for rows in order(plan, &due) {
            add(Argument::Rows(rows)).map_err(not_bound)?;
            wanted += rows.count();
            if !rows.is_empty() {
                written.statement(rows.count(), rows.bytes());
            }
        }
        let query = sqlx::query_with(AssertSqlSafe(self.text.clone()), arguments);
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
        self.syncs.begin();
        if let Err(error) = self.conn.execute(sqlx::query("COMMIT")).await {
            self.syncs.ask(Box::new(|_| {})).await;
            let failure = failure(error);
            // A COMMIT that was refused leaves the transaction open; after a failed disk nobody writes any more.
            self.roll_back().await;
            return Went::CommitFailed(failure);
        }
        self.remember(plan);
        self.checkpoints.look();
        Went::Committed
    }

    /// After each batch that was committed: who hears when it is on the disk.
    pub(super) async fn told_when_synced(&self, told: Told) {
        self.syncs.ask(told).await;
    }

    /// Waits until every batch committed so far is on the disk and its callers know.
    pub(super) async fn drain(&self) {
        self.syncs.drain().await;
    }

    /// What readers wait for.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.syncs.progress()
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
        self.syncs.close().await;
        self.checkpoints.close().await;
        self.conn.close().await.map_err(db_error)
    }
}

enum Argument<'a> {
    Number(i64),
    Rows(&'a Rows),
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

/// The rows of each statement of [`text`] after that of the lane.
fn order<'a>(plan: &'a Plan<'_>, due: &'a Rows) -> [&'a Rows; 12] {
    [
        &plan.workspaces_move,
        &plan.answers,
        due,
        &plan.workspaces_tallies,
        &plan.lots,
        &plan.jobs_waiting,
        &plan.jobs_new,
        &plan.uploads,
        &plan.ledger,
        &plan.outbox,
        &plan.jobs_live,
        &plan.jobs_final,
    ]
}

/// The statements of a usual batch, each with the parameters of its own.
fn text() -> String {
    let sql = Statements::of(sea_orm::DbBackend::Sqlite);
    // A row for each workspace back is a message each between threads; how many rows moved is enough here.
    let moves = sql.workspaces_move.split(" RETURNING ").next().unwrap_or(&sql.workspaces_move).to_owned();
    let statements = [
        "BEGIN IMMEDIATE".to_owned(),
        sql.lane,
        moves,
        sql.answers,
        sql.workspaces_due,
        sql.workspaces_tallies,
        sql.lots,
        sql.jobs_waiting,
        sql.jobs_new,
        sql.uploads,
        sql.ledger,
        sql.outbox,
        sql.jobs_live,
        sql.jobs_final,
    ];
    // A number would be that of a parameter of the whole text.
    statements.join(";\n").replace("?1", "?").replace("?2", "?")
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
