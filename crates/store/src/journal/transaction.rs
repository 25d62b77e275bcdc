//! The statements of one transaction, in order: fence, versions, claims and keys, then the records.
//!
//! Used by `writer`, which begins and ends the transaction.

use std::collections::{HashMap, HashSet};

use reeve_faults::{self as faults, Law, Point};
use reeve_types::WorkspaceId;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, QueryResult, Statement, Value};

use super::at_once::{AtOnce, Must};
use super::encode::Rows;
use super::lane::Lane;
use super::plan::{Moved, Plan};
use super::statements::{Due, Statements};
use super::work::Entry;
use super::written::Counters;
use crate::failure::{Failure, classify};
use crate::row;
use crate::row::workspace::DueTimes;

/// Why a transaction must be rolled back.
pub(super) enum Stop {
    /// Somebody else has the lane.
    Fenced,
    /// No workspace had the version it was decided on.
    AllLost,
    /// A claim or an idempotency key of the batch is taken.
    Conflict,
    Failed(Failure),
}

impl From<sea_orm::DbErr> for Stop {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Failed(classify(&error))
    }
}

/// Workspaces that were not at the version expected: none of their change sets was written.
pub(super) type Losers = HashSet<WorkspaceId>;

/// A transaction under way.
pub(super) struct Writing<'t> {
    pub(super) txn: &'t DatabaseTransaction,
    pub(super) sql: &'t Statements,
    pub(super) backend: DbBackend,
    pub(super) written: &'t Counters,
}

