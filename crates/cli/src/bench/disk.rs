//! How long the disk needs to make 4 KiB safe: what no commit can be faster than.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;

use super::clock::Mark;
use super::error::BenchError;
use super::figures::{Latencies, Spread};

/// Bytes of one write.
const BLOCK_BYTES: usize = 4_096;
const ROUNDS: u32 = 200;

/// Times of a write and its `fdatasync`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct DiskFigures {
    /// Over bytes that are there: only data goes to the disk.
    pub(super) overwrite_sync_ms: Spread,
    /// At the end of a growing file: its length goes there, too.
    pub(super) append_sync_ms: Spread,
}

/// Measures the disk below a folder with a file of its own, which is gone afterwards.
pub(super) fn measure(folder: &Path) -> Result<DiskFigures, BenchError> {
    let path = folder.join("sync-probe");
    let measured = probe(&path);
    // Nothing depends on it: it lies in a folder that is removed or that its owner looks into.
    let _ = std::fs::remove_file(&path);
    measured
}

fn probe(path: &Path) -> Result<DiskFigures, BenchError> {
    let failed = |source| BenchError::File { file: path.to_owned(), source };
    let mut file = File::create(path).map_err(failed)?;
    let append_sync_ms = rounds(&mut file, |_| Ok(())).map_err(failed)?;
    let overwrite_sync_ms = rounds(&mut file, |file| file.seek(SeekFrom::Start(0)).map(drop)).map_err(failed);
    Ok(DiskFigures { overwrite_sync_ms: overwrite_sync_ms?, append_sync_ms })
}

fn rounds(file: &mut File, place: impl Fn(&mut File) -> std::io::Result<()>) -> std::io::Result<Spread> {
    let latencies = Latencies::new().map_err(std::io::Error::other)?;
    for n in 0..ROUNDS {
        place(file)?;
        let start = Mark::now();
        file.write_all(&[n as u8; BLOCK_BYTES])?;
        file.sync_data()?;
        latencies.note(start.elapsed_us(), 1);
    }
    Ok(latencies.spread())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_measures_and_leaves_nothing() {
        let folder = tempfile::tempdir_in(".").unwrap();
        let figures = measure(folder.path()).unwrap();
        assert!(figures.overwrite_sync_ms.p50.unwrap() > 0.0 && figures.append_sync_ms.p99.unwrap() > 0.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("absent")).is_err());
    }
}
