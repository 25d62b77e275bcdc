//! PostgreSQL: an advisory lock keeps other processes out, a connection of its own writes, a pool reads.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::journal::{Connect, Setup, start, take_lane};
use crate::open::{FatalHook, OpenError, Opened, cannot_open, migrate};
use crate::settings::hide_password;

/// The lock of this program within a database: "reeve" in ASCII.
const LOCK_KEY: i64 = 0x72_6565_7665;
/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the database, with a lock against other processes.
pub(crate) async fn open(url: &str, readers: u32, fatal: FatalHook) -> Result<Opened, OpenError> {
    let database = hide_password(url);
    let failed = |error: DbErr| cannot_open(&database, &error);
    let lock = connect(url, 1, Use::Lock).await.map_err(failed)?;
    take_lock(&lock, &database).await?;
    let writer = connect(url, 1, Use::Write).await.map_err(failed)?;
    migrate(&writer, &database).await?;
    let lane = take_lane(&writer).await.map_err(failed)?;
    let readers = connect(url, readers.max(1), Use::Read).await.map_err(failed)?;
    let url = url.to_owned();
    let again: Connect = Arc::new(move || {
        let url = url.clone();
        async move { connect(&url, 1, Use::Write).await }.boxed()
    });
    // The connection that holds the lock closes when the journal task lets go of it.
    let setup = Setup { db: writer, lane, fatal, connect: Some(again), guard: Box::new(lock) };
    Ok(Opened { journal: start(setup), readers })
}

/// Opens the database to read only, beside whoever holds the lock.
pub(crate) async fn open_to_read(url: &str, readers: u32) -> Result<DatabaseConnection, OpenError> {
    let failed = |error: DbErr| cannot_open(&hide_password(url), &error);
    connect(url, readers.max(1), Use::Read).await.map_err(failed)
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Lock,
    Write,
    Read,
}

async fn connect(url: &str, count: u32, what: Use) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(count).min_connections(1).sqlx_logging(false).record_stmt_in_spans(false);
    options.test_before_acquire(false).connect_timeout(CONNECT_TIMEOUT).acquire_timeout(CONNECT_TIMEOUT);
    options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    if what == Use::Read {
        // A reader whose connection broke while idle gets a new one instead of an error.
        options.test_before_acquire_if_idle_for(Duration::from_secs(1));
    }
    options.set_application_name(match what {
        Use::Lock => "reeve lock",
        Use::Write => "reeve writer",
        Use::Read => "reeve reader",
    });
    if what == Use::Write {
        // A batch finds rows by key; a plan made while the tables were small must not scan them for ever.
        options.map_sqlx_postgres_opts(|options| {
            options.options([
                ("synchronous_commit", "on"),
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
            ])
        });
    }
    sea_orm::Database::connect(options).await
}

async fn take_lock(db: &DatabaseConnection, database: &str) -> Result<(), OpenError> {
    let failed = |error: DbErr| cannot_open(database, &error);
    let sql = "SELECT pg_try_advisory_lock($1) AS taken";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LOCK_KEY.into()]);
    let row = db.query_one_raw(statement).await.map_err(failed)?;
    let taken = row.map(|row| row.try_get::<bool>("", "taken")).transpose().map_err(failed)?;
    if taken == Some(true) {
        return Ok(());
    }
    Err(OpenError::Locked { database: database.to_owned(), by: holder(db).await.unwrap_or_default() })
}

/// Who holds the lock, for people; `None` when it cannot be seen.
async fn holder(db: &DatabaseConnection) -> Option<String> {
    let sql = "SELECT a.pid::bigint AS pid, coalesce(host(a.client_addr), 'a local socket') AS host \
               FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
               WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database() \
               AND ((l.classid::bigint << 32) | l.objid::bigint) = $1";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [LOCK_KEY.into()]);
    let row = db.query_one_raw(statement).await.ok().flatten()?;
    let (pid, host): (i64, String) = (row.try_get("", "pid").ok()?, row.try_get("", "host").ok()?);
    Some(format!(" (backend {pid}, from {host})"))
}
