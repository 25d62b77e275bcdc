//! How long the disk needs to make 4 KiB safe: what no commit can be faster than.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::clock::Mark;
use super::error::BenchError;
use super::figures::{Latencies, Spread};

/// Bytes of one write.
const BLOCK_BYTES: usize = 4_096;
const ROUNDS: u32 = 200;
/// The same with pauses, which take time.
const ROUNDS_APART: u32 = 40;
/// Longest pause: a disk and a processor that rest longer wake up no slower.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Times of a write and its `fdatasync`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct DiskFigures {
    /// Over bytes that are there: only data goes to the disk.
    pub(super) overwrite_sync_ms: Spread,
    /// At the end of a growing file: its length goes there, too.
    pub(super) append_sync_ms: Spread,
    /// The first one as far apart as the jobs of a given rate come: what rests in between has to wake up.
    pub(super) apart_sync_ms: Spread,
}

/// Measures the disk below a folder with a file of its own, which is gone afterwards; for jobs at a given rate also as
/// far apart as they come.
pub(super) fn measure(folder: &Path, jobs_per_second: Option<f64>) -> Result<DiskFigures, BenchError> {
    let path = folder.join("sync-probe");
    let measured =
        probe(&path, jobs_per_second).map_err(|source| BenchError::File { file: path.clone(), source });
    // Nothing depends on it: it lies in a folder that is removed or that its owner looks into.
    let _ = std::fs::remove_file(&path);
    measured
}

fn probe(path: &Path, jobs_per_second: Option<f64>) -> io::Result<DiskFigures> {
    let mut file = File::create(path)?;
    let append_sync_ms = rounds(ROUNDS, || sync(&mut file))?;
    let mut overwrite = || {
        file.seek(SeekFrom::Start(0))?;
        sync(&mut file)
    };
    let overwrite_sync_ms = rounds(ROUNDS, &mut overwrite)?;
    let mut apart_sync_ms = Spread::default();
    if let Some(rate) = jobs_per_second {
        let pause = Duration::try_from_secs_f64(1.0 / rate).map_or(PAUSE_MAX, |pause| pause.min(PAUSE_MAX));
        apart_sync_ms = rounds(ROUNDS_APART, || {
            rest(pause);
            overwrite()
        })?;
    }
    Ok(DiskFigures { overwrite_sync_ms, append_sync_ms, apart_sync_ms })
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing else goes on before the load, and no actor lives here"
)]
fn rest(pause: Duration) {
    std::thread::sleep(pause);
}

fn rounds(count: u32, mut write: impl FnMut() -> io::Result<u64>) -> io::Result<Spread> {
    let latencies = Latencies::new().map_err(io::Error::other)?;
    for _ in 0..count {
        latencies.note(write()?, 1);
    }
    Ok(latencies.spread())
}

/// Writes a block where the file stands; microseconds until it is on the disk.
fn sync(file: &mut File) -> io::Result<u64> {
    let start = Mark::now();
    file.write_all(&[0xA5; BLOCK_BYTES])?;
    file.sync_data()?;
    Ok(start.elapsed_us())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_measures_and_leaves_nothing() {
        let folder = tempfile::tempdir_in(".").unwrap();
        let figures = measure(folder.path(), None).unwrap();
        assert!(figures.overwrite_sync_ms.p50.unwrap() > 0.0 && figures.append_sync_ms.p99.unwrap() > 0.0);
        assert!(figures.apart_sync_ms.p50.is_none());
        assert!(measure(folder.path(), Some(1_000.0)).unwrap().apart_sync_ms.p50.unwrap() > 0.0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("absent"), None).is_err());
    }
}
