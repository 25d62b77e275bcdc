//! The texts of the hot path: built once, from the same column lists that write and read the rows.
//!
//! Each statement takes one parameter, a JSON array of arrays; so its text never changes with the
//! size of a batch, and one prepared statement serves every batch. Where a statement costs nothing to run once more,
//! because its database is in the same thread, the same texts are made for one row, whose cells are the parameters.

use sea_orm::DbBackend;

use super::lane::IS_MARKED;
use crate::row::columns::{Cast, Columns};
use crate::row::{answer, claim, job, ledger, lot, member, outbox, purchase, upload, workspace};

/// All of them, for one database.
pub(crate) struct Statements {
    /// Fences and numbers the transaction: one row, or the lane is somebody else's.
    pub(crate) lane: String,
    pub(crate) workspaces_new: String,
    /// Moves versions; returns who moved, with the due times that are stored then.
    pub(crate) workspaces_move: String,
    pub(crate) workspaces_profile: String,
    pub(crate) workspaces_tallies: String,
    pub(crate) workspaces_due: String,
    pub(crate) lots: String,
    /// Jobs to which nothing happened since their admission.
    pub(crate) jobs_waiting: String,
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
    /// Closed jobs lose something; live ones are passed over.
    pub(crate) jobs_shed: String,
    pub(crate) jobs_emptied: String,
    pub(crate) uploads_gone: String,
    pub(crate) answers_before: String,
    pub(crate) answers_of: String,
}

impl Statements {
    /// Builds them for all rows of a batch at once.
    pub(crate) fn of(backend: DbBackend) -> Self {
        Self::said(&Dialect { backend, takes: Takes::Rows })
    }

    /// Builds them for one row of SQLite each.
    pub(crate) fn of_one_row() -> Self {
        Self::said(&Dialect { backend: DbBackend::Sqlite, takes: Takes::OneRow })
    }

    fn said(sql: &Dialect) -> Self {
        let jobs_waiting = [job::INTRO, job::WAITING].concat();
        let jobs_new = [job::INTRO, job::LIVE, job::END].concat();
        let jobs_live = [job::KEY, job::LIVE].concat();
        let workspaces_move = match Due::of(sql.backend) {
            Due::Apart => workspace::MOVE.to_vec(),
            Due::WithMove => workspace::move_with_due(),
        };
        Self {
            lane: sql.lane(),
            workspaces_new: sql.insert(
                "workspaces",
                &workspace::all(),
                "ON CONFLICT (id) DO NOTHING RETURNING id",
            ),
            workspaces_move: sql.update(
                ("workspaces", &workspaces_move, 2),
                version_guard(),
                "RETURNING workspaces.id, workspaces.next_due_at, workspaces.outward_at",
            ),
            workspaces_profile: sql.update(("workspaces", workspace::PROFILE, 1), "workspaces.id = v.c0", ""),
            workspaces_tallies: sql.update(("workspaces", workspace::TALLIES, 1), "workspaces.id = v.c0", ""),
            workspaces_due: sql.update(("workspaces", workspace::DUE, 1), "workspaces.id = v.c0", ""),
            lots: sql.upsert("lots", lot::COLUMNS, 2),
            jobs_waiting: sql.insert_with("jobs", (&jobs_waiting, job::WAITING_IS), ""),
            jobs_new: sql.insert("jobs", &jobs_new, ""),
            // J2: a final job is never touched; the caller counts the rows.
            jobs_live: sql.update(("jobs", &jobs_live, 1), sql.live_job(), ""),
            jobs_final: sql.update_with(("jobs", job::CLOSED, 1), job::CLOSED_IS, (sql.live_job(), "")),
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
            jobs_shed: sql.update(("jobs", job::SHED, 1), CLOSED_JOB, ""),
            jobs_emptied: sql.update_with(("jobs", job::KEY, 1), job::EMPTY_IS, (CLOSED_JOB, "")),
            uploads_gone: sql.delete("uploads", job::UPLOADS),
            answers_before: sql.oldest_answers(),
            answers_of: "DELETE FROM answers WHERE workspace = $1 AND key IN \
                         (SELECT key FROM answers WHERE workspace = $1 LIMIT $2)"
                .to_owned(),
        }
    }
}

/// The stored row of a job that is final.
const CLOSED_JOB: &str = "jobs.id = v.c0 AND jobs.live = 0";

/// Finds a workspace at the version that a change was decided on, and at no other.
fn version_guard() -> &'static str {
    if reeve_faults::is_broken(reeve_faults::Law::VersionGuard) {
        return "workspaces.id = v.c0";
    }
    "workspaces.id = v.c0 AND workspaces.version = v.c1"
}

