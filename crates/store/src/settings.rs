//! Where the data is and how many connections may read it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::open::OpenError;
use crate::patience::Patience;

/// Readers of a store that says nothing else.
const READERS: u32 = 4;
/// On SQLite, a batch of fewer change sets gains nothing by being written twice.
pub(crate) const AHEAD_CHANGES_MIN: usize = 16;
/// Longest wait for a read of a store that says nothing else.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file; it is created when it does not exist.
    Sqlite(PathBuf),
    /// `postgres://user@host/name`.
    Postgres(String),
}

/// How to open a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    pub database: Database,
    /// Connections that read, apart from the one that writes.
    pub readers: u32,
    /// How long a read waits for PostgreSQL; then it is given up and its connection replaced. A file is waited for.
    pub answer_max: Duration,
    /// Change sets from which on a batch is written ahead of the tables; 0 for never. SQLite only.
    pub ahead_changes_min: usize,
}

impl StoreSettings {
    /// A SQLite file with the usual readers.
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self::of(Database::Sqlite(path.as_ref().to_owned()))
    }

    /// A PostgreSQL database with the usual readers.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::of(Database::Postgres(url.into()))
    }

    const fn of(database: Database) -> Self {
        Self { database, readers: READERS, answer_max: ANSWER_MAX, ahead_changes_min: AHEAD_CHANGES_MIN }
    }

    /// That of all readers of the store.
    pub(crate) fn patience(&self) -> Arc<Patience> {
        match self.database {
            Database::Sqlite(_) => Patience::endless(),
            Database::Postgres(_) => Patience::of(self.answer_max),
        }
    }

    /// From a URL of the configuration: `sqlite:<path>`, `sqlite://<path>` or `postgres://...`.
    ///
    /// # Errors
    /// [`OpenError::BadUrl`] for any other scheme, and for SQLite in memory, which no second connection sees.
    pub fn from_url(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::postgres(url.replacen("postgresql://", "postgres://", 1)));
        }
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        let path = path.map(|path| path.split('?').next().unwrap_or(path));
        match path {
            Some(path) if !path.is_empty() && !path.starts_with(':') => Ok(Self::sqlite(path)),
            _ => Err(OpenError::BadUrl { url: hide_password(url) }),
        }
    }
}

/// A URL fit for a message: without what stands between `://` and `@`.
pub(crate) fn hide_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_both_databases_are_understood() {
        assert_eq!(
            StoreSettings::from_url("sqlite:data/reeve.db"),
            Ok(StoreSettings::sqlite("data/reeve.db"))
        );
        assert_eq!(
            StoreSettings::from_url("sqlite:///x/r.db?mode=rwc"),
            Ok(StoreSettings::sqlite("/x/r.db"))
        );
        let postgres = StoreSettings::from_url("postgresql://u:p@h/db");
        assert_eq!(postgres, Ok(StoreSettings::postgres("postgres://u:p@h/db")));
    }

    #[test]
    fn other_urls_are_refused_without_telling_the_password() {
        for url in ["sqlite::memory:", "mysql://root:secret@host/db", ""] {
            let error = StoreSettings::from_url(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.is_empty() && !error.contains("secret"), "{error}");
        }
    }
}
