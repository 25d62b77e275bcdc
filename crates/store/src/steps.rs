//! Which steps of the schema a database has and which it lacks, found out without changing a byte of it.
//!
//! Called by the composition root for `reeve migrate`. A server may run on the database meanwhile.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reeve_migrations::STEPS;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::open::{OpenError, cannot_open};
use crate::postgres;
use crate::settings::{Database, StoreSettings, hide_password};

/// The table in which applied steps are noted.
const NOTES: &str = "seaql_migrations";
/// How long a statement waits for a file that somebody holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a database has and what it lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Names of the steps that it has, in their order.
    pub applied: Vec<String>,
    /// The steps that it lacks, in the order in which they would be applied.
    pub pending: Vec<Pending>,
    /// Its size: the file and its log, or what PostgreSQL says.
    pub bytes: u64,
}

/// A step that a database lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its place among all steps, from 1.
    pub number: usize,
    pub name: &'static str,
    /// What it does, as a part of a sentence.
    pub about: &'static str,
    /// Rows that it reads or copies; 0 when it takes no time to speak of.
    pub rows: u64,
}

/// Looks at a database.
///
/// # Errors
/// It is not there, is not one of ours, or was written by a newer version.
pub async fn standing(settings: &StoreSettings) -> Result<Standing, OpenError> {
    let (db, name) = peek(&settings.database).await?;
    let found = look(&db, &settings.database, &name).await;
    if let Err(error) = db.close().await {
        tracing::debug!(%error, "a connection that only looked did not close cleanly");
    }
    found
}

async fn look(db: &DatabaseConnection, database: &Database, name: &str) -> Result<Standing, OpenError> {
    let failed = |error: DbErr| cannot_open(name, &error);
    let applied = applied(db).await.map_err(failed)?;
    if applied.is_empty() && matches!(database, Database::Sqlite(_)) {
        let detail = "it has no steps of the schema".to_owned();
        return Err(OpenError::NotADatabase { database: name.to_owned(), detail });
    }
    if let Some(newer) = applied.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        return Err(OpenError::NewerSchema { database: name.to_owned(), step: newer.clone() });
    }
    let mut pending = Vec::new();
    for (n, step) in STEPS.iter().enumerate().filter(|(_, step)| !applied.iter().any(|a| a == step.name)) {
        let mut rows = 0;
        for table in step.reads {
            rows += count(db, table).await.map_err(failed)?;
        }
        pending.push(Pending { number: n + 1, name: step.name, about: step.about, rows });
    }
    let bytes = match database {
        Database::Sqlite(path) => len(path) + len(&log_of(path)),
        Database::Postgres(_) => {
            number(db, "SELECT pg_database_size(current_database()) AS n").await.map_err(failed)?
        }
    };
    Ok(Standing { applied, pending, bytes })
}

/// A connection that cannot write. SQLite would put two files beside one that nobody has open, so that is told then that
/// the file does not change.
pub(crate) async fn peek(database: &Database) -> Result<(DatabaseConnection, String), OpenError> {
    let path = match database {
        Database::Postgres(url) => return Ok((postgres::open_to_read(url, 1).await?, hide_password(url))),
        Database::Sqlite(path) => path.clone(),
    };
    let name = path.display().to_string();
    let is_at_rest = len(&log_of(&path)) == 0;
    let mut options = ConnectOptions::new("sqlite://");
    options.max_connections(1).min_connections(1).sqlx_logging(false).record_stmt_in_spans(false);
    options.map_sqlx_sqlite_opts(move |_| {
        use sea_orm::sqlx::ConnectOptions as _;
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).immutable(is_at_rest);
        options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging()
    });
    let db = sea_orm::Database::connect(options).await.map_err(|error| cannot_open(&name, &error))?;
    Ok((db, name))
}

/// Names of the applied steps, in their order; none in a database that has no tables yet.
pub(crate) async fn applied<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    if !has_table(db, NOTES).await? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT version FROM {NOTES} ORDER BY version");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

/// Rows of a table; 0 when an earlier step has yet to make it.
async fn count<C: ConnectionTrait>(db: &C, table: &str) -> Result<u64, DbErr> {
    if !has_table(db, table).await? {
        return Ok(0);
    }
    number(db, &format!("SELECT count(*) AS n FROM {table}")).await
}

async fn has_table<C: ConnectionTrait>(db: &C, table: &str) -> Result<bool, DbErr> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            format!("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table' AND name = '{table}'")
        }
        _ => format!("SELECT count(*) AS n FROM pg_class WHERE oid = to_regclass('{table}')"),
    };
    Ok(number(db, &sql).await? > 0)
}

async fn number<C: ConnectionTrait>(db: &C, sql: &str) -> Result<u64, DbErr> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let found: i64 = row.map_or(Ok(0), |row| row.try_get("", "n"))?;
    Ok(u64::try_from(found).unwrap_or(0))
}

/// The log that SQLite keeps beside a file.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// Bytes of a file; 0 when there is none.
pub(crate) fn len(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}
