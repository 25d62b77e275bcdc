//! The store as the composition root sees it: open, hand out the ports, close.

use std::sync::Arc;

use reeve_journal::{Journal, Reader};
use reeve_migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, Statement};

use crate::failure::classify;
use crate::journal::Handle;
use crate::postgres::Readers;
use crate::read::{Beside, StoreReader};
use crate::settings::{Database, StoreSettings};
use crate::sqlite::syncs::Progress;
use crate::{postgres, sqlite};

/// Why nothing can be committed any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// What is cached cannot be trusted any more.
    #[error("the disk failed in a commit: {detail}")]
    Disk { detail: String },
    /// What is in memory is outdated; the process may start again and stand by.
    #[error("another process took the database over{by}")]
    TakenOver { by: String },
}

/// Called once when nothing can be committed any more and the process should end.
pub type FatalHook = Arc<dyn Fn(Fatal) + Send + Sync>;

/// Why a store could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("`{url}` names no database: use `sqlite:<path>` or `postgres://<user>@<host>/<name>`")]
    BadUrl { url: String },
    #[error("the database is open in another process: `{database}`{by}; stop that one first")]
    Locked { database: String, by: String },
    #[error(
        "`{database}` is not a database of this program ({detail}); give another path or restore a backup"
    )]
    NotADatabase { database: String, detail: String },
    #[error("`{database}` was written by a newer version: it has the step `{step}`; run that version")]
    NewerSchema { database: String, step: String },
    #[error(
        "`{database}` is damaged: {detail}; restore a backup, or remove it and `{database}.lock` to begin anew"
    )]
    Damaged { database: String, detail: String },
    #[error("cannot open `{database}`: {detail}")]
    CannotOpen { database: String, detail: String },
}

/// An open store.
pub struct Store {
    journal: Arc<Handle>,
    reader: Arc<StoreReader>,
    readers: DatabaseConnection,
}

impl Store {
    /// Opens a database, brings its schema up to date and starts the journal.
    ///
    /// Must be called within a tokio runtime, which then runs the journal task.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed then, except that steps of the schema may have been applied.
    pub async fn open(settings: StoreSettings, fatal: FatalHook) -> Result<Self, OpenError> {
        let patience = settings.patience();
        let opened = match &settings.database {
            Database::Sqlite(path) => sqlite::open(path, &settings, fatal).await?,
            Database::Postgres(url) => {
                let readers = Readers { count: settings.readers, patience: patience.clone() };
                postgres::open(url, readers, fatal).await?
            }
        };
        let Opened { journal, readers, progress } = opened;
        let beside = Beside { journal: journal.clone(), progress };
        let reader = Arc::new(StoreReader::new(readers.clone(), Some(beside), patience));
        Ok(Self { journal, reader, readers })
    }

    /// Opens a database to read only: nothing is created, brought up to date or locked, and a server may run. What is
    /// ahead of the tables of a SQLite file is not read: about the last second of a server under load, or of one that
    /// was killed then and not started since.
    ///
    /// # Errors
    /// See [`OpenError`]; also for a schema that is older than this program's.
    pub async fn open_to_read(settings: StoreSettings) -> Result<Arc<dyn Reader>, OpenError> {
        let patience = settings.patience();
        let (readers, database) = match &settings.database {
            Database::Sqlite(path) => {
                let database = path.display().to_string();
                (sqlite::open_to_read(path, settings.readers).await?, database)
            }
            Database::Postgres(url) => {
                let readers = Readers { count: settings.readers, patience: patience.clone() };
                (postgres::open_to_read(url, readers).await?, crate::settings::hide_password(url))
            }
        };
        check_steps(&readers, &database).await?;
        Ok(Arc::new(StoreReader::new(readers, None, patience)))
    }

    /// Where changes go.
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    /// Where reads come from.
    pub fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }

    /// Connections for checks over the whole store, and the journal they are beside.
    pub(crate) fn readers(&self) -> (&DatabaseConnection, &Arc<Handle>) {
        (&self.readers, &self.journal)
    }

    /// Commits what was submitted, then closes every connection and lets go of the lock.
    pub async fn close(self) {
        if let Err(error) = self.readers.close_by_ref().await {
            tracing::warn!(%error, "the readers did not close cleanly");
        }
        // The writer last: on SQLite its end folds the WAL into the file.
        self.journal.close().await;
    }
}

/// What each database's own part of opening yields.
pub(crate) struct Opened {
    pub(crate) journal: Arc<Handle>,
    pub(crate) readers: DatabaseConnection,
    /// What readers wait for, where rows can be read before they are on the disk.
    pub(crate) progress: Option<Arc<Progress>>,
}

/// Applies the steps of the schema that are missing.
pub(crate) async fn migrate(db: &DatabaseConnection, database: &str) -> Result<(), OpenError> {
    let failed = |error: DbErr| cannot_open(database, &error);
    let known = reeve_migrations::step_names();
    let applied = Migrator::get_migration_models(db).await.map_err(failed)?;
    if let Some(newer) = applied.into_iter().find(|step| !known.contains(&step.version)) {
        return Err(OpenError::NewerSchema { database: database.to_owned(), step: newer.version });
    }
    Migrator::up(db, None).await.map_err(failed)?;
    let backend = db.get_database_backend();
    tracing::debug!(?backend, "the schema is up to date");
    Ok(())
}

/// Refuses a schema that is not the one of this program, without bringing it up to date.
async fn check_steps(db: &DatabaseConnection, database: &str) -> Result<(), OpenError> {
    let sql = Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations");
    let rows = db.query_all_raw(sql).await.map_err(|error| cannot_open(database, &error))?;
    let applied: Vec<String> = rows.iter().filter_map(|row| row.try_get("", "version").ok()).collect();
    let known = reeve_migrations::step_names();
    if let Some(newer) = applied.iter().find(|step| !known.contains(step)) {
        return Err(OpenError::NewerSchema { database: database.to_owned(), step: newer.clone() });
    }
    match known.iter().find(|step| !applied.contains(step)) {
        None => Ok(()),
        Some(step) => Err(OpenError::CannotOpen {
            database: database.to_owned(),
            detail: format!("its schema lacks the step `{step}`; start a server on it once"),
        }),
    }
}

/// The system has no thread for the journal.
pub(crate) fn no_thread(database: &str, error: &std::io::Error) -> OpenError {
    OpenError::CannotOpen {
        database: database.to_owned(),
        detail: format!("there is no thread for its journal: {error}"),
    }
}

/// An environment's fault while opening.
pub(crate) fn cannot_open(database: &str, error: &DbErr) -> OpenError {
    let detail = match classify(error).detail() {
        // The pool tries again and again, and at its end tells only that.
        hidden if hidden.contains("pool timed out") => {
            "no connection came about in time; is it running, and may this user connect to it?".to_owned()
        }
        detail => detail.to_owned(),
    };
    OpenError::CannotOpen { database: database.to_owned(), detail }
}
