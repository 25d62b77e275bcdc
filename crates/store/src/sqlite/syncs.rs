//! Syncs beside the writer: while a batch goes onto the disk, the next one is written.
//!
//! Used by the journal's usual way to commit, whose connection lets COMMIT return once the log has the batch and does
//! not sync it (`synchronous = NORMAL`). A thread of its own then syncs the log, and only after that is anybody told.
//! That is the promise of `synchronous = FULL`, without a writer that waits for the disk; a log that is cut anywhere
//! opens to a prefix of the commits, so that a batch is never on disk without those before it. SQLite still syncs by
//! itself where its file depends on it: before a checkpoint reads the log, and when the log begins anew.
//! Guarantees: batches are told of in the order of their commits, each exactly once; after a sync that failed, no batch
//! is called durable any more. Until a batch is synced its rows can be read: [`Progress::settled`] is for readers.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reeve_faults::{self as faults, Point};
use tokio::sync::{mpsc, oneshot, watch};

use crate::task;

/// Batches that may wait for a sync: one sync does for all of them, and a disk that hangs soon stops the writer.
const WAITING_MAX: usize = 2;

/// Hears whether its batch is durable; else what the disk said.
pub(crate) type Told = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// How far the log is on the disk, in commits counted since it was opened.
pub(crate) struct Progress {
    /// Commits that readers may see.
    begun: AtomicU64,
    synced: watch::Sender<u64>,
}

impl Progress {
    /// Returns once everything that could be read before this call is on the disk. False when it will never be.
    pub(crate) async fn settled(&self) -> bool {
        let begun = self.begun.load(Ordering::Acquire);
        self.synced
            .subscribe()
            .wait_for(|synced| *synced >= begun)
            .await
            .is_ok_and(|synced| *synced != BROKEN)
    }
}

/// Stands for a count after a failed sync.
const BROKEN: u64 = u64::MAX;

/// The thread that syncs, and what waits for it.
pub(crate) struct Syncs {
    waiting: mpsc::Sender<(u64, Told)>,
    progress: Arc<Progress>,
    ended: oneshot::Receiver<()>,
}

impl Syncs {
    /// Starts the thread for the log beside this database, which must be open already.
    ///
    /// # Errors
    /// When there is no log.
    pub(crate) fn start(path: &Path) -> io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = File::open(log)?;
        let (waiting, batches) = mpsc::channel(WAITING_MAX);
        let progress = Arc::new(Progress { begun: AtomicU64::new(0), synced: watch::Sender::new(0) });
        let seen = progress.clone();
        let ended = task::spawn_thread("syncs", move || run(&log, batches, &seen))?;
        Ok(Self { waiting, progress, ended })
    }

    /// For readers.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Before a COMMIT: from now on readers may see it.
    pub(crate) fn begin(&self) {
        self.progress.begun.fetch_add(1, Ordering::AcqRel);
    }

    /// After a COMMIT, whatever came of it: who is to be told once it is on the disk.
    pub(crate) async fn ask(&self, told: Told) {
        let number = self.progress.begun.load(Ordering::Acquire);
        if let Err(mpsc::error::SendError((_, told))) = self.waiting.send((number, told)).await {
            told(Err("the thread that syncs is gone"));
        }
    }

    /// Waits until everything that was asked for has been told of.
    pub(crate) async fn drain(&self) {
        self.progress.settled().await;
    }

    /// Ends the thread, after the syncs that wait.
    pub(crate) async fn close(self) {
        drop(self.waiting);
        // It says nothing at its end.
        let _ = self.ended.await;
    }
}

/// Nobody is to wait for a thread that panicked.
struct Watch<'p>(&'p Progress);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.synced.send_replace(BROKEN);
        }
    }
}

fn run(log: &File, mut batches: mpsc::Receiver<(u64, Told)>, progress: &Progress) {
    let _watch = Watch(progress);
    let mut broken: Option<String> = None;
    while let Some((mut last, told)) = batches.blocking_recv() {
        let mut all = vec![told];
        while let Ok((number, told)) = batches.try_recv() {
            last = number;
            all.push(told);
        }
        if broken.is_none() {
            broken = sync(log).err().map(|error| error.to_string());
        }
        let result = broken.as_deref().map_or(Ok(()), Err);
        all.into_iter().for_each(|told| told(result));
        // Last: whoever waits for a drain is to find everybody told.
        progress.synced.send_replace(if broken.is_some() { BROKEN } else { last });
    }
}

fn sync(log: &File) -> io::Result<()> {
    faults::pass(Point::JournalBeforeSync);
    if faults::fails(Point::JournalBeforeSync) {
        return Err(io::Error::other("a fault of a test in the sync"));
    }
    log.sync_data()?;
    faults::pass(Point::JournalAfterCommit);
    if faults::fails(Point::JournalAfterCommit) {
        return Err(io::Error::other("a fault of a test after the commit"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn log(folder: &tempfile::TempDir) -> std::path::PathBuf {
        let path = folder.path().join("s.db");
        std::fs::write(folder.path().join("s.db-wal"), b"frames").unwrap();
        path
    }

    #[tokio::test]
    async fn batches_are_told_of_in_order_and_a_reader_waits_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let syncs = Syncs::start(&log(&folder)).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        assert!(syncs.progress().settled().await, "nothing was committed yet");
        for n in 0..20 {
            syncs.begin();
            let told = told.clone();
            syncs.ask(Box::new(move |result| told.lock().unwrap().push((n, result.is_ok())))).await;
        }
        assert!(syncs.progress().settled().await);
        let wanted: Vec<(i32, bool)> = (0..20).map(|n| (n, true)).collect();
        assert_eq!(*told.lock().unwrap(), wanted);
        syncs.close().await;
    }

    #[tokio::test]
    async fn what_is_committed_and_not_asked_for_yet_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let syncs = Syncs::start(&log(&folder)).unwrap();
        syncs.begin();
        let progress = syncs.progress();
        let mut waiting = Box::pin(progress.settled());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        syncs.ask(Box::new(|_| {})).await;
        assert!(waiting.await);
        syncs.close().await;
    }

    #[tokio::test]
    async fn without_a_log_there_is_nothing_to_sync() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Syncs::start(&folder.path().join("none.db")).is_err());
    }
}
