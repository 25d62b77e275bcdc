//! Makes a data folder from a backup, and checks on the way that it is what was backed up.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use reeve_protocol::VerifyReport;
use reeve_store::StoreSettings;
use reeve_store::backup::{Head, heads, put_back};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::files::{Sum, copy, sum_of};
use super::make::{Heads, failure};
use super::manifest::{DatabaseKind, Manifest};
use super::part::Part;
use super::{CONFIG, DATA, DATABASE, SQLITE, SUMS, sums};
use crate::commands::verify::{check_telling, quiet_hook, report_of};
use crate::exit::Failure;
use crate::progress::{Progress, Unit};
use crate::system;

/// What to restore, and where to.
pub struct Restore {
    pub backup: PathBuf,
    /// The data folder to make; without it the backup is only checked.
    pub to: Option<PathBuf>,
    /// An empty database, for a backup of PostgreSQL.
    pub database: Option<String>,
    /// Whether every invariant is checked at the end.
    pub verify: bool,
    /// Lines about how far it is, where stderr is no terminal.
    pub progress: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Restored {
    /// The folder that was made.
    pub folder: Option<String>,
    pub manifest: Manifest,
    /// Every invariant, if they were checked.
    pub verify: Option<VerifyReport>,
}

/// Restores.
///
/// # Errors
/// The backup is not what was backed up: the answer is no, and no folder is made. A target that is not empty, or a disk
/// that fails.
pub fn restore(plan: &Restore) -> Result<Restored, Failure> {
    let manifest = Manifest::read(&plan.backup)?;
    let kind = manifest.database.kind;
    let Some(to) = &plan.to else {
        check_files(plan, &manifest, None)?;
        if kind == DatabaseKind::Sqlite {
            check_heads(&StoreSettings::sqlite(plan.backup.join(SQLITE)), &manifest)?;
        }
        return Ok(Restored { folder: None, manifest, verify: None });
    };
    let url = match (kind, &plan.database) {
        (DatabaseKind::Sqlite, None) => None,
        (DatabaseKind::Postgres, Some(url)) => Some(url),
        (DatabaseKind::Sqlite, Some(_)) => {
            return Err(Failure::usage(
                "this is a backup of SQLite: it goes into the folder, without --database",
            ));
        }
        (DatabaseKind::Postgres, None) => {
            return Err(Failure::usage(
                "this is a backup of PostgreSQL: name an empty database with --database",
            ));
        }
    };
    let part = Part::begin(to)?;
    check_files(plan, &manifest, Some(part.path()))?;
    let store = match url {
        None => StoreSettings::sqlite(part.path().join(DATABASE)),
        Some(url) => {
            let store = StoreSettings::from_url(url).map_err(|e| Failure::usage(e.to_string()))?;
            let reeve_store::Database::Postgres(url) = &store.database else {
                return Err(Failure::usage("`--database` names no PostgreSQL database"));
            };
            block_on(put_back(url, &plan.backup.join(kind.file())))?
                .map_err(|e| failure("nothing was restored", e))?;
            store
        }
    };
    check_heads(&store, &manifest)?;
    let report = if plan.verify { Some(verified(store, plan.progress)?) } else { None };
    // Also when a check does not hold: whoever has only this backup wants what is in it.
    part.finish()?;
    Ok(Restored { folder: Some(to.display().to_string()), manifest, verify: report })
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    system::block_on(future).map_err(|e| Failure::environment("cannot start threads", e))
}

/// Reads every file of the backup, and copies on the way what belongs into the new folder: what was checked is what was
/// written.
fn check_files(plan: &Restore, manifest: &Manifest, to: Option<&Path>) -> Result<(), Failure> {
    let unlike = |path: &str| Failure::no(format!("`{path}` of the backup is not what was backed up"));
    let readable = |path: &str, read: io::Result<Sum>| {
        read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::no(format!("`{path}` of the backup is missing")),
            _ => Failure::environment(&format!("cannot restore `{path}`"), error),
        })
    };
    let sums = readable(SUMS, sum_of(&plan.backup.join(SUMS)))?;
    if sums.sha256 != manifest.files.sums_sha256 {
        return Err(unlike(SUMS));
    }
    let mut shown = Progress::of("files", Unit::Bytes, plan.progress);
    let (mut count, mut bytes, mut has_database) = (0, 0, false);
    sums::read(&plan.backup, &mut |digest, path| {
        let from = plan.backup.join(path);
        let target = to.and_then(|to| Some(to.join(target_of(path)?)));
        let sum = match &target {
            Some(target) => {
                make_above(target)?;
                readable(path, copy(&from, target))?
            }
            None => readable(path, sum_of(&from))?,
        };
        let is_database = path == manifest.database.kind.file();
        if sum.sha256 != digest || (is_database && sum.sha256 != manifest.database.sha256) {
            return Err(unlike(path));
        }
        has_database |= is_database;
        count += 1;
        bytes += sum.bytes;
        shown.at(bytes, manifest.files.bytes);
        Ok(())
    })?;
    shown.end();
    if !has_database || (count, bytes) != (manifest.files.count, manifest.files.bytes) {
        return Err(unlike(SUMS));
    }
    Ok(())
}

