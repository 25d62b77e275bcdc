//! What a backup says of itself.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{FilesMode, MANIFEST, POSTGRES, SQLITE};
use crate::exit::Failure;

/// The form of backups that this program makes and reads.
pub const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The program that made it.
    pub version: String,
    /// When it was begun, RFC 3339.
    pub made_at: String,
    pub database: DatabasePart,
    pub ledger: LedgerPart,
    pub files: FilesPart,
}

/// The database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabasePart {
    pub kind: DatabaseKind,
    pub bytes: u64,
    pub sha256: String,
    /// The last step of its schema.
    pub schema: String,
    /// How many steps it has.
    pub steps: u64,
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

impl DatabaseKind {
    /// The name of its file in a backup.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Sqlite => SQLITE,
            Self::Postgres => POSTGRES,
        }
    }
}

/// The ledgers: these figures written down elsewhere tell whether any row before was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPart {
    pub workspaces: u64,
    pub rows: u64,
    /// Of the file of all heads.
    pub heads_sha256: String,
}

/// All files of the backup but the manifest and the sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesPart {
    /// What became of outputs and inputs.
    pub outputs: FilesMode,
    pub count: u64,
    pub bytes: u64,
    /// Of the file of sums.
    pub sums_sha256: String,
}

impl Manifest {
    /// Reads that of a backup.
    ///
    /// # Errors
    /// The folder is no backup, or one of a later form.
    pub fn read(backup: &Path) -> Result<Self, Failure> {
        let path = backup.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::no(format!(
                "`{}` is no backup, or one that was never finished: it has no {MANIFEST}",
                backup.display()
            )),
            _ => Failure::environment(&format!("cannot read `{}`", path.display()), error),
        })?;
        let bad = |why: String| Failure::no(format!("`{}` is damaged: {why}", path.display()));
        let form: Form = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if form.format != FORMAT {
            return Err(Failure::usage(format!(
                "the backup has the form {}, and this version reads {FORMAT}: take the version that made it",
                form.format
            )));
        }
        serde_json::from_str(&text).map_err(|error| bad(error.to_string()))
    }

    /// As it is written.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, backup: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|error| Failure::environment("cannot write the manifest", error))?;
        fs::write(backup.join(MANIFEST), text + "\n")
            .map_err(|error| Failure::environment("cannot write the manifest", error))
    }
}

/// The one member that every form has.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_backup_or_a_later_one_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no backup"), "{error}");
        fs::write(folder.path().join(MANIFEST), r#"{"format": 2, "else": []}"#).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("the form 2"), "{error}");
        fs::write(folder.path().join(MANIFEST), r#"{"format": 1}"#).unwrap();
        let error = Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
}
