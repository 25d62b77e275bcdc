//! The texts of the hot path: built once, from the same column lists that write and read the rows.
//!
//! Each statement takes one parameter, a JSON array of arrays; so its text never changes with the
//! size of a batch, and one prepared statement serves every batch.

use sea_orm::DbBackend;

use crate::row::columns::{Cast, Columns};
use crate::row::{answer, claim, job, ledger, lot, member, outbox, purchase, upload, workspace};

/// All of them, for one database.
pub(crate) struct Statements {
    /// Fences and numbers the transaction: one row, or the lane is somebody else's.
    pub(crate) lane: String,
    pub(crate) workspaces_new: String,
    /// Moves versions; returns who moved, with the due times still stored.
    pub(crate) workspaces_move: String,
    pub(crate) workspaces_profile: String,
    pub(crate) workspaces_tallies: String,
    pub(crate) workspaces_due: String,
    pub(crate) lots: String,
    pub(crate) jobs_new: String,
    pub(crate) jobs_live: String,
    pub(crate) jobs_final: String,
    pub(crate) uploads: String,
    pub(crate) purchases: String,
    pub(crate) members: String,
    pub(crate) ledger: String,
    pub(crate) outbox: String,
    pub(crate) claims: String,
    /// Gives claims up; those of others stay.
    pub(crate) unclaims: String,
    pub(crate) answers: String,
    /// Who has the claims given.
    pub(crate) claims_taken: String,
    /// Which of the keys given are recorded.
    pub(crate) answers_taken: String,
}

impl Statements {
    /// Builds them.
    pub(crate) fn of(backend: DbBackend) -> Self {
        let sql = Dialect { backend };
        let jobs_new = [job::INTRO, job::LIVE, job::END].concat();
        let jobs_live = [job::KEY, job::LIVE].concat();
        let jobs_final = [job::KEY, job::LIVE, job::END].concat();
        Self {
            lane: sql.lane(),
            workspaces_new: sql.insert(
                "workspaces",
                &workspace::all(),
                "ON CONFLICT (id) DO NOTHING RETURNING id",
            ),
            workspaces_move: sql.update(
                ("workspaces", workspace::MOVE, 2),
                "workspaces.id = v.c0 AND workspaces.version = v.c1",
                "RETURNING workspaces.id, workspaces.next_due_at, workspaces.outward_at",
            ),
            workspaces_profile: sql.update(("workspaces", workspace::PROFILE, 1), "workspaces.id = v.c0", ""),
            workspaces_tallies: sql.update(("workspaces", workspace::TALLIES, 1), "workspaces.id = v.c0", ""),
            workspaces_due: sql.update(("workspaces", workspace::DUE, 1), "workspaces.id = v.c0", ""),
            lots: sql.upsert("lots", lot::COLUMNS, 2),
            jobs_new: sql.insert("jobs", &jobs_new, ""),
            // J2: a final job is never touched; the caller counts the rows.
            jobs_live: sql.update(("jobs", &jobs_live, 1), "jobs.id = v.c0 AND jobs.live = 1", ""),
            jobs_final: sql.update(("jobs", &jobs_final, 1), "jobs.id = v.c0 AND jobs.live = 1", ""),
            uploads: sql.upsert("uploads", upload::COLUMNS, 3),
            purchases: sql.upsert("purchases", purchase::COLUMNS, 1),
            members: sql.upsert("members", member::COLUMNS, 2),
            ledger: sql.insert("ledger", ledger::COLUMNS, ""),
            outbox: sql.insert("outbox", outbox::COLUMNS, ""),
            claims: sql.insert("claims", claim::COLUMNS, "ON CONFLICT (scope, key) DO NOTHING"),
            unclaims: sql.delete("claims", claim::COLUMNS),
            answers: sql.insert("answers", answer::COLUMNS, "ON CONFLICT (workspace, key) DO NOTHING"),
            claims_taken: sql.matching("claims", claim::COLUMNS, 2),
            answers_taken: sql.matching("answers", answer::COLUMNS, 2),
        }
    }
}

struct Dialect {
    backend: DbBackend,
}

impl Dialect {
    fn is_sqlite(&self) -> bool {
        matches!(self.backend, DbBackend::Sqlite)
    }

