//! SQLite: `VACUUM INTO` over a connection of its own that cannot write.
//!
//! Not SQLite's backup functions: with several steps they begin anew whenever somebody else has written, and so never
//! end beside a busy server; in one step they hold the same snapshot as long. Not the file system's copy: the file and
//! its log are of two instants. What is made here is one file without a log, without free pages, in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Row as _};

use super::{BackupError, CopyPlan, CopyProgress};
use crate::journal::ahead::recover::recover;
use crate::open::OpenError;
use crate::steps::{len, log_of};

/// Instructions of SQLite between two looks at the files: some thousand rows, a fraction of a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;
/// How long the copy waits for a file that somebody holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn copy(from: &Path, to: &Path, plan: &CopyPlan) -> Result<(), BackupError> {
    let database = from.display().to_string();
    let failed = |detail: String| BackupError::Failed { database: database.clone(), detail };
    let target = to.to_str().ok_or_else(|| failed(format!("`{}` is not UTF-8", to.display())))?;
    if !from.exists() {
        let detail = "there is no such file".to_owned();
        return Err(OpenError::CannotOpen { database, detail }.into());
    }
    let options = SqliteConnectOptions::new().filename(from).read_only(true).busy_timeout(BUSY_TIMEOUT);
    let options = options.disable_statement_logging();
    let connected = SqliteConnection::connect_with(&options).await;
    let mut conn = connected.map_err(|error| failed(error.to_string()))?;
    plan.progress.of.store(bytes(&mut conn).await, Ordering::Relaxed);
    let watch = Watch::new((from, to), plan);
    let is_too_long = watch.is_too_long.clone();
    let handle = conn.lock_handle().await;
    handle
        .map_err(|error| failed(error.to_string()))?
        .set_progress_handler(STEPS_BETWEEN_LOOKS, move || watch.look());
    let made = sqlx::query("VACUUM INTO $1").bind(target).execute(&mut conn).await;
    if let Err(error) = conn.close().await {
        tracing::debug!(%error, "the connection that copied did not close cleanly");
    }
    match made {
        // The copy is to say of itself what it will be once somebody has it open.
        Ok(_) => catch_up(to).await.map_err(failed),
        Err(_) if is_too_long.load(Ordering::Relaxed) => {
            let (grown, max) = (plan.progress.log_bytes(), plan.log_bytes_max);
            Err(BackupError::LogTooLong { database, grown, max })
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Brings into the tables of a copy what was ahead of those of the original.
async fn catch_up(copy: &Path) -> Result<(), String> {
    let options = SqliteConnectOptions::new().filename(copy).disable_statement_logging();
    let batches = recover(&options.journal_mode(SqliteJournalMode::Delete)).await?;
    tracing::debug!(batches, "what was ahead of the tables is in those of the copy");
    Ok(())
}

/// Bytes of the database as its readers see it; 0 when it does not say.
async fn bytes(conn: &mut SqliteConnection) -> u64 {
    let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let row = sqlx::query(sql).fetch_one(conn).await.ok();
    row.and_then(|row| row.try_get::<i64, _>(0).ok()).and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

/// What SQLite calls between its steps, in its own thread.
struct Watch {
    copy: PathBuf,
    log: PathBuf,
    /// Its length at the start. A file of a log never shrinks, so that only what is beyond it takes room.
    log_bytes: u64,
    log_bytes_max: u64,
    progress: Arc<CopyProgress>,
    is_too_long: Arc<AtomicBool>,
}

impl Watch {
    fn new((from, to): (&Path, &Path), plan: &CopyPlan) -> Self {
        let log = log_of(from);
        Self {
            copy: to.to_owned(),
            log_bytes: len(&log),
            log,
            log_bytes_max: plan.log_bytes_max,
            progress: plan.progress.clone(),
            is_too_long: Arc::default(),
        }
    }

    /// False ends the copy.
    fn look(&self) -> bool {
        let grown = len(&self.log).saturating_sub(self.log_bytes);
        self.progress.done.store(len(&self.copy), Ordering::Relaxed);
        self.progress.log.store(grown, Ordering::Relaxed);
        let goes_on = grown <= self.log_bytes_max;
        if !goes_on {
            self.is_too_long.store(true, Ordering::Relaxed);
        }
        goes_on
    }
}
