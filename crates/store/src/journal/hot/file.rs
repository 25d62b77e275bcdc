//! The connection of the usual batch, and its statements.
//!
//! Used by `hot`, in the thread of the journal: no call here is a message to another one, so that each row can be a statement
//! of its own. SQLite then needs no copies of pages to take half a statement back. Whatever does not find its place, or
//! fails, ends the transaction; nothing of it is written then.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use reeve_faults::{self as faults, Point};
use rusqlite::{CachedStatement, Connection, OpenFlags, params};
use sea_orm::{DbErr, RuntimeErr};

use super::Went;
use super::rows::{ByRow, Stop};
use crate::failure::{Failure, classify_sqlite};
use crate::journal::ahead::text;
use crate::journal::statements::Statements;
use crate::journal::transaction::{self, interfere};
use crate::sqlite::set_up_to_write_hot;

/// Prepared statements that are kept: all there are.
const STATEMENTS_MAX: usize = 32;

/// All rows of one transaction, as JSON.
pub(super) struct Transaction {
    /// Its number, and the owner of the lane.
    pub(super) lane: (i64, i64),
    pub(super) outbox: String,
    pub(super) ahead: Option<AheadRow>,
    pub(super) tables: [String; text::TABLES],
    /// Rows of `ahead` that are done: all before this number, so many.
    pub(super) done: (i64, u64),
}

/// The text of no rows.
const NONE: &str = "[]";

/// A batch as a row of its own.
pub(super) struct AheadRow {
    pub(super) body: String,
    /// What the tables must confirm: where workspaces stand, jobs that live, jobs and keys that are not there.
    pub(super) stands: String,
    pub(super) live: String,
    pub(super) new: String,
    pub(super) keys: String,
}

/// The connection.
pub(super) struct File {
    /// Never waited for: whoever writes has the whole of it. Only so may others hold a reference to what has it.
    connection: Mutex<Connection>,
    sql: Statements,
    format: i64,
}

impl File {
    /// Opens the file beside the connection of the general way.
    ///
    /// # Errors
    /// When it cannot be opened, or has no tables.
    pub(super) fn open(path: &Path) -> Result<Self, DbErr> {
        Self::opened(path).map_err(|error| DbErr::Conn(RuntimeErr::Internal(error.to_string())))
    }

    fn opened(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        set_up_to_write_hot(&connection)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        let into_tables = text::into_tables();
        let format = text::format_of(&into_tables);
        // Before anything can be ahead: a later program has nothing else to bring it in with.
        let keep = "INSERT OR IGNORE INTO ahead_texts (format, text) VALUES (?1, ?2)";
        connection.execute(keep, params![format, into_tables])?;
        Ok(Self { connection: Mutex::new(connection), sql: Statements::of_one_row(), format })
    }

    /// From BEGIN to COMMIT or ROLLBACK.
    pub(super) fn run(&mut self, transaction: &Transaction) -> Went {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        let open = Open { connection, sql: &self.sql, format: self.format };
        let went = match open.write(transaction) {
            Ok(()) => open.commit(),
            Err(Stop::Misfit | Stop::Failed(Failure::Data(_))) => Went::Elsewhere,
            Err(Stop::Failed(failure)) => Went::Stopped(failure),
        };
        // A COMMIT that was refused leaves the transaction open, and so does all that is refused before; SQLite may have
        // rolled back by itself.
        if !matches!(went, Went::Committed)
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::debug!(%error, "a transaction did not roll back cleanly");
        }
        went
    }
}

/// A transaction under way.
#[derive(Clone, Copy)]
struct Open<'c> {
    connection: &'c Connection,
    sql: &'c Statements,
    format: i64,
}

impl<'c> Open<'c> {
    fn prepared(self, text: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(text)
    }

    /// Each row must change one.
    fn changes(self, text: &str, rows: &str) -> Result<(), Stop> {
        if rows == NONE { Ok(()) } else { ByRow::changes(self.prepared(text)?).run(rows) }
    }

    /// Everything but the COMMIT.
    fn write(self, transaction: &Transaction) -> Result<(), Stop> {
        let Transaction { lane, outbox, ahead, tables, done } = transaction;
        self.prepared("BEGIN IMMEDIATE")?.execute([])?;
        expect(1, self.prepared(&self.sql.lane)?.execute(params![lane.0, lane.1])?)?;
        self.changes(&self.sql.outbox, outbox)?;
        if let Some(row) = ahead {
            ByRow::finds(self.prepared(text::STANDS)?).run(&row.stands)?;
            ByRow::finds(self.prepared(text::LIVES)?).run(&row.live)?;
            ByRow::misses(self.prepared(text::IS_THERE)?).run(&row.new)?;
            ByRow::misses(self.prepared(text::IS_TAKEN)?).run(&row.keys)?;
            let written = self.prepared(text::AHEAD)?.execute(params![lane.0, self.format, row.body])?;
            expect(1, written)?;
        }
        for (text, rows) in text::tables(self.sql).into_iter().zip(tables) {
            self.changes(text, rows)?;
        }
        let (before, count) = done;
        if *count > 0 {
            expect(*count, self.prepared(text::DONE)?.execute([before])?)?;
        }
        Ok(())
    }

    /// COMMIT, with the places where tests interfere.
    fn commit(self) -> Went {
        let inside = [
            Point::JournalAfterVersions,
            Point::JournalBeforeOutbox,
            Point::JournalAfterOutbox,
            Point::JournalAfterInserts,
        ];
        for point in inside {
            match interfere(point) {
                Ok(()) => {}
                Err(transaction::Stop::Failed(failure)) => return Went::Stopped(failure),
                Err(_) => return Went::Stopped(Failure::Other("a fault of a test".to_owned())),
            }
        }
        faults::pass(Point::JournalBeforeCommit);
        if faults::fails(Point::JournalBeforeCommit) {
            return Went::CommitFailed(Failure::Disk("a fault of a test before the commit".to_owned()));
        }
        match self.prepared("COMMIT").and_then(|mut commit| commit.execute([])) {
            Ok(_) => Went::Committed,
            Err(error) => Went::CommitFailed(classify_sqlite(&error)),
        }
    }
}

fn expect(wanted: u64, changed: usize) -> Result<(), Stop> {
    if changed as u64 == wanted { Ok(()) } else { Err(Stop::Misfit) }
}
