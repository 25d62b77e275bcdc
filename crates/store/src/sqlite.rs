//! SQLite: one file, one process, one writer, a few readers beside it.

pub(crate) mod checkpoints;
pub(crate) mod syncs;
mod whole;

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::journal::ahead::recover::recover;
use crate::journal::hot::Hot;
use crate::journal::{Setup, start, take_lane};
use crate::open::{FatalHook, OpenError, Opened, cannot_open, migrate, no_thread};
use crate::release;
use crate::settings::StoreSettings;

/// What the lock file says once there is a database.
const MADE: &str = "The database beside this file was made. If it is missing, restore a backup.\n";
/// Marks the file as ours: "REEV".
const APPLICATION_ID: i32 = 0x5245_4556;
/// How long a statement waits for the file; only a backup tool can hold it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite's own size. Half of it takes a fifth less to the disk, and twice as many pages to find, to check and to write: a
/// tenth of the lifecycles.
const PAGE_BYTES: u32 = 4_096;
/// Pages in the WAL (64 MiB) before a commit folds them into the file. At SQLite's own 1,000 the hot pages, which
/// every batch writes again, were copied after every few batches: a third of the throughput.
const WAL_PAGES_MAX: u32 = (64 << 20) / PAGE_BYTES;
/// Memory for pages of the writer, in KiB: hot workspaces, lots and tails of indexes. More is not better: after each
/// commit that moved pages about, SQLite walks through all pages in memory, which at 64 MiB was a tenth of the writer's
/// time.
const WRITER_CACHE_KIB: u32 = 16 << 10;
/// The same of each reader.
const READER_CACHE_KIB: u32 = 8 << 10;

/// Opens the file, with a lock against other processes.
pub(crate) async fn open(
    path: &Path,
    settings: &StoreSettings,
    fatal: FatalHook,
) -> Result<Opened, OpenError> {
    let database = path.display().to_string();
    let lock = lock(path, &database)?;
    whole::check(path, was_made(&lock))
        .map_err(|detail| OpenError::Damaged { database: database.clone(), detail })?;
    let writer = connect(path, Use::Write).await.map_err(|error| not_opened(&database, &error))?;
    check_is_ours(&writer, &database).await?;
    let recovered = recover(&options_to_write(path)).await;
    let batches = recovered.map_err(|detail| OpenError::Damaged { database: database.clone(), detail })?;
    if batches > 0 {
        tracing::info!(batches, "what was committed ahead of the tables is in them");
    }
    migrate(&writer, &database).await?;
    let lane = take_lane(&writer).await.map_err(|error| not_opened(&database, &error))?;
    let readers = connect(path, Use::Read(settings.readers)).await;
    let readers = readers.map_err(|error| not_opened(&database, &error))?;
    let hot = Hot::open(path, settings.ahead_changes_min).await;
    let hot = hot.map_err(|error| not_opened(&database, &error))?;
    if !was_made(&lock) {
        mark_as_made(&lock);
    }
    let (file, progress) = (Some(path.to_owned()), Some(hot.progress()));
    let setup = Setup { db: writer, hot: Some(hot), lane, fatal, connect: None, file, guard: Box::new(lock) };
    let journal = start(setup).map_err(|error| no_thread(&database, &error))?;
    Ok(Opened { journal, readers, progress })
}

/// The writer's connection alone, to a file that it has open already.
pub(crate) async fn connect_to_write(path: &Path) -> Result<DatabaseConnection, DbErr> {
    connect(path, Use::Write).await
}

/// How the writer's connections are set up.
pub(crate) fn options_to_write(path: &Path) -> SqliteConnectOptions {
    file_options(path, Use::Write)
}

/// Sets up the connection of usual batches as the writer's are, but for who syncs: its commits are synced by [`syncs`].
pub(crate) fn set_up_to_write_hot(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    connection.pragma_update(None, "cache_size", format!("-{WRITER_CACHE_KIB}"))
}

/// Opens the file to read only.
pub(crate) async fn open_to_read(path: &Path, readers: u32) -> Result<DatabaseConnection, OpenError> {
    let database = path.display().to_string();
    connect(path, Use::Read(readers)).await.map_err(|error| not_opened(&database, &error))
}

/// What a connection is for.
#[derive(Clone, Copy)]
enum Use {
    /// Each commit is on disk before it returns.
    Write,
    Read(u32),
}

