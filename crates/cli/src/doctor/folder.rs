//! The data folder: whether it can be written, how much room is left, and how long the disk needs to make bytes safe.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Finding, size};
use crate::system::Mark;

const FOLDER: &str = "folder";
const DISK: &str = "disk";
/// Bytes of one write: what SQLite writes at least.
const BLOCK_BYTES: usize = 4_096;
const ROUNDS: usize = 9;
/// A slower disk bounds what a server can take.
const SYNC_MS_MAX: f64 = 20.0;
/// Less room is a warning, and a tenth of it is no room.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// Looks at the folder and at the disk that it is on.
pub(super) fn check(dir: &Path) -> Vec<Finding> {
    let shown = dir.display();
    let Some(there) = nearest_folder(dir) else {
        let way_out = "choose a folder with --data or `data.dir`";
        return vec![Finding::failed(
            FOLDER,
            format!("`{shown}` lies below something that is no folder"),
            way_out,
        )];
    };
    let sync_ms = match probe(&there) {
        Ok(sync_ms) => sync_ms,
        Err(error) => {
            let found = format!("`{}` cannot be written: {error}", there.display());
            let way_out = "give its user the right, or choose another folder with --data or `data.dir`";
            return vec![Finding::failed(FOLDER, found, way_out)];
        }
    };
    let folder = if there != dir {
        Finding::good(FOLDER, format!("`{shown}` is not there yet; the first start makes it"))
    } else if is_open_to_all(dir) {
        let found = format!("`{shown}` can be written by everybody on this machine");
        Finding::warning(FOLDER, found, format!("chmod o-w {shown}"))
    } else {
        Finding::good(FOLDER, format!("`{shown}` can be written"))
    };
    vec![folder, disk(&there, sync_ms)]
}

/// The folder itself, or the one that it would be made in.
fn nearest_folder(dir: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(dir).ok()?;
    let there = whole.ancestors().find(|folder| folder.exists())?;
    let is_whole = there == whole;
    there.is_dir().then(|| if is_whole { dir.to_owned() } else { there.to_owned() })
}

/// Writes to a file of its own, which is gone afterwards; the middle time that making a block safe took.
fn probe(folder: &Path) -> io::Result<f64> {
    let path = folder.join(format!(".reeve-doctor-{}", std::process::id()));
    let measured = syncs(&path);
    let removed = fs::remove_file(&path);
    let sync_ms = measured?;
    removed.map(|()| sync_ms)
}

fn syncs(path: &Path) -> io::Result<f64> {
    let mut file = File::create_new(path)?;
    let mut times = Vec::with_capacity(ROUNDS);
    for n in 0..ROUNDS {
        let mark = Mark::now();
        file.write_all(&[n as u8; BLOCK_BYTES])?;
        file.sync_data()?;
        times.push(mark.seconds() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(ROUNDS / 2).copied().unwrap_or_default())
}

fn is_open_to_all(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // With the sticky bit, as /tmp has it, nobody removes what is another's.
    let open = |mode: u32| mode & 0o002 != 0 && mode & 0o1000 == 0;
    fs::metadata(dir).is_ok_and(|folder| open(folder.permissions().mode()))
}

fn disk(folder: &Path, sync_ms: f64) -> Finding {
    let synced = format!("a sync takes {sync_ms:.2} ms");
    let room = match rustix::fs::statvfs(folder) {
        Ok(room) => room,
        Err(error) => {
            return Finding::warning(DISK, format!("{synced}; its room is not told: {error}"), "see df");
        }
    };
    let (free, whole) =
        (room.f_bavail.saturating_mul(room.f_frsize), room.f_blocks.saturating_mul(room.f_frsize));
    judged(free, whole, sync_ms, &synced)
}

fn judged(free: u64, whole: u64, sync_ms: f64, synced: &str) -> Finding {
    let found = format!("{} of {} free; {synced}", size(free), size(whole));
    if free < FREE_BYTES_MIN / 10 {
        Finding::failed(DISK, found, "make room: commits fail on a full disk")
    } else if free < FREE_BYTES_MIN {
        Finding::warning(DISK, found, "make room: commits fail on a full disk")
    } else if sync_ms > SYNC_MS_MAX {
        let way_out =
            "each commit waits for one sync: put the data on a faster disk, or expect fewer commits a second";
        Finding::warning(DISK, found, way_out)
    } else {
        Finding::good(DISK, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_folder_is_probed_and_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let found = check(folder.path());
        assert_eq!(found.first().map(|finding| finding.state), Some(State::Good), "{found:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let found = check(&folder.path().join("a/b"));
        assert!(
            found.first().is_some_and(|finding| finding.found.contains("first start makes it")),
            "{found:?}"
        );
        assert!(!folder.path().join("a").exists());
        fs::write(folder.path().join("file"), "").unwrap();
        let found = check(&folder.path().join("file/data"));
        assert_eq!(found.first().map(|finding| finding.state), Some(State::Bad), "{found:?}");
    }

    #[test]
    fn little_room_is_a_warning_and_none_is_bad() {
        let whole = 100 << 30;
        let state = |free: u64, sync_ms: f64| judged(free, whole, sync_ms, "").state;
        assert_eq!(state(50 << 30, 0.1), State::Good);
        assert_eq!(state(50 << 30, 50.0), State::Warning);
        assert_eq!(state(500 << 20, 0.1), State::Warning);
        assert_eq!(state(5 << 20, 0.1), State::Bad);
    }
}