fn make_above(path: &Path) -> Result<(), Failure> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.map_err(|e| Failure::environment(&format!("cannot make the folder of `{}`", path.display()), e))
}

/// Where a file of the backup belongs in a data folder; `None`: nowhere, it is only checked.
fn target_of(path: &str) -> Option<PathBuf> {
    if path == SQLITE {
        return Some(DATABASE.into());
    }
    let path = Path::new(path);
    match path.strip_prefix(DATA) {
        Ok(rest) => Some(rest.to_owned()),
        Err(_) => path.starts_with(CONFIG).then(|| path.to_owned()),
    }
}

/// The ledgers end where they did: a database that was changed and summed anew is found out by whoever noted the
/// manifest's figures.
fn check_heads(store: &StoreSettings, manifest: &Manifest) -> Result<(), Failure> {
    let digest = Arc::new(Mutex::new(Sha256::new()));
    let mut found = Heads::over(Box::new(Digesting(digest.clone())));
    block_on(async {
        let mut take = |head: Head| found.take(&head);
        heads(store, &mut take).await
    })?
    .map_err(|e| failure("nothing was restored", e))?;
    let ledger = found.finish()?;
    let digest = digest.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let same = (ledger.workspaces, ledger.rows) == (manifest.ledger.workspaces, manifest.ledger.rows)
        && hex::encode(digest.finalize()) == manifest.ledger.heads_sha256;
    if same {
        Ok(())
    } else {
        Err(Failure::no("the ledgers of the database do not end where the manifest says"))
    }
}

/// Counts bytes into a digest.
struct Digesting(Arc<Mutex<Sha256>>);

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens the restored database, which brings its schema up to date, and checks every invariant.
fn verified(store: StoreSettings, progress: bool) -> Result<VerifyReport, Failure> {
    let checks = block_on(async {
        let opened = reeve_store::Store::open(store, quiet_hook()).await;
        let opened = opened.map_err(|e| Failure::environment("cannot open the restored database", e))?;
        let checks = check_telling(&opened, Progress::of("verify", Unit::Rows, progress)).await;
        opened.close().await;
        checks
    })??;
    Ok(report_of(checks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_backup_has_its_place_or_is_only_checked() {
        let place = |path| target_of(path).map(|path| path.display().to_string());
        assert_eq!(place("database.sqlite").as_deref(), Some("reeve.db"));
        assert_eq!(place("data/artifacts/outputs/x").as_deref(), Some("artifacts/outputs/x"));
        assert_eq!(place("config/reeve.toml").as_deref(), Some("config/reeve.toml"));
        assert_eq!((place("heads.csv"), place("database.dump")), (None, None));
    }
}
