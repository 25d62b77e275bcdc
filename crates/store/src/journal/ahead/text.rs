//! The statements of the usual batch of SQLite.
//!
//! ```text
//! BEGIN; the lane; outbox; the batch as one row of `ahead`; the tables; rows of `ahead` that are done; COMMIT
//! ```
//!
//! A batch that goes into the tables at once has no row of `ahead`; one that is written ahead has that, and no rows for the
//! tables; what comes in later has nothing but these. The outbox is never ahead: it only grows, at its end, so that nothing
//! is saved by waiting, and it is numbered in order of commit.
//! They are run row by row, in the journal's own thread. What is stored beside the rows that are ahead
//! ([`into_tables`]) takes all of them at once, as JSON: it is for other programs, which know only that much.

use sea_orm::DbBackend;

use crate::journal::statements::Statements;

/// Statements whose rows may be ahead: moves, due times, tallies, lots, jobs that wait, other new jobs, uploads, ledger,
/// changes of jobs, ends of jobs, answers.
pub(crate) const TABLES: usize = 11;

/// What the tables must have for a batch to be written ahead: a workspace at its version and end of chain.
pub(crate) const STANDS: &str = "SELECT 1 FROM workspaces WHERE id = ?1 AND version = ?2 AND chain_seq = ?3";
/// A job that lives.
pub(crate) const LIVES: &str = "SELECT 1 FROM jobs WHERE id = ?1 AND live = 1";
/// What they must not have: a new job.
pub(crate) const IS_THERE: &str = "SELECT 1 FROM jobs WHERE id = ?1";
/// Nor an answer under the key of a new one.
pub(crate) const IS_TAKEN: &str = "SELECT 1 FROM answers WHERE workspace = ?1 AND key = ?2";
/// A batch as one row.
pub(crate) const AHEAD: &str = "INSERT INTO ahead (seq, format, body) VALUES (?1, ?2, ?3)";
/// Rows that nobody needs any more.
pub(crate) const DONE: &str = "DELETE FROM ahead WHERE seq < ?1";

/// What a stored batch is brought into the tables with.
pub(crate) fn into_tables() -> String {
    // A number would be that of a parameter of the whole text.
    tables(&Statements::of(DbBackend::Sqlite)).join(";\n").replace("?1", "?")
}

/// The statements of the tables, in the order in which they are run.
pub(crate) fn tables(sql: &Statements) -> [&str; TABLES] {
    // Nobody asks which rows moved: all of them must.
    let moves = sql.workspaces_move.split(" RETURNING ").next().unwrap_or(&sql.workspaces_move);
    [
        moves,
        &sql.workspaces_due,
        &sql.workspaces_tallies,
        &sql.lots,
        &sql.jobs_waiting,
        &sql.jobs_new,
        &sql.uploads,
        &sql.ledger,
        &sql.jobs_live,
        &sql.jobs_final,
        &sql.answers,
    ]
}

/// Tells texts apart: rows that were stored for one may not fit another.
pub(crate) fn format_of(text: &str) -> i64 {
    // FNV-1a, whose values do not change with the toolchain.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stored_statement_has_a_parameter_for_its_rows() {
        let text = into_tables();
        let counts: Vec<usize> = text.split(";\n").map(|text| text.matches('?').count()).collect();
        assert_eq!(counts, [1; TABLES]);
    }

    #[test]
    fn texts_that_differ_have_formats_that_differ() {
        assert_ne!(format_of(&into_tables()), format_of(&into_tables().replace("lots", "lot")));
        assert_eq!(format_of("a"), -5_808_556_873_153_909_620);
    }
}
