//! A copy of a whole database, made while a server writes to it, and one that is put back.
//!
//! Called by the composition root for `reeve backup` and `reeve restore`. A copy takes no lock and never holds the writer
//! up; all of it is of one instant. What it costs the writer: on SQLite the log cannot begin anew while the copy is made,
//! and grows by what is written meanwhile, which is why there is a bound. A copy is not synced here: whoever asked for it
//! syncs it with everything else.

mod postgres;
mod sqlite;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait, DbErr, Statement};

use crate::open::{OpenError, cannot_open};
use crate::settings::{Database, StoreSettings};
use crate::steps;

/// Workspaces whose heads are read at once.
const PAGE: u64 = 5_000;

/// How far a copy is; read by whoever shows it, in another task.
#[derive(Debug, Default)]
pub struct CopyProgress {
    done: AtomicU64,
    of: AtomicU64,
    log: AtomicU64,
}

impl CopyProgress {
    /// Bytes of the copy so far.
    pub fn done_bytes(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Bytes of the database; the copy ends up smaller, as it leaves free pages out. 0 when nobody knows.
    pub fn of_bytes(&self) -> u64 {
        self.of.load(Ordering::Relaxed)
    }

    /// Bytes by which the log of a SQLite database has grown meanwhile.
    pub fn log_bytes(&self) -> u64 {
        self.log.load(Ordering::Relaxed)
    }
}

/// How to copy.
#[derive(Clone, Debug)]
pub struct CopyPlan {
    /// The copy is given up when the log of a SQLite database grew by more than this many bytes.
    pub log_bytes_max: u64,
    pub progress: Arc<CopyProgress>,
}

/// Where the ledger of one workspace ends: whoever knows this knows whether any row before it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub workspace: String,
    /// Rows of its ledger.
    pub rows: u64,
    /// Hash of the last one, in hexadecimal digits.
    pub hash: String,
}

/// Takes heads, in order of workspaces.
pub type HeadSink<'a> = &'a mut (dyn FnMut(Head) + Send);

/// Why there is no copy, or why it could not be put back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(
        "`{database}` cannot be copied now: its log grew by {grown} bytes meanwhile and {max} are allowed; \
         try when less is written, or allow more"
    )]
    LogTooLong { database: String, grown: u64, max: u64 },
    #[error(
        "the program `{program}` is not on the path: install PostgreSQL's client programs, or run `{by_hand}`"
    )]
    NoProgram { program: &'static str, by_hand: String },
    #[error("`{program}` failed: {detail}")]
    ProgramFailed { program: &'static str, detail: String },
    #[error("the database `{database}` is not empty; make a new one and name that")]
    NotEmpty { database: String },
    #[error("`{database}` cannot be copied: {detail}")]
    Failed { database: String, detail: String },
}

/// Copies a database into a new file: a SQLite database, or PostgreSQL's archive format. Tells where each ledger of the
/// copy ends, and gives the names of the steps that the copy has.
///
/// # Errors
/// See [`BackupError`]; what is in the file then is no copy.
pub async fn copy(
    settings: &StoreSettings,
    (to, plan): (&Path, &CopyPlan),
    on_head: HeadSink<'_>,
) -> Result<Vec<String>, BackupError> {
    match &settings.database {
        Database::Sqlite(path) => {
            sqlite::copy(path, to, plan).await?;
            heads(&StoreSettings::sqlite(to), on_head).await
        }
        Database::Postgres(url) => postgres::copy(url, to, on_head).await,
    }
}

/// Tells where each ledger of a database ends, without changing it, and gives the names of its steps. Its schema may be
/// older than this program's.
///
/// # Errors
/// The database cannot be read.
pub async fn heads(settings: &StoreSettings, on_head: HeadSink<'_>) -> Result<Vec<String>, BackupError> {
    let (db, name) = steps::peek(&settings.database).await?;
    let told = tell(&db, on_head).await.map_err(|error| cannot_open(&name, &error));
    if let Err(error) = db.close().await {
        tracing::debug!(%error, "a connection that only looked did not close cleanly");
    }
    Ok(told?)
}

/// Puts an archive back into an empty PostgreSQL database.
///
/// # Errors
/// See [`BackupError`]; the database is as empty as before then.
pub async fn put_back(url: &str, archive: &Path) -> Result<(), BackupError> {
    postgres::put_back(url, archive).await
}

async fn tell<C: ConnectionTrait>(db: &C, on_head: HeadSink<'_>) -> Result<Vec<String>, DbErr> {
    let mut after = String::new();
    loop {
        let sql = "SELECT id, chain_seq, chain_hash FROM workspaces WHERE id > $1 ORDER BY id LIMIT $2";
        let values = [after.as_str().into(), i64::try_from(PAGE).unwrap_or(i64::MAX).into()];
        let page = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
        let rows = db.query_all_raw(page).await?;
        for row in &rows {
            let hash: Vec<u8> = row.try_get("", "chain_hash")?;
            let count: i64 = row.try_get("", "chain_seq")?;
            after = row.try_get("", "id")?;
            on_head(Head {
                workspace: after.clone(),
                rows: u64::try_from(count).unwrap_or(0),
                hash: hex::encode(hash),
            });
        }
        if rows.is_empty() {
            return steps::applied(db).await;
        }
    }
}
