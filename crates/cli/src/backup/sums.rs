//! The digests of a backup's files, one a line, as `sha256sum` writes them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Component, Path};

use sha2::{Digest as _, Sha256};

use super::SUMS;
use super::files::Sum;
use crate::exit::Failure;

/// Writes the lines.
pub struct SumsWriter {
    out: BufWriter<File>,
    digest: Sha256,
    count: u64,
    bytes: u64,
}

/// What all lines together are.
pub struct Totals {
    pub count: u64,
    /// Of the files.
    pub bytes: u64,
    /// Of the lines.
    pub sha256: String,
}

fn failed(error: std::io::Error) -> Failure {
    Failure::environment(&format!("cannot write {SUMS}"), error)
}

impl SumsWriter {
    /// In a folder that has none.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(folder: &Path) -> Result<Self, Failure> {
        let file = File::options().write(true).create_new(true).open(folder.join(SUMS)).map_err(failed)?;
        Ok(Self { out: BufWriter::new(file), digest: Sha256::new(), count: 0, bytes: 0 })
    }

    /// One more file, by its path in the backup.
    ///
    /// # Errors
    /// The line cannot be written.
    pub fn add(&mut self, path: &str, sum: &Sum) -> std::io::Result<()> {
        let line = format!("{}  {path}\n", sum.sha256);
        self.digest.update(line.as_bytes());
        self.count += 1;
        self.bytes += sum.bytes;
        self.out.write_all(line.as_bytes())
    }

    /// The end of it.
    ///
    /// # Errors
    /// What was not written yet cannot be.
    pub fn finish(mut self) -> Result<Totals, Failure> {
        self.out.flush().map_err(failed)?;
        Ok(Totals { count: self.count, bytes: self.bytes, sha256: hex::encode(self.digest.finalize()) })
    }
}

/// Whether a path can stand in a line, and leads to a file inside the folder.
pub fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(|c: char| c.is_control() || c == '\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Calls `each` with the digest and the path of every line.
///
/// # Errors
/// The file cannot be read, a line is none of ours, or what `each` says.
pub fn read(backup: &Path, each: &mut dyn FnMut(&str, &str) -> Result<(), Failure>) -> Result<(), Failure> {
    let file = File::open(backup.join(SUMS));
    let file = file.map_err(|error| Failure::environment(&format!("cannot read {SUMS}"), error))?;
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| Failure::environment(&format!("cannot read {SUMS}"), error))?;
        match line.split_once("  ").filter(|(digest, path)| digest.len() == 64 && is_plain(path)) {
            Some((digest, path)) => each(digest, path)?,
            None => return Err(Failure::no(format!("{SUMS}: line {} is none of a backup", n + 1))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut sums = SumsWriter::create(folder.path()).unwrap();
        let sum = |bytes| Sum { bytes, sha256: "ab".repeat(32) };
        sums.add("data/a b", &sum(3)).unwrap();
        sums.add("x", &sum(4)).unwrap();
        let totals = sums.finish().unwrap();
        assert_eq!((totals.count, totals.bytes), (2, 7));
        assert_eq!(totals.sha256, super::super::files::sum_of(&folder.path().join(SUMS)).unwrap().sha256);
        let mut seen = Vec::new();
        read(folder.path(), &mut |_, path| {
            seen.push(path.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, ["data/a b", "x"]);
    }

    #[test]
    fn a_path_that_leads_out_of_the_backup_is_refused() {
        for path in ["../x", "/etc/passwd", "a/../../x", "", "a\\b", "a\nb", "./a/.."] {
            assert!(!is_plain(path), "{path:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(SUMS), format!("{}  ../../etc/passwd\n", "ab".repeat(32))).unwrap();
        let error = read(folder.path(), &mut |_, _| Ok(())).unwrap_err();
        assert!(matches!(error, Failure::No(_)), "{error}");
    }
}
