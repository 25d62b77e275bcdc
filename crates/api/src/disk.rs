//! Room on the disk of the data folder, for the figures and for readiness. No command is decided by it: a full disk is
//! found out by the write that fails.

use std::io;
use std::path::Path;

/// How large a disk is and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub size_bytes: u64,
    /// What this process may still write; less than what is unused where the system keeps a reserve.
    pub free_bytes: u64,
}

/// The disk that a folder is on. Blocks, for long where that disk is beyond a network.
///
/// # Errors
/// The folder is gone, or the system does not say.
pub(crate) fn room(dir: &Path) -> io::Result<Room> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(Room {
        size_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_a_disk_and_what_is_gone_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let room = room(folder.path()).unwrap();
        assert!(room.size_bytes > 0 && room.free_bytes <= room.size_bytes, "{room:?}");
        assert!(super::room(&folder.path().join("nowhere")).is_err());
    }
}
