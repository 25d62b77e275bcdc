//! A SQLite file, looked at beside whoever has it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Inspection, Schema, newest_at, text};
use crate::open::OpenError;
use crate::settings::StoreSettings;
use crate::steps::{peek, standing};

/// Where the header says how the file is to be read, and what it says of one with a log (SQLite's documentation,
/// "Database File Format", 1.3.3).
const READ_VERSION_AT: u64 = 19;
const WITH_LOG: u8 = 2;

pub(super) async fn inspect(path: &Path, settings: &StoreSettings) -> Result<Option<Inspection>, OpenError> {
    let database = path.display().to_string();
    let lock = lock_of(path);
    let was_made = std::fs::metadata(&lock).is_ok_and(|lock| lock.len() > 0);
    let there = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    if !there {
        if was_made {
            let detail = "it is missing or empty, and was not before".to_owned();
            return Err(OpenError::Damaged { database, detail });
        }
        return Ok(None);
    }
    let standing = standing(settings).await.map_err(foreign)?;
    let (db, _) = peek(&settings.database).await.map_err(foreign)?;
    let version = text(&db, "SELECT sqlite_version()", &database).await;
    let (bytes, schema) = (standing.bytes, Schema::from(standing));
    let newest_at = newest_at(&db, &schema).await;
    // Nothing was written, so nothing is lost when it does not close cleanly.
    let _ = db.close().await;
    let has_log =
        has_log(path).map_err(|error| OpenError::CannotOpen { database, detail: error.to_string() })?;
    let mode = if has_log { "wal" } else { "rollback" };
    // A server sets it when it makes the file; another mode means that somebody changed it since.
    let other_mode = || "the journal mode is not `wal`; the next start of a server sets it".to_owned();
    Ok(Some(Inspection {
        program: format!("SQLite {}", version?),
        bytes,
        schema,
        holder: holder(&lock),
        settings: vec![("journal mode", mode.to_owned())],
        unsafe_settings: if has_log { Vec::new() } else { vec![other_mode()] },
        clock: None,
        newest_at,
    }))
}

fn has_log(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut version = [0];
    file.seek(SeekFrom::Start(READ_VERSION_AT))?;
    file.read_exact(&mut version)?;
    Ok(version == [WITH_LOG])
}

/// A file that is none of SQLite's is told as such.
fn foreign(error: OpenError) -> OpenError {
    match error {
        OpenError::CannotOpen { database, detail } if is_no_database(&detail) => {
            OpenError::NotADatabase { database, detail }
        }
        other => other,
    }
}

/// SQLite says so in these words, whatever the call.
fn is_no_database(detail: &str) -> bool {
    detail.contains("file is not a database") || detail.contains("malformed")
}

fn lock_of(path: &Path) -> PathBuf {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    PathBuf::from(lock)
}

/// Who holds the lock beside the file.
fn holder(lock: &Path) -> Option<String> {
    let file = File::open(lock).ok()?;
    // Asking the system first: a lock that is tried for a moment could be the moment in which a server starts.
    if let Some(pid) = pid_of(&file) {
        return Some(named(pid));
    }
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some("another process".to_owned()),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// The process that the system's table of locks names for the file; `None` where there is no such table.
fn pid_of(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let inode = file.metadata().ok()?.ino().to_string();
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    table.lines().find_map(|line| holder_in(line, &inode))
}

/// A line is `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`: kind, process, and the file as device and inode.
fn holder_in(line: &str, inode: &str) -> Option<u32> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, "WRITE", pid, file, ..] = words.as_slice() else { return None };
    let found = file.rsplit(':').next()?;
    if found == inode { pid.parse().ok().filter(|pid| *pid != 0) } else { None }
}

fn named(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("process {pid} (`{name}`)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_read_from_the_systems_table() {
        let line = "7: FLOCK  ADVISORY  WRITE 4711 fe:01:1234567 0 EOF";
        assert_eq!(holder_in(line, "1234567"), Some(4_711));
        assert_eq!(holder_in(line, "234567"), None);
        assert_eq!(holder_in("7: -> FLOCK  ADVISORY  WRITE 4711 fe:01:1234567 0 EOF", "1234567"), None);
        assert_eq!(holder_in("1: POSIX  ADVISORY  WRITE 5 fe:01:9 0 EOF", "9"), None);
        assert_eq!(holder_in("", "9"), None);
    }

    #[test]
    fn a_lock_is_seen_while_it_is_held_and_no_longer() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock_of(&folder.path().join("a.db"));
        assert_eq!(holder(&lock), None);
        let file = File::create(&lock).unwrap();
        assert_eq!(holder(&lock), None);
        file.try_lock().unwrap();
        let by = holder(&lock).unwrap();
        assert!(by.contains(&std::process::id().to_string()) || by == "another process", "{by}");
        file.unlock().unwrap();
        assert_eq!(holder(&lock), None);
    }

    #[tokio::test]
    async fn what_is_no_database_is_told_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let settings = StoreSettings::sqlite(&path);
        assert_eq!(inspect(&path, &settings).await, Ok(None));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        let text = "this is a text that is as long as a header of a database, and then some more";
        std::fs::write(&path, text.repeat(9)).unwrap();
        let refused = inspect(&path, &settings).await;
        assert!(matches!(refused, Err(OpenError::NotADatabase { .. })), "{refused:?}");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(lock_of(&path), "made").unwrap();
        assert!(matches!(inspect(&path, &settings).await, Err(OpenError::Damaged { .. })));
    }
}
