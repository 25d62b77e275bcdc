//! One transaction of the usual batch: its parameters, and what became of it.
//!
//! Used by `hot`. The text ends in COMMIT, so that a batch is one call. Before it stands a statement that fails unless as
//! many rows were written as were given: no statement can affect more, so the sum is right only when each of them is. A
//! build for tests, which interferes before the COMMIT, sends it by itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, TryStreamExt as _};
use reeve_faults::{self as faults, Point};
use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe, Either, Executor as _};
use sea_orm::{DbErr, RuntimeErr};

use super::{Call, Hot, Went};
use crate::failure::{Failure, classify};
use crate::journal::ahead::{Asked, Part, text};
use crate::journal::encode::Rows;
use crate::journal::plan::Plan;
use crate::journal::transaction::{Stop, interfere, signed};
use crate::task;

/// How long a text may take until it is asked how far it is: one that fails does not begin to commit.
const LOOK_AFTER: Duration = Duration::from_millis(10);

/// A batch as a row of its own.
pub(super) struct AheadRow {
    pub(super) body: String,
    pub(super) asked: Asked,
}

/// What a transaction writes besides what is ahead.
pub(super) enum Writes {
    /// A batch, as a row of its own.
    Ahead(AheadRow),
    /// A batch, into the tables.
    AtOnce,
    /// Nothing: all of it is durable already, so that nobody waits for a sync.
    Known,
}

/// Where a text that failed did.
struct FailedAt {
    /// Statements that were done.
    done: usize,
    failure: Failure,
}

impl Hot {
    /// Writes the rows of a plan, and takes away the rows of batches that are done.
    pub(super) async fn transaction(
        &mut self,
        (plan, part): (&mut Plan, &Part),
        what: Writes,
        call: Call<'_>,
    ) -> Went {
        let is_new = !matches!(what, Writes::Known);
        let row = if let Writes::Ahead(row) = what { Some(row) } else { None };
        let (arguments, wanted) = match self.arguments((plan, part), row, call) {
            Ok(bound) => bound,
            Err(_) => return Went::Elsewhere,
        };
        if is_new {
            // Readers may see it as soon as the text has run.
            self.syncs.begin();
        }
        let went = match self.execute(arguments).await {
            Ok(()) if faults::IS_ON => self.commit().await,
            Ok(()) => Went::Committed,
            Err(FailedAt { done, .. }) if done == text::GUARD => Went::Elsewhere,
            Err(FailedAt { failure: Failure::Data(_), done }) if done < text::GUARD => Went::Elsewhere,
            Err(FailedAt { failure, done }) if done < text::GUARD => Went::Stopped(failure),
            Err(FailedAt { failure, .. }) => Went::CommitFailed(failure),
        };
        match went {
            Went::Committed => {
                self.changes += wanted;
                self.checkpoints.look();
            }
            _ => {
                // A COMMIT that was refused leaves the transaction open; after a failed disk nobody writes any more.
                self.roll_back().await;
                if is_new {
                    self.syncs.ask(Box::new(|_| {})).await;
                }
            }
        }
        went
    }

    /// All parameters of the text, and how many rows it must write.
    fn arguments(
        &self,
        (plan, part): (&mut Plan, &Part),
        row: Option<AheadRow>,
        call: Call<'_>,
    ) -> Result<(SqliteArguments, i64), Failure> {
        let mut due = self.known.due_rows(plan);
        // The lane, what is done, and a row of its own.
        let mut wanted = 1 + part.rows + u64::from(row.is_some());
        call.written.statement(1, 0);
        let mut arguments = SqliteArguments::default();
        let mut rows_of = |arguments: &mut SqliteArguments, rows: &mut Rows| {
            wanted += rows.count();
            if !rows.is_empty() {
                call.written.statement(rows.count(), rows.bytes());
            }
            arguments.add(rows.take_json()).map_err(not_bound)
        };
        for number in [signed(call.number()), signed(call.lane.epoch)] {
            arguments.add(number).map_err(not_bound)?;
        }
        rows_of(&mut arguments, &mut plan.answers)?;
        rows_of(&mut arguments, &mut plan.outbox)?;
        self.bind_row(&mut arguments, row, call)?;
        for rows in order(plan, &mut due) {
            rows_of(&mut arguments, rows)?;
        }
        arguments.add(signed(part.before)).map_err(not_bound)?;
        let wanted = signed(wanted);
        arguments.add(self.changes + wanted).map_err(not_bound)?;
        Ok((arguments, wanted))
    }