async fn connect(path: &Path, what: Use) -> Result<DatabaseConnection, DbErr> {
    // The path goes in by the options below: in a URL a `?` or `%` of it would be misread.
    let mut options = ConnectOptions::new("sqlite://");
    let count = match what {
        Use::Write => 1,
        Use::Read(count) => count.max(1),
    };
    options.max_connections(count).min_connections(count).sqlx_logging(false).record_stmt_in_spans(false);
    // A pool that closes idle connections would throw their caches and statements away.
    options.test_before_acquire(false).idle_timeout(None::<Duration>).max_lifetime(None::<Duration>);
    if matches!(what, Use::Read(_)) {
        options.map_sqlx_sqlite_pool_opts(release::out_of_transactions);
    }
    let path = path.to_owned();
    options.map_sqlx_sqlite_opts(move |_| file_options(&path, what));
    sea_orm::Database::connect(options).await
}

fn file_options(path: &Path, what: Use) -> SqliteConnectOptions {
    use sea_orm::sqlx::ConnectOptions as _;
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_TIMEOUT).foreign_keys(false);
    let options = options.pragma("temp_store", "memory").disable_statement_logging();
    match what {
        Use::Write => options
            .create_if_missing(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", WAL_PAGES_MAX.to_string())
            .pragma("cache_size", format!("-{WRITER_CACHE_KIB}")),
        // Nothing is mapped: each connection maps the file anew, so that four of them counted a gigabyte as this
        // process's memory, and a scan of a million rows took no less time.
        Use::Read(_) => options.read_only(true).pragma("cache_size", format!("-{READER_CACHE_KIB}")),
    }
}

/// The file whose lock keeps a second process out; given back when dropped.
///
/// Closing the file is not enough: a process started by this one has a copy of every open file until its own program is
/// loaded, and the lock is held for as long as any copy is open.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock file cannot be unlocked; the end of this process does it");
        }
    }
}

/// Keeps a second process out. The lock is a file of its own, since locks on the database file are SQLite's.
fn lock(path: &Path, database: &str) -> Result<Lock, OpenError> {
    let cannot = |detail: std::io::Error| OpenError::CannotOpen {
        database: database.to_owned(),
        detail: detail.to_string(),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => {
            let by = format!(" (it holds `{}`)", lock_path.display());
            Err(OpenError::Locked { database: database.to_owned(), by })
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

/// Whether a database was opened beside this lock before: one that is missing then is a loss, not a beginning.
fn was_made(lock: &Lock) -> bool {
    lock.0.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

fn mark_as_made(lock: &Lock) {
    let mut file = &lock.0;
    let marked = file.write_all(MADE.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = marked {
        tracing::warn!(%error, "the lock file cannot be written; a database that is missing later will not be noticed");
    }
}

/// Refuses a file of another program; an empty one becomes ours.
async fn check_is_ours(db: &DatabaseConnection, database: &str) -> Result<(), OpenError> {
    let number = async |sql: &str| -> Result<i32, OpenError> {
        let row = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, sql)).await;
        let row = row.map_err(|error| not_opened(database, &error))?;
        Ok(row.and_then(|row| row.try_get_by_index(0).ok()).unwrap_or(0))
    };
    if number("PRAGMA application_id").await? == APPLICATION_ID {
        return Ok(());
    }
    if number("SELECT count(*) FROM sqlite_schema").await? > 0 {
        let detail = "it belongs to another program".to_owned();
        return Err(OpenError::NotADatabase { database: database.to_owned(), detail });
    }
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
    db.execute_unprepared(&mark).await.map_err(|error| not_opened(database, &error))?;
    Ok(())
}

/// Tells a file that is no database, or a damaged one, from other faults.
fn not_opened(database: &str, error: &DbErr) -> OpenError {
    use sea_orm::RuntimeErr::SqlxError;
    let code = match error {
        DbErr::Conn(SqlxError(cause)) | DbErr::Exec(SqlxError(cause)) | DbErr::Query(SqlxError(cause)) => {
            cause.as_database_error().and_then(|cause| cause.code()).and_then(|code| code.parse::<i32>().ok())
        }
        _ => None,
    };
    match code.map(|code| code & 0xff) {
        // CORRUPT and NOTADB.
        Some(11 | 26) => OpenError::NotADatabase { database: database.to_owned(), detail: error.to_string() },
        _ => cannot_open(database, error),
    }
}
