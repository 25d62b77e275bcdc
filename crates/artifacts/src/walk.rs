//! Looking through everything that is stored, a bounded number of files at a time, and removing what nobody names.
//!
//! Used by the upkeep, which knows what rows refer to; nothing here decides that a file may go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{ObjectMeta, ObjectStore};
use reeve_types::{AssetId, JobId, LeaseId, Millis, WorkspaceId};

use crate::Artifacts;
use crate::error::ArtifactError;
use crate::key::{AssetKey, OutputKey, OutputSlot};
use crate::local::STAGING;
use crate::task;

/// What a stored file is, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Bytes of one output of one attempt.
    Output(OutputKey),
    /// Bytes of an asset.
    Asset(AssetKey, [u8; 32]),
    /// The note that makes an asset exist.
    AssetNote(AssetKey),
    /// What an upload under way has written so far, or one that broke off has left.
    UnderWay,
    /// None of ours.
    Foreign,
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Its key in the store.
    pub path: String,
    pub kind: FileKind,
    /// When it was written last, by the store's own clock.
    pub modified_at: Millis,
}

/// A look through the store; what is written meanwhile may be seen or not.
pub struct Walk(Way);

enum Way {
    Folder(Option<FolderWalk>),
    /// Locked by nobody: it makes a stream that one task at a time looks at a thing that tasks may share.
    Store(Mutex<BoxStream<'static, object_store::Result<ObjectMeta>>>),
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk").finish_non_exhaustive()
    }
}

impl Artifacts {
    /// Begins a look through everything.
    pub fn walk(&self) -> Walk {
        Walk(match &self.folders {
            Some(folders) => Way::Folder(Some(FolderWalk::new(folders.root()))),
            None => Way::Store(Mutex::new(self.store.list(None))),
        })
    }

    /// Removes a file that a walk found; removing what is not there is fine.
    ///
    /// # Errors
    /// The store failed.
    pub async fn remove_found(&self, found: &FoundFile) -> Result<(), ArtifactError> {
        let Some(folders) = self.folders.clone() else {
            return self.remove(&object_store::path::Path::from(found.path.as_str())).await;
        };
        let path = found.path.clone();
        on_disk(&path.clone(), move || folders.remove_file(&path)).await
    }

    /// Removes the bytes of all outputs of all attempts of a job.
    ///
    /// # Errors
    /// The store failed; some may be gone.
    pub async fn remove_job(&self, job: JobId) -> Result<(), ArtifactError> {
        self.remove_below(format!("outputs/{job}")).await
    }

    /// Removes all assets of a workspace.
    ///
    /// # Errors
    /// The store failed; some may be gone.
    pub async fn remove_assets(&self, workspace: &WorkspaceId) -> Result<(), ArtifactError> {
        self.remove_below(format!("assets/{workspace}")).await
    }

    async fn remove_below(&self, folder: String) -> Result<(), ArtifactError> {
        if let Some(folders) = self.folders.clone() {
            return on_disk(&folder.clone(), move || folders.remove_folder(&folder)).await;
        }
        let prefix = object_store::path::Path::from(folder);
        let mut below = self.store.list(Some(&prefix));
        while let Some(found) = below.next().await {
            self.remove(&found?.location).await?;
        }
        Ok(())
    }
}

async fn on_disk<T: Send + 'static>(
    path: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArtifactError> {
    let failed = |source| ArtifactError::Folder { path: path.to_owned(), source };
    match task::blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(panic) => Err(failed(io::Error::other(panic))),
    }
}

impl Walk {
    /// The next files, at most so many; none at the end.
    ///
    /// # Errors
    /// The store failed; the walk is over then.
    pub async fn next(&mut self, count_max: usize) -> Result<Vec<FoundFile>, ArtifactError> {
        match &mut self.0 {
            Way::Folder(folder) => {
                let Some(mut walk) = folder.take() else { return Ok(Vec::new()) };
                let root = walk.root.display().to_string();
                let (walk, found) = on_disk(&root, move || {
                    let found = walk.next(count_max)?;
                    Ok((walk, found))
                })
                .await?;
                *folder = Some(walk);
                Ok(found)
            }
            Way::Store(list) => {
                let list = list.get_mut().unwrap_or_else(PoisonError::into_inner);
                let mut found = Vec::new();
                while found.len() < count_max {
                    let Some(meta) = list.next().await else { break };
                    let meta = meta?;
                    let path = meta.location.to_string();
                    let modified_at = Millis::from_millis(meta.last_modified.timestamp_millis());
                    found.push(FoundFile { kind: kind(&path), path, modified_at });
                }
                Ok(found)
            }
        }
    }
}

