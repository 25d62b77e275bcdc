//! The statements of the usual batch of SQLite, as one text.
//!
//! ```text
//! BEGIN; the lane; answers; outbox; the batch as one row of `ahead`; the ten tables; rows of `ahead` that are done; COMMIT
//! ```
//!
//! A batch that goes into the tables at once has no row of `ahead`; one that is written ahead has that, and no rows for the
//! tables; what comes in later has nothing but these. Answers and outbox are never ahead: they only grow, so that nothing
//! is saved by waiting, the one says by itself whether a key is taken, and the other is numbered in order of commit.

use reeve_faults as faults;
use sea_orm::DbBackend;

use crate::journal::statements::Statements;

/// Statements whose rows may be ahead: moves, due times, tallies, lots, jobs that wait, other new jobs, uploads, ledger,
/// changes of jobs, ends of jobs.
pub(crate) const TABLES: usize = 10;

/// Writes a batch ahead unless its text is null, and only if the tables have what they must: workspaces at their
/// versions and ends of chains, jobs that live, and none of the new ones. Each join looks a few keys up.
const AHEAD: &str = "INSERT INTO ahead (seq, format, body) SELECT a.seq, a.format, a.body \
     FROM (SELECT ? AS seq, ? AS format, ? AS body) AS a WHERE a.body IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM jsonb_each(?) AS v LEFT JOIN workspaces AS w ON w.id = v.value->>0 \
     AND w.version = v.value->>1 AND w.chain_seq = v.value->>2 WHERE w.id IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM jsonb_each(?) AS v LEFT JOIN jobs AS j ON j.id = v.atom AND j.live = 1 \
     WHERE j.id IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM jsonb_each(?) AS v CROSS JOIN jobs AS j ON j.id = v.atom)";

/// Fails unless this connection has written so many rows. The text that is no JSON is chosen, not evaluated beforehand.
const IS_WHOLE: &str = "SELECT json(CASE WHEN total_changes() = ? THEN '1' ELSE '' END)";
/// Statements before it.
pub(crate) const GUARD: usize = 5 + TABLES + 1;
/// All of them.
pub(crate) const COUNT: usize = GUARD + if faults::IS_ON { 1 } else { 2 };
/// The last one, which a build for tests sends by itself.
pub(crate) const COMMIT: &str = "COMMIT";

/// Every statement of the usual batch, in order.
pub(crate) fn usual() -> String {
    let sql = Statements::of(DbBackend::Sqlite);
    let before = ["BEGIN IMMEDIATE", &sql.lane, &sql.answers, &sql.outbox, AHEAD].map(str::to_owned);
    let after = ["DELETE FROM ahead WHERE seq < ?", IS_WHOLE, COMMIT].map(str::to_owned);
    let after = after.into_iter().take(if faults::IS_ON { 2 } else { 3 });
    let all: Vec<String> = before.into_iter().chain(tables(&sql)).chain(after).collect();
    unnumbered(&all.join(";\n"))
}

/// The statements of the tables alone: what a stored batch is brought into them with.
pub(crate) fn into_tables() -> String {
    unnumbered(&tables(&Statements::of(DbBackend::Sqlite)).join(";\n"))
}

/// A number would be that of a parameter of the whole text.
fn unnumbered(text: &str) -> String {
    text.replace("?1", "?").replace("?2", "?")
}

fn tables(sql: &Statements) -> [String; TABLES] {
    // A row for each workspace back is a message each between threads; how many rows moved is enough here.
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
    ]
    .map(str::to_owned)
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
    fn each_statement_has_a_parameter_for_its_rows() {
        let texts: Vec<String> = usual().split(";\n").map(str::to_owned).collect();
        let counts: Vec<usize> = texts.iter().map(|text| text.matches('?').count()).collect();
        let last: &[usize] = if faults::IS_ON { &[1, 1] } else { &[1, 1, 0] };
        let wanted: Vec<usize> =
            [0, 2, 1, 1, 6].into_iter().chain([1; TABLES]).chain(last.to_vec()).collect();
        assert_eq!(counts, wanted);
        assert_eq!(texts.len(), COUNT);
        assert!(texts.get(GUARD).is_some_and(|text| text.contains("total_changes")));
        assert_eq!(into_tables().matches('?').count(), TABLES);
    }

    #[test]
    fn texts_that_differ_have_formats_that_differ() {
        assert_ne!(format_of(&into_tables()), format_of(&usual()));
        assert_eq!(format_of("a"), -5_808_556_873_153_909_620);
    }
}
