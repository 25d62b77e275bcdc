//! A folder on a local disk: which folders exist durably, and what a crash left behind.
//!
//! The store syncs each file and the folders that it makes itself. What it cannot see is a folder that another
//! upload has made but not synced yet: a file inside it would be acknowledged and lost with its folder. So every
//! folder on the way is made and synced here first, once per process.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use object_store::local::LocalFileSystem;

use crate::error::ArtifactError;
use crate::task;

/// Where uploads under way are.
pub(crate) const STAGING: &str = "staging";

/// Folders remembered as durable; beyond it all are forgotten and synced once more.
const KNOWN_MAX: usize = 8_192;

/// The folders of a local store.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    known: Mutex<HashSet<String>>,
}

/// Opens a folder: durable itself, and without leftovers.
pub(crate) fn open(root: &Path) -> Result<(LocalFileSystem, Folders), ArtifactError> {
    let failed = |path: &Path, source| ArtifactError::Folder { path: path.display().to_string(), source };
    make_root(root).map_err(|e| failed(root, e))?;
    let staging = root.join(STAGING);
    empty(&staging).map_err(|e| failed(&staging, e))?;
    let store = LocalFileSystem::new_with_prefix(root)?.with_fsync(true);
    Ok((store, Folders { root: root.to_owned(), known: Mutex::default() }))
}

/// Makes the root with all that leads to it, and syncs every folder that got a new entry.
fn make_root(root: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        root.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(root)?;
    for path in missing {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync(parent)?,
            _ => sync(Path::new("."))?,
        }
    }
    Ok(())
}

/// Nothing under way survives its process, so whatever is found there is half done.
fn empty(staging: &Path) -> io::Result<()> {
    match fs::read_dir(staging) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(entries) => {
            for entry in entries {
                fs::remove_file(entry?.path())?;
            }
            Ok(())
        }
    }
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened for syncing; the file system is trusted with its entries.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

impl Folders {
    /// Makes every folder above `key` and syncs it into the one above it.
    pub(crate) async fn prepare(
        self: &Arc<Self>,
        key: &object_store::path::Path,
    ) -> Result<(), ArtifactError> {
        let above = folders_above(key);
        let new: Vec<String> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            above.into_iter().filter(|folder| !known.contains(folder)).collect()
        };
        if new.is_empty() {
            return Ok(());
        }
        let this = self.clone();
        let made = task::blocking(move || this.make(new)).await;
        match made {
            Ok(result) => result,
            Err(panic) => Err(ArtifactError::Folder {
                path: self.root.display().to_string(),
                source: io::Error::other(panic),
            }),
        }
    }

    /// The folder of it all.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Removes one file, and the folder of its attempt once nothing is left in that: no upload comes to an attempt
    /// whose bytes may be removed.
    pub(crate) fn remove_file(&self, path: &str) -> io::Result<()> {
        gone(fs::remove_file(self.root.join(path)))?;
        if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| folder.starts_with("outputs/"))
        {
            self.forget(folder);
            // Refused while something is in it, which is then still needed.
            drop(fs::remove_dir(self.root.join(folder)));
        }
        Ok(())
    }

    /// Removes a folder with all that is in it.
    pub(crate) fn remove_folder(&self, folder: &str) -> io::Result<()> {
        self.forget(folder);
        gone(fs::remove_dir_all(self.root.join(folder)))
    }

    /// What is removed is not durable any more.
    fn forget(&self, folder: &str) {
        let below = format!("{folder}/");
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known != folder && !known.starts_with(&below));
    }

    fn make(&self, folders: Vec<String>) -> Result<(), ArtifactError> {
        for folder in folders {
            let path = self.root.join(&folder);
            let failed = |source| ArtifactError::Folder { path: path.display().to_string(), source };
            match fs::create_dir(&path) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(e)),
                // One that exists may be another upload's, not synced yet.
                _ => sync(path.parent().unwrap_or(&self.root)).map_err(failed)?,
            }
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(folder);
        }
        Ok(())
    }
}

/// Removing what is not there is fine.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The folders that lead to a key, outermost first.
fn folders_above(key: &object_store::path::Path) -> Vec<String> {
    let parts: Vec<String> = key.parts().map(|part| part.as_ref().to_owned()).collect();
    (1..parts.len()).map(|n| parts.iter().take(n).cloned().collect::<Vec<_>>().join("/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_above_a_key_come_outermost_first() {
        assert_eq!(folders_above(&"a/b/c".into()), ["a", "a/b"]);
        assert!(folders_above(&"a".into()).is_empty());
    }
}