    /// The parameters of a batch as a row, or of none.
    fn bind_row(
        &self,
        arguments: &mut SqliteArguments,
        row: Option<AheadRow>,
        call: Call<'_>,
    ) -> Result<(), Failure> {
        let (body, asked) = match row {
            Some(AheadRow { body, asked }) => (Some(body), asked),
            None => (None, Asked::default()),
        };
        if let Some(body) = &body {
            call.written.statement(1, body.len());
        }
        for number in [signed(call.number()), self.format] {
            arguments.add(number).map_err(not_bound)?;
        }
        arguments.add(body).map_err(not_bound)?;
        for rows in [&asked.stands, &asked.live, &asked.new] {
            arguments.add(rows.json()).map_err(not_bound)?;
        }
        Ok(())
    }

    async fn execute(&mut self, arguments: SqliteArguments) -> Result<(), FailedAt> {
        let query = sqlx::query_with(AssertSqlSafe(self.text.clone()), arguments);
        let mut answers = self.conn.fetch_many(query);
        let mut done = 0;
        // Of a text that took long.
        let _ = self.committing.notified().now_or_never();
        // Hands the text over. Each of its statements answers by itself, and each answer would wake this task.
        let mut early = answers.try_next().now_or_never();
        if matches!(early, None | Some(Ok(Some(_)))) && !faults::IS_ON {
            let _ = task::within(LOOK_AFTER, self.committing.notified()).await;
        }
        loop {
            let answer = match early.take() {
                Some(answer) => answer,
                None => answers.try_next().await,
            };
            match answer {
                Ok(Some(Either::Left(_))) if done + 1 == text::COUNT => return Ok(()),
                Ok(Some(Either::Left(_))) => done += 1,
                Ok(Some(Either::Right(_))) => {}
                Ok(None) => return Ok(()),
                Err(error) => return Err(FailedAt { done, failure: failure(error) }),
            }
        }
    }

    /// COMMIT by itself, with the places where tests interfere.
    async fn commit(&mut self) -> Went {
        let inside = [
            Point::JournalAfterVersions,
            Point::JournalBeforeOutbox,
            Point::JournalAfterOutbox,
            Point::JournalAfterInserts,
        ];
        for point in inside {
            match interfere(point) {
                Ok(()) => {}
                Err(Stop::Failed(failure)) => return Went::Stopped(failure),
                Err(_) => return Went::Stopped(Failure::Other("a fault of a test".to_owned())),
            }
        }
        faults::pass(Point::JournalBeforeCommit);
        if faults::fails(Point::JournalBeforeCommit) {
            return Went::CommitFailed(Failure::Disk("a fault of a test before the commit".to_owned()));
        }
        match self.conn.execute(sqlx::query(text::COMMIT)).await {
            Ok(_) => Went::Committed,
            Err(error) => Went::CommitFailed(failure(error)),
        }
    }

    pub(super) async fn roll_back(&mut self) {
        // SQLite may have rolled back by itself; if it cannot, the next BEGIN says so.
        if let Err(error) = self.conn.execute(sqlx::query("ROLLBACK")).await {
            tracing::debug!(%error, "a transaction did not roll back cleanly");
        }
        // What was rolled back counts too.
        match changes(&mut self.conn).await {
            Ok(changes) => self.changes = changes,
            Err(error) => tracing::debug!(%error, "the connection does not say what it has written"),
        }
    }
}

/// Rows that a connection has written.
pub(super) async fn changes(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT total_changes()").fetch_one(conn).await
}

/// The rows of each of the tables' statements.
fn order<'a>(plan: &'a mut Plan, due: &'a mut Rows) -> [&'a mut Rows; text::TABLES] {
    [
        &mut plan.workspaces_move,
        due,
        &mut plan.workspaces_tallies,
        &mut plan.lots,
        &mut plan.jobs_waiting,
        &mut plan.jobs_new,
        &mut plan.uploads,
        &mut plan.ledger,
        &mut plan.jobs_live,
        &mut plan.jobs_final,
    ]
}

pub(super) fn db_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error)))
}

fn failure(error: sqlx::Error) -> Failure {
    classify(&db_error(error))
}

fn not_bound(error: sqlx::error::BoxDynError) -> Failure {
    Failure::Data(error.to_string())
}