/// Folders under way, the innermost last. Memory does not grow with the number of files.
struct FolderWalk {
    root: PathBuf,
    open: Vec<(String, fs::ReadDir)>,
    has_begun: bool,
}

impl FolderWalk {
    fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), open: Vec::new(), has_begun: false }
    }

    fn next(&mut self, count_max: usize) -> io::Result<Vec<FoundFile>> {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.enter(String::new())?;
        }
        let mut found = Vec::new();
        while found.len() < count_max {
            let Some((folder, entries)) = self.open.last_mut() else { break };
            let Some(entry) = entries.next() else {
                self.open.pop();
                continue;
            };
            let entry = entry?;
            // A name that is no text is none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => self.enter(path)?,
                Ok(meta) if meta.is_file() => {
                    found.push(FoundFile { kind: kind(&path), path, modified_at: modified(&meta) });
                }
                Ok(_) => {}
                // Gone meanwhile, as files here may be.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn enter(&mut self, folder: String) -> io::Result<()> {
        match fs::read_dir(self.root.join(&folder)) {
            Ok(entries) => self.open.push((folder, entries)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A file whose age is not told is as young as can be: it stays.
fn modified(meta: &fs::Metadata) -> Millis {
    let since = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    Millis::from_millis(ms.unwrap_or(i64::MAX))
}

/// What a key names.
fn kind(path: &str) -> FileKind {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [folder, ..] if *folder == STAGING => FileKind::UnderWay,
        // The name that the local store gives a file until all of it is written.
        [.., name] if name.contains('#') => FileKind::UnderWay,
        ["outputs", job, lease, name] => output(job, lease, name).map_or(FileKind::Foreign, FileKind::Output),
        ["assets", workspace, name] => asset(workspace, name).unwrap_or(FileKind::Foreign),
        _ => FileKind::Foreign,
    }
}

fn output(job: &str, lease: &str, name: &str) -> Option<OutputKey> {
    let (index, digest) = name.split_once('-')?;
    let lease: LeaseId = lease.parse().ok()?;
    let of_job = lease.job == job.parse().ok()?;
    let slot = OutputSlot { lease, index: index.parse().ok()? };
    of_job.then_some(OutputKey { slot, sha256: digest_of(digest)? })
}

fn asset(workspace: &str, name: &str) -> Option<FileKind> {
    let key = |asset: AssetId| Some(AssetKey { workspace: WorkspaceId::new(workspace).ok()?, asset });
    if let Some(note) = name.strip_suffix(".json") {
        return Some(FileKind::AssetNote(key(note.parse().ok()?)?));
    }
    let (asset, digest) = name.split_once('-')?;
    Some(FileKind::Asset(key(asset.parse().ok()?)?, digest_of(digest)?))
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_written_is_recognised() {
        let lease = LeaseId { job: JobId::from_parts(Millis::from_millis(5), 7), attempt: 3 };
        let key = OutputKey { slot: OutputSlot { lease, index: 2 }, sha256: [9; 32] };
        assert_eq!(kind(key.path().as_ref()), FileKind::Output(key));
        let asset = AssetId::from_parts(Millis::from_millis(6), 8);
        let key =
            AssetKey { workspace: WorkspaceId::new("acme-1").unwrap_or_else(|_| unreachable!()), asset };
        assert_eq!(kind(key.sidecar().as_ref()), FileKind::AssetNote(key.clone()));
        let bytes = crate::key::Place::with_digest(&key, &[1; 32]);
        assert_eq!(kind(bytes.as_ref()), FileKind::Asset(key, [1; 32]));
    }

    #[test]
    fn what_is_half_written_or_not_ours_is_told_apart() {
        assert_eq!(kind("staging/outputs-x-1"), FileKind::UnderWay);
        assert_eq!(kind("outputs/a/b/0-00#1"), FileKind::UnderWay);
        for foreign in ["notes.txt", "outputs/a/b/c", "assets/acme/x.json", "outputs/a/b/c/d", ""] {
            assert_eq!(kind(foreign), FileKind::Foreign, "{foreign}");
        }
    }
}
