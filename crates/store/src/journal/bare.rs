//! The writer without anything around it: the ceiling that `examples/bare.rs` measures.
//!
//! Called by that example only. It sends what the journal's writer sends for the same change sets, text by text and
//! row by row, because both take them from [`Plan`] and [`Statements`]; a change of the tables changes both. It judges
//! nothing: no fence, no versions, no conflicts, no retries. A test compares what the two leave in the file.

use std::collections::HashMap;
use std::path::Path;

use reeve_journal::{ChangeSet, Room, Written};
use reeve_types::WorkspaceId;
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::oneshot;

use super::encode::Rows;
use super::handle::Entry;
use super::hot::{self, Hot, Went};
use super::lane::Lane;
use super::plan::Plan;
use super::statements::Statements;
use super::transaction::with_rows;
use super::written::Counters;
use crate::row::workspace::{DueTimes, write_due};
use crate::sqlite;

/// One connection to a SQLite file, set up as the writer's is.
pub struct Bare {
    db: DatabaseConnection,
    hot: Hot,
    sql: Statements,
    seq: i64,
    /// The writer learns them from the database.
    due: HashMap<WorkspaceId, DueTimes>,
    written: Counters,
}

impl Bare {
    /// Opens a file that has its tables and that no journal has open.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, DbErr> {
        let db = sqlite::connect_to_write(path).await?;
        let hot = Hot::open(path).await?;
        let (sql, written) = (Statements::of(DbBackend::Sqlite), Counters::default());
        Ok(Self { db, hot, sql, seq: 0, due: HashMap::new(), written })
    }

    /// Commits change sets in one transaction; those of one workspace must follow each other.
    ///
    /// # Errors
    /// When the database refuses, or a row cannot be encoded.
    pub async fn commit(&mut self, changes: Vec<ChangeSet>) -> Result<(), DbErr> {
        let entry = |change| Entry::new(change, oneshot::channel().0, Room::unbounded());
        let entries: Vec<Entry> = changes.into_iter().map(entry).collect();
        let plan = Plan::of(entries.iter()).map_err(DbErr::Custom)?;
        if hot::is_hot(&plan) {
            return self.commit_hot(&plan).await;
        }
        let mut due = Rows::default();
        for group in &plan.groups {
            let wanted = DueTimes::of(group.row);
            if self.due.insert(group.workspace.clone(), wanted) != Some(wanted) {
                write_due(&mut due, group.workspace, wanted);
            }
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let txn = self.db.begin_with_options(options).await?;
        self.seq += 1;
        let lane = Statement::from_sql_and_values(
            DbBackend::Sqlite,
            self.sql.lane.as_str(),
            [self.seq.into(), 1_i64.into()],
        );
        txn.execute_raw(lane).await?;
        self.written.statement(1, 0);
        let moved = [(&self.sql.workspaces_move, &plan.workspaces_move)];
        for (sql, rows) in moved.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            txn.query_all_raw(with_rows(DbBackend::Sqlite, sql, rows)).await?;
            self.written.statement(rows.count(), rows.bytes());
        }
        self.send(&txn, &[(&self.sql.unclaims, &plan.unclaims)]).await?;
        self.send(&txn, &plan.uniques(&self.sql)).await?;
        self.send(&txn, &[(&self.sql.workspaces_due, &due)]).await?;
        self.send(&txn, &plan.records(&self.sql)).await?;
        self.send(&txn, &plan.job_changes(&self.sql)).await?;
        txn.commit().await?;
        self.written.commit();
        Ok(())
    }

    /// As the writer does with usual batches.
    async fn commit_hot(&mut self, plan: &Plan<'_>) -> Result<(), DbErr> {
        let lane = Lane { epoch: 1, seq: u64::try_from(self.seq).unwrap_or(0) };
        let wrong = |what: &dyn std::fmt::Debug| DbErr::Custom(format!("a batch was not written: {what:?}"));
        match self.hot.write(plan, lane, &self.written).await {
            Ok(true) => {}
            other => return Err(wrong(&other)),
        }
        match self.hot.commit(plan).await {
            Went::Committed => {
                let (told, hears) = oneshot::channel();
                self.hot
                    .told_when_synced(Box::new(move |result| {
                        let _ = told.send(result.is_ok());
                    }))
                    .await;
                if hears.await != Ok(true) {
                    return Err(wrong(&"not synced"));
                }
                self.seq += 1;
                self.written.commit();
                Ok(())
            }
            Went::CommitFailed(failure) | Went::Stopped(failure) => Err(wrong(&failure)),
            Went::Elsewhere => Err(wrong(&"elsewhere")),
        }
    }

    async fn send(&self, txn: &DatabaseTransaction, each: &[(&str, &Rows)]) -> Result<(), DbErr> {
        for (sql, rows) in each.iter().filter(|(_, rows)| !rows.is_empty()) {
            txn.execute_raw(with_rows(DbBackend::Sqlite, sql, rows)).await?;
            self.written.statement(rows.count(), rows.bytes());
        }
        Ok(())
    }

    /// What it sent so far.
    pub fn written(&self) -> Written {
        self.written.read()
    }

    /// Folds the WAL into the file and lets go of it.
    ///
    /// # Errors
    /// When the database cannot be closed.
    pub async fn close(self) -> Result<(), DbErr> {
        self.hot.close().await?;
        self.db.close_by_ref().await
    }
}