/// What the parameters of a statement are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// One: the rows of a batch, as JSON.
    Rows,
    /// One for each cell of a row, counted from 1.
    OneRow,
}

/// Where the due times of a workspace that moves are written.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// Only where they changed: SQLite touches the index of each column that a statement names.
    Apart,
    /// Each time: PostgreSQL compares with what is stored, and a second update of a row is a second copy of it.
    WithMove,
}

impl Due {
    /// Where this database has them.
    pub(super) fn of(backend: DbBackend) -> Self {
        if matches!(backend, DbBackend::Sqlite) { Self::Apart } else { Self::WithMove }
    }
}

/// How each database says it.
pub(super) struct Dialect {
    pub(super) backend: DbBackend,
    pub(super) takes: Takes,
}

impl Dialect {
    fn is_sqlite(&self) -> bool {
        matches!(self.backend, DbBackend::Sqlite)
    }

    /// A cell as it is stored.
    fn cell(&self, n: usize, cast: Cast) -> String {
        let text = match (self.takes, self.is_sqlite()) {
            (Takes::OneRow, _) => format!("?{}", n + 1),
            (Takes::Rows, true) => format!("value->>{n}"),
            (Takes::Rows, false) => format!("e.value->>{n}"),
        };
        match (cast, self.is_sqlite()) {
            (Cast::Text, _) | (Cast::Int, true) => text,
            (Cast::Int, false) => format!("({text})::bigint"),
            (Cast::Bytes, true) => format!("unhex({text})"),
            (Cast::Bytes, false) => format!("decode({text}, 'hex')"),
        }
    }

    fn cells(&self, columns: &Columns) -> Vec<String> {
        columns.iter().enumerate().map(|(n, (_, cast))| self.cell(n, *cast)).collect()
    }

    fn rows(&self) -> &'static str {
        if self.is_sqlite() { "jsonb_each(?1)" } else { "jsonb_array_elements($1::jsonb) AS e(value)" }
    }

    /// The rows given, with columns c0, c1, ...
    fn source(&self, columns: &Columns) -> String {
        let cells = self.cells(columns);
        let named: Vec<String> =
            cells.iter().enumerate().map(|(n, cell)| format!("{cell} AS c{n}")).collect();
        match self.takes {
            Takes::Rows => format!("SELECT {} FROM {}", named.join(", "), self.rows()),
            Takes::OneRow => format!("SELECT {}", named.join(", ")),
        }
    }

    pub(super) fn insert(&self, table: &str, columns: &Columns, tail: &str) -> String {
        self.insert_with(table, (columns, &[]), tail)
    }

    /// With columns whose value is the same in all rows.
    pub(super) fn insert_with(
        &self,
        table: &str,
        (columns, same): (&Columns, &[(&str, &str)]),
        tail: &str,
    ) -> String {
        let names = columns.iter().map(|(name, _)| *name).chain(same.iter().map(|(name, _)| *name));
        let mut cells = self.cells(columns);
        cells.extend(same.iter().map(|(_, value)| (*value).to_owned()));
        let (names, cells) = (names.collect::<Vec<_>>().join(", "), cells.join(", "));
        if self.takes == Takes::OneRow {
            return format!("INSERT INTO {table} ({names}) VALUES ({cells}) {tail}");
        }
        // SQLite reads `... FROM x ON CONFLICT` as a join; a WHERE ends the doubt.
        format!("INSERT INTO {table} ({names}) SELECT {cells} FROM {} WHERE true {tail}", self.rows())
    }

    /// The first `keys` columns are the key.
    fn upsert(&self, table: &str, columns: &Columns, keys: usize) -> String {
        let (key, rest) = columns.split_at_checked(keys).unwrap_or((columns, &[]));
        let set: Vec<String> = rest.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
        self.insert(table, columns, &format!("ON CONFLICT ({}) DO UPDATE SET {}", names(key), set.join(", ")))
    }

    /// The first `skipped` columns are what rows are found by.
    pub(super) fn update(&self, rows: (&str, &Columns, usize), on: &str, tail: &str) -> String {
        self.update_with(rows, &[], (on, tail))
    }

    /// With columns that get the same value in all rows.
    fn update_with(
        &self,
        (table, columns, skipped): (&str, &Columns, usize),
        same: &[(&str, &str)],
        (on, tail): (&str, &str),
    ) -> String {
        let cells = columns.iter().enumerate().skip(skipped);
        let set = cells.map(|(n, (name, cast))| match self.takes {
            Takes::Rows => format!("{name} = v.c{n}"),
            Takes::OneRow => format!("{name} = {}", self.cell(n, *cast)),
        });
        let set = set.chain(same.iter().map(|(name, value)| format!("{name} = {value}")));
        let set: Vec<String> = set.collect();
        if self.takes == Takes::OneRow {
            // Rows are found by their first cells.
            let on = on.replace("v.c0", "?1").replace("v.c1", "?2");
            return format!("UPDATE {table} SET {} WHERE {on} {tail}", set.join(", "));
        }
        format!(
            "UPDATE {table} SET {} FROM ({}) AS v WHERE {on} {tail}",
            set.join(", "),
            self.source(columns)
        )
    }

    /// The stored row of a job that is not final.
    fn live_job(&self) -> &'static str {
        if self.is_sqlite() {
            return "jobs.id = v.c0 AND jobs.live = 1";
        }
        // The same, said so that `live` is no condition on the table alone: PostgreSQL takes live jobs to be few,
        // walks the index of all of them and looks for each in the batch, ten thousand times over.
        "jobs.id = v.c0 AND jobs.live = CASE WHEN v.c0 IS NULL THEN 0 ELSE 1 END"
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

    /// Answers from before an instant, among those that came first.
    fn oldest_answers(&self) -> String {
        let oldest = if self.is_sqlite() {
            "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers ORDER BY rowid LIMIT $2) AND at < $1"
        } else {
            "DELETE FROM answers WHERE ctid = ANY (ARRAY (SELECT ctid FROM answers WHERE at < $1 LIMIT $2))"
        };
        oldest.to_owned()
    }

    fn lane(&self) -> String {
        if self.is_sqlite() {
            return "UPDATE lanes SET seq = ?1 WHERE lane = 0 AND epoch = ?2".to_owned();
        }
        format!("UPDATE lanes SET seq = $1 WHERE lane = 0 AND epoch = $2 AND {IS_MARKED}")
    }
}

fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use reeve_migrations::MigratorTrait as _;
    use sea_orm::{ConnectionTrait as _, Database};

    use super::*;
    use crate::explain::{instructions, plan};
    use crate::journal::ahead::text;

    /// In tables that nobody has analysed yet, which is what a new server fills.
    #[tokio::test]
    async fn on_postgresql_updates_look_rows_up_by_key() {
        let Some(cluster) = reeve_testkit::postgres::Cluster::start(&["fsync=off"]) else { return };
        let mut options = sea_orm::ConnectOptions::new(cluster.new_database());
        options.max_connections(1).sqlx_logging(false);
        let Ok(db) = Database::connect(options).await else { unreachable!("it was started") };
        assert!(reeve_migrations::Migrator::up(&db, None).await.is_ok());
        for setting in ["enable_seqscan", "enable_hashjoin", "enable_mergejoin"] {
            assert!(db.execute_unprepared(&format!("SET {setting} = off")).await.is_ok());
        }
        let sql = Statements::of(DbBackend::Postgres);
        let updates = [
            &sql.workspaces_move,
            &sql.workspaces_profile,
            &sql.workspaces_tallies,
            &sql.workspaces_due,
            &sql.jobs_live,
            &sql.jobs_final,
        ];
        for sql in updates {
            let plan = plan(&db, sql, &["[]".into()]).await;
            assert!(plan.contains("Index Cond: (id =") && !plan.contains("Join Filter"), "{sql}\n{plan}");
        }
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
            let plan = plan(&db, sql, &["[]".into()]).await;
            assert!(plan.contains(&format!("SEARCH {table} USING")), "{sql}\n{plan}");
            assert!(!plan.contains(&format!("SCAN {table}")), "{plan}");
        }
    }
    /// It would be made anew for each row.
    #[tokio::test]
    async fn no_statement_of_one_row_makes_a_table_for_itself() {
        let Ok(db) = Database::connect("sqlite::memory:").await else { unreachable!("memory needs no file") };
        assert!(reeve_migrations::Migrator::up(&db, None).await.is_ok());
        let sql = Statements::of_one_row();
        let asked = [text::STANDS, text::LIVES, text::IS_THERE, text::IS_TAKEN, text::AHEAD, text::DONE];
        for sql in text::tables(&sql).into_iter().chain(asked).chain([&*sql.lane, &*sql.outbox]) {
            let instructions = instructions(&db, sql).await;
            assert!(instructions.contains("Halt"), "{sql}\n{instructions}");
            assert!(!instructions.contains("OpenEphemeral"), "{sql}\n{instructions}");
        }
    }
}
