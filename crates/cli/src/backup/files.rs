//! Files: copied and counted on the way, walked through, brought to disk.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes of one read.
const CHUNK: usize = 1 << 20;

/// What becomes of outputs and inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FilesMode {
    /// Their bytes are copied
    #[default]
    Copy,
    /// They get a second name, which takes no room but is no help against a broken disk; on one file system only
    Link,
    /// They are left out, such as when the file system under them has snapshots of its own
    Skip,
}

/// What is known of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

/// Copies a file with its permissions; tells of the bytes that were written.
pub fn copy(from: &Path, to: &Path) -> io::Result<Sum> {
    let mut source = File::open(from)?;
    let permissions = source.metadata()?.permissions();
    let mut target = File::options().write(true).create_new(true).open(to)?;
    let sum = pass(&mut source, Some(&mut target))?;
    fs::set_permissions(to, permissions)?;
    Ok(sum)
}

/// Reads a file to its end.
pub fn sum_of(path: &Path) -> io::Result<Sum> {
    pass(&mut File::open(path)?, None)
}

fn pass(from: &mut File, mut to: Option<&mut File>) -> io::Result<Sum> {
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = match from.read(&mut chunk) {
            Ok(0) => return Ok(Sum { bytes, sha256: hex::encode(digest.finalize()) }),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = chunk.get(..count).unwrap_or_default();
        digest.update(part);
        bytes += count as u64;
        if let Some(to) = to.as_deref_mut() {
            to.write_all(part)?;
        }
    }
}

/// What was met on the way through a folder.
pub enum Met<'a> {
    /// A plain file, by its path from the folder.
    File(&'a Path),
    /// A link, a socket or the like: none of ours.
    Other(&'a Path),
}

/// Goes through a folder that others write into. What is gone when it is looked at was never there.
pub fn walk(root: &Path, within: &Path, each: &mut dyn FnMut(Met<'_>) -> io::Result<()>) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(within)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = within.join(entry.file_name());
        let kind = match entry.file_type() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            kind => kind?,
        };
        if kind.is_dir() {
            walk(root, &path, each)?;
        } else if kind.is_file() {
            each(Met::File(&path))?;
        } else {
            each(Met::Other(&path))?;
        }
    }
    Ok(())
}

/// Brings a folder and all that is in it to disk: one call for the whole file system, as a sync of each of a million
/// files would take hours on a disk that spins.
#[cfg(target_os = "linux")]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = File::open(folder)?;
    rustix::fs::syncfs(&folder)?;
    // A write that failed earlier is told by the first sync of its file alone; the folder's own is asked besides.
    folder.sync_all()
}

/// Elsewhere each file is synced by itself.
#[cfg(not(target_os = "linux"))]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    walk(folder, Path::new(""), &mut |met| match met {
        Met::File(path) => File::open(folder.join(path))?.sync_all(),
        Met::Other(_) => Ok(()),
    })
}

/// Bytes that may still be written on the disk of a folder; `None` when the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// An error of a file, with its path.
pub fn of_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_permissions_of_its_source_and_its_sum_is_theirs() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, vec![7; CHUNK + 5]).unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o600)).unwrap();
        let sum = copy(&from, &to).unwrap();
        assert_eq!(sum.bytes, CHUNK as u64 + 5);
        assert_eq!(sum, sum_of(&to).unwrap());
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(copy(&from, &to).is_err(), "nothing is written over");
        fs::write(&from, "").unwrap();
        assert!(sum_of(&from).unwrap().sha256.starts_with("e3b0c442"), "the digest of nothing is well known");
    }

    #[test]
    fn a_walk_meets_every_file_once_and_tells_links_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/1"), "").unwrap();
        fs::write(folder.path().join("2"), "").unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("a/link")).unwrap();
        let (mut files, mut others) = (Vec::new(), Vec::new());
        walk(folder.path(), Path::new(""), &mut |met| {
            match met {
                Met::File(path) => files.push(path.display().to_string()),
                Met::Other(path) => others.push(path.display().to_string()),
            }
            Ok(())
        })
        .unwrap();
        files.sort();
        assert_eq!((files, others), (vec!["2".to_owned(), "a/b/1".to_owned()], vec!["a/link".to_owned()]));
        assert!(walk(&folder.path().join("gone"), Path::new(""), &mut |_| Ok(())).is_ok());
    }
}
