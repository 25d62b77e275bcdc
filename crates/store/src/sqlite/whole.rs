//! Whether SQLite's file is all there, looked at before SQLite opens it.
//!
//! Used by `sqlite` alone. SQLite takes an empty file for a new database and throws its log away; it misses a page that
//! was cut off only once somebody asks for it, which may be weeks later. Both are told here at once, from the sizes in
//! the header and in the log; what is written on the pages is for `reeve verify`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const HEADER_BYTES: usize = 100;
const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Looks at the file; `was_made` tells that there was one.
///
/// # Errors
/// What is wrong, for people.
pub(super) fn check(path: &Path, was_made: bool) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
    let log = Log::read(&log_of(path)).map_err(unreadable)?;
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return new(was_made, &log, "is missing"),
        Err(error) => return Err(unreadable(error)),
    };
    let len = file.metadata().map_err(unreadable)?.len();
    if len == 0 {
        return new(was_made, &log, "is empty");
    }
    let mut header = [0; HEADER_BYTES];
    match file.read_exact(&mut header) {
        Ok(()) => {}
        // Too short for a database: SQLite says so.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    }
    match Header::of(&header) {
        Some(header) => is_all_there(&header, len, &log),
        // SQLite would read what is in the log, come upon the rest later, and fold the log into whatever this is.
        None if log.pages > 0 => Err("it is another file than the one its log belongs to".to_owned()),
        // Another file: SQLite says so too.
        None => Ok(()),
    }
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// There is no database: good when there never was one.
fn new(was_made: bool, log: &Log, how: &str) -> Result<(), String> {
    if was_made || log.pages > 0 { Err(format!("it {how}, and was not before")) } else { Ok(()) }
}

/// Every page is in the file or in the log.
fn is_all_there(header: &Header, len: u64, log: &Log) -> Result<(), String> {
    let wanted = if log.pages > 0 { log.pages } else { header.pages };
    let there = len / header.page_bytes;
    match (there + 1..=wanted).find(|page| !log.written.contains(page)) {
        None => Ok(()),
        Some(page) => Err(format!("it is cut: page {page} of {wanted} is missing")),
    }
}

/// What the file says of itself.
struct Header {
    page_bytes: u64,
    pages: u64,
}

impl Header {
    fn of(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        if !bytes.starts_with(b"SQLite format 3\0") {
            return None;
        }
        let [high, low] = *bytes.get(16..18)?.first_chunk()?;
        let page_bytes = match u16::from_be_bytes([high, low]) {
            1 => 65_536,
            bytes => u64::from(bytes),
        };
        // The count is good only if whoever wrote the file last knew of it.
        let is_known = word(bytes, 24) == word(bytes, 92);
        (page_bytes >= 512).then(|| Self { page_bytes, pages: if is_known { word(bytes, 28) } else { 0 } })
    }
}

/// What a log adds to the file.
#[derive(Default)]
struct Log {
    /// Pages of the database after the last commit in it; 0 without one.
    pages: u64,
    /// Pages that it has.
    written: HashSet<u64>,
}

impl Log {
    /// Reads the heads of its frames. A frame whose sums are wrong is taken for good here: that only makes this check
    /// milder, and SQLite ends its own reading there.
    fn read(path: &Path) -> std::io::Result<Self> {
        let mut log = Self::default();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(log),
            Err(error) => return Err(error),
        };
        let mut file = BufReader::with_capacity(FRAME_HEADER_BYTES, file);
        let mut header = [0; LOG_HEADER_BYTES];
        if !filled(&mut file, &mut header)? {
            return Ok(log);
        }
        let (page_bytes, salts) = (word(&header, 8), header.get(16..24).map(<[u8]>::to_vec));
        let mut frame = [0; FRAME_HEADER_BYTES];
        while filled(&mut file, &mut frame)? && frame.get(8..16) == salts.as_deref() {
            log.written.insert(word(&frame, 0));
            // The size of the database after a commit, or zero within one.
            match word(&frame, 4) {
                0 => {}
                pages => log.pages = pages,
            }
            file.seek(SeekFrom::Current(i64::try_from(page_bytes).unwrap_or(i64::MAX)))?;
        }
        Ok(log)
    }
}

/// False at the end of the file.
fn filled(file: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// A number of four bytes, the highest first; 0 beyond the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    four.map_or(0, |four| u64::from(u32::from_be_bytes(*four)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 512;

    /// A file that claims `claimed` pages and has `there`.
    fn file(folder: &Path, claimed: u32, there: usize) -> PathBuf {
        let mut bytes = vec![0; PAGE * there];
        bytes[..16].copy_from_slice(b"SQLite format 3\0");
        bytes[16..18].copy_from_slice(&512_u16.to_be_bytes());
        bytes[28..32].copy_from_slice(&claimed.to_be_bytes());
        let path = folder.join("a.db");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A log with these frames: page, and size after a commit.
    fn log(path: &Path, frames: &[(u32, u32)]) {
        let mut bytes = vec![0; LOG_HEADER_BYTES];
        bytes[8..12].copy_from_slice(&512_u32.to_be_bytes());
        bytes[16..24].copy_from_slice(b"saltsalt");
        for (page, size) in frames {
            bytes.extend(page.to_be_bytes().iter().chain(&size.to_be_bytes()));
            bytes.extend(b"saltsalt");
            bytes.extend([0; 8 + PAGE]);
        }
        std::fs::write(log_of(path), bytes).unwrap();
    }

    #[test]
    fn a_missing_page_is_told_unless_the_log_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), 4, 4);
        assert_eq!(check(&path, true), Ok(()));
        let path = file(folder.path(), 4, 3);
        assert_eq!(check(&path, true), Err("it is cut: page 4 of 4 is missing".to_owned()));
        log(&path, &[(1, 0), (4, 5), (5, 5)]);
        assert_eq!(check(&path, true), Ok(()));
        log(&path, &[(1, 0), (5, 5)]);
        assert_eq!(check(&path, true), Err("it is cut: page 4 of 5 is missing".to_owned()));
    }

    #[test]
    fn nothing_is_new_only_where_nothing_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        assert_eq!(check(&path, false), Ok(()));
        assert_eq!(check(&path, true), Err("it is missing, and was not before".to_owned()));
        std::fs::write(&path, "").unwrap();
        assert_eq!(check(&path, false), Ok(()));
        assert_eq!(check(&path, true), Err("it is empty, and was not before".to_owned()));
        log(&path, &[(1, 1)]);
        assert!(check(&path, false).is_err(), "the log of a database is not of an empty one");
    }
}