    /// The rows of the parameter, with columns c0, c1, ...
    fn source(&self, columns: &Columns) -> String {
        let cell = |(n, (_, cast)): (usize, &(&str, Cast))| match (self.is_sqlite(), cast) {
            (true, Cast::Text | Cast::Int) => format!("value->>{n} AS c{n}"),
            (true, Cast::Bytes) => format!("unhex(value->>{n}) AS c{n}"),
            (false, Cast::Text) => format!("e.value->>{n} AS c{n}"),
            (false, Cast::Int) => format!("(e.value->>{n})::bigint AS c{n}"),
            (false, Cast::Bytes) => format!("decode(e.value->>{n}, 'hex') AS c{n}"),
        };
        let cells: Vec<String> = columns.iter().enumerate().map(cell).collect();
        let rows =
            if self.is_sqlite() { "jsonb_each(?1)" } else { "jsonb_array_elements($1::jsonb) AS e(value)" };
        format!("SELECT {} FROM {rows}", cells.join(", "))
    }

    fn insert(&self, table: &str, columns: &Columns, tail: &str) -> String {
        let source = self.source(columns);
        // SQLite reads `... FROM x ON CONFLICT` as a join; a WHERE ends the doubt.
        format!("INSERT INTO {table} ({}) {source} WHERE true {tail}", names(columns))
    }

    /// The first `keys` columns are the key.
    fn upsert(&self, table: &str, columns: &Columns, keys: usize) -> String {
        let (key, rest) = columns.split_at_checked(keys).unwrap_or((columns, &[]));
        let set: Vec<String> = rest.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        self.insert(table, columns, &format!("ON CONFLICT ({}) DO UPDATE SET {}", names(key), set.join(", ")))
    }

    /// The first `skipped` columns are what rows are found by.
    fn update(&self, (table, columns, skipped): (&str, &Columns, usize), on: &str, tail: &str) -> String {
        let set = columns.iter().enumerate().skip(skipped).map(|(n, (name, _))| format!("{name} = v.c{n}"));
        let set: Vec<String> = set.collect();
        format!(
            "UPDATE {table} SET {} FROM ({}) AS v WHERE {on} {tail}",
            set.join(", "),
            self.source(columns)
        )
    }

    /// Rows that equal one of those given in all these columns.
    fn delete(&self, table: &str, columns: &Columns) -> String {
        format!("DELETE FROM {table} WHERE ({}) IN ({})", names(columns), self.source(columns))
    }

    /// Stored rows whose first `keys` columns equal those of a row given.
    fn matching(&self, table: &str, columns: &Columns, keys: usize) -> String {
        let key = columns.get(..keys).unwrap_or(columns);
        let on =
            key.iter().enumerate().map(|(n, (name, _))| format!("t.{name} = v.c{n}")).collect::<Vec<_>>();
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("t.{name} AS {name}")).collect();
        let source = self.source(columns);
        format!("SELECT {} FROM {table} AS t JOIN ({source}) AS v ON {}", names.join(", "), on.join(" AND "))
    }

    fn lane(&self) -> String {
        if self.is_sqlite() {
            return "UPDATE lanes SET seq = ?1 WHERE lane = 0 AND epoch = ?2".to_owned();
        }
        "UPDATE lanes SET seq = $1 WHERE lane = 0 AND epoch = $2".to_owned()
    }
}

fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use reeve_migrations::MigratorTrait as _;
    use sea_orm::{ConnectionTrait as _, Database, Statement};

    use super::*;

    /// The plan of a statement, as SQLite tells it.
    async fn plan(db: &sea_orm::DatabaseConnection, sql: &str) -> String {
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let statement = Statement::from_sql_and_values(DbBackend::Sqlite, explain, ["[]".into()]);
        let rows = db.query_all_raw(statement).await.unwrap_or_default();
        let details: Vec<String> = rows.iter().filter_map(|row| row.try_get("", "detail").ok()).collect();
        details.join("\n")
    }

    #[tokio::test]
    async fn updates_scan_the_batch_and_never_a_table() {
        let Ok(db) = Database::connect("sqlite::memory:").await else { unreachable!("memory needs no file") };
        assert!(reeve_migrations::Migrator::up(&db, None).await.is_ok());
        let sql = Statements::of(DbBackend::Sqlite);
        let tables = [
            (&sql.workspaces_move, "workspaces"),
            (&sql.workspaces_profile, "workspaces"),
            (&sql.workspaces_tallies, "workspaces"),
            (&sql.workspaces_due, "workspaces"),
            (&sql.jobs_live, "jobs"),
            (&sql.jobs_final, "jobs"),
            (&sql.unclaims, "claims"),
            (&sql.claims_taken, "t"),
            (&sql.answers_taken, "t"),
        ];
        for (sql, table) in tables {
            let plan = plan(&db, sql).await;
            assert!(plan.contains(&format!("SEARCH {table} USING")), "{sql}\n{plan}");
            assert!(!plan.contains(&format!("SCAN {table}")), "{plan}");
        }
    }
}