impl Writing<'_> {
    /// Writes everything but the COMMIT.
    pub(super) async fn write(&self, entries: &[Entry], lane: Lane) -> Result<Losers, Stop> {
        // While the fence is asked for.
        let (fenced, plan) = futures_util::join!(self.fence(lane), async { self.planned(entries.iter()) });
        fenced?;
        let mut plan = plan?;
        let mut moved = self.versions(&plan).await?;
        interfere(Point::JournalAfterVersions)?;
        let lost = |one: &&Moved| !moved.contains_key(one.workspace.as_str());
        let losers: Losers = plan.moved.iter().filter(lost).map(|one| one.workspace.clone()).collect();
        if losers.len() == plan.moved.len() {
            return Err(Stop::AllLost);
        }
        if !losers.is_empty() {
            // Losers were not moved, so the transaction is good; their records must not be in it.
            plan = self.planned(entries.iter().filter(|entry| !losers.contains(entry.workspace())))?;
        }
        let due = changed_due(&plan, &mut moved);
        if matches!(self.backend, DbBackend::Sqlite) {
            self.uniques(&plan).await?;
            self.execute(&self.sql.workspaces_due, &due).await?;
            self.records(&plan).await?;
        } else {
            self.at_once(&plan, &due).await?;
        }
        interfere(Point::JournalAfterInserts)?;
        Ok(losers)
    }

    /// Numbers the transaction, if the lane and the session are still ours.
    pub(super) async fn fence(&self, lane: Lane) -> Result<(), Stop> {
        let values: [Value; 2] = [signed(lane.seq.saturating_add(1)).into(), signed(lane.epoch).into()];
        let statement = Statement::from_sql_and_values(self.backend, self.sql.lane.as_str(), values);
        self.written.statement(1, 0);
        let done = self.txn.execute_raw(statement).await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Stop::Fenced) }
    }

    fn planned<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Result<Plan, Stop> {
        let plan = Plan::of(&[], entries, Due::of(self.backend));
        plan.map_err(|detail| Stop::Failed(Failure::Data(detail)))
    }

    /// Moves the workspaces; answers who moved, each with the due times that are stored.
    async fn versions(&self, plan: &Plan) -> Result<HashMap<String, DueTimes>, Stop> {
        let mut moved = HashMap::with_capacity(plan.moved.len());
        for row in self.query(&self.sql.workspaces_move, &plan.workspaces_move).await? {
            let (next_due_at, outward_at) = (row.try_get("", "next_due_at")?, row.try_get("", "outward_at")?);
            moved.insert(row.try_get("", "id")?, DueTimes { next_due_at, outward_at });
        }
        for row in self.query(&self.sql.workspaces_new, &plan.workspaces_new).await? {
            let id: String = row.try_get("", "id")?;
            // Its due times were inserted with it.
            if let Some(one) = plan.moved.iter().find(|one| one.workspace.as_str() == id) {
                moved.insert(id, one.due);
            }
        }
        Ok(moved)
    }

    async fn uniques(&self, plan: &Plan) -> Result<(), Stop> {
        // First, since a change set may take again what it gives up.
        self.execute(&self.sql.unclaims, &plan.unclaims).await?;
        for (sql, rows) in plan.uniques(self.sql) {
            if faults::is_broken(Law::RememberKeys) && std::ptr::eq(rows, &plan.answers) {
                continue;
            }
            if self.execute(sql, rows).await? != rows.count() {
                return Err(Stop::Conflict);
            }
        }
        Ok(())
    }

    /// What `uniques` and `records` do, in one statement but for what meets a row of it again.
    async fn at_once(&self, plan: &Plan, due: &Rows) -> Result<(), Stop> {
        self.execute(&self.sql.unclaims, &plan.unclaims).await?;
        let of_workspaces = [&plan.workspaces_profile, &plan.workspaces_tallies];
        let mut all = AtOnce::default();
        for (sql, rows) in plan.uniques(self.sql) {
            if !std::ptr::eq(rows, &plan.answers) {
                // First, and rare: a row that goes with a taken claim breaks a constraint of its own.
                if self.execute(sql, rows).await? != rows.count() {
                    return Err(Stop::Conflict);
                }
            } else if !faults::is_broken(Law::RememberKeys) {
                all.add((sql, rows), Must::BeNew);
            }
        }
        all.add((&self.sql.workspaces_due, due), Must::Nothing);
        interfere(Point::JournalBeforeOutbox)?;
        for (sql, rows) in plan.records(self.sql) {
            if of_workspaces.iter().any(|own| std::ptr::eq(*own, rows)) {
                self.execute(sql, rows).await?;
            } else if !(faults::is_broken(Law::OutboxWithChange) && std::ptr::eq(rows, &plan.outbox)) {
                all.add((sql, rows), Must::Nothing);
            }
        }
        if !faults::is_broken(Law::WholeCommit) {
            plan.job_changes(self.sql).into_iter().for_each(|part| all.add(part, Must::Hit));
        }
        let (rows, bytes) = all.size();
        self.written.statement(rows, bytes);
        let short = all.execute(self.txn).await?;
        interfere(Point::JournalAfterOutbox)?;
        match short {
            None | Some(Must::Nothing) => Ok(()),
            Some(Must::BeNew) => Err(Stop::Conflict),
            Some(Must::Hit) => Err(not_live()),
        }
    }

    async fn records(&self, plan: &Plan) -> Result<(), Stop> {
        for (sql, rows) in plan.records(self.sql) {
            let is_outbox = std::ptr::eq(rows, &plan.outbox);
            if is_outbox {
                interfere(Point::JournalBeforeOutbox)?;
            }
            if !(is_outbox && faults::is_broken(Law::OutboxWithChange)) {
                self.execute(sql, rows).await?;
            }
        }
        interfere(Point::JournalAfterOutbox)?;
        if faults::is_broken(Law::WholeCommit) {
            return Ok(());
        }
        for (sql, rows) in plan.job_changes(self.sql) {
            if self.execute(sql, rows).await? != rows.count() {
                return Err(not_live());
            }
        }
        Ok(())
    }

    /// Rows affected; a statement without rows is not sent.
    pub(super) async fn execute(&self, sql: &str, rows: &Rows) -> Result<u64, Stop> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.written.statement(rows.count(), rows.bytes());
        Ok(self.txn.execute_raw(with_rows(self.backend, sql, rows)).await?.rows_affected())
    }

    async fn query(&self, sql: &str, rows: &Rows) -> Result<Vec<QueryResult>, Stop> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.written.statement(rows.count(), rows.bytes());
        Ok(self.txn.query_all_raw(with_rows(self.backend, sql, rows)).await?)
    }
}

/// A place where a test may end the process or let the disk fail.
pub(super) fn interfere(point: Point) -> Result<(), Stop> {
    faults::pass(point);
    if faults::fails(point) {
        return Err(Stop::Failed(Failure::Disk(format!("a fault of a test at {}", point.name()))));
    }
    Ok(())
}

fn not_live() -> Stop {
    Stop::Failed(Failure::Data("a job was changed that is final or does not exist (J2)".to_owned()))
}

/// Due times that changed: the others would touch the index for nothing. None where the move wrote them.
fn changed_due(plan: &Plan, stored: &mut HashMap<String, DueTimes>) -> Rows {
    let mut rows = Rows::default();
    for Moved { workspace, due, .. } in &plan.moved {
        if stored.remove(workspace.as_str()) != Some(*due) {
            row::workspace::write_due(&mut rows, workspace, *due);
        }
    }
    rows
}

/// A statement with its one parameter.
pub(super) fn with_rows(backend: DbBackend, sql: &str, rows: &Rows) -> Statement {
    Statement::from_sql_and_values(backend, sql, [Value::from(rows.json())])
}

/// Numbers that count up from zero never reach the bound of a signed column.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
