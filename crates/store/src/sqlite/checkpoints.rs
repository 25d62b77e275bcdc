//! Checkpoints beside the writer: most of the log is in the file already when the writer must begin it anew.
//!
//! Used by the journal's usual way to commit. A commit that finds the log full copies all of it into the file and
//! syncs that, which with a full log takes as long as dozens of commits, and everybody waits. Here another connection
//! does it in good time; SQLite lets it read the log while the writer goes on. What the log has grown by meanwhile is
//! left to the writer, which alone may begin it anew. A checkpoint that fails or never comes costs that time, and
//! nothing else: what is in the log stays there until it is in the file.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::sqlx::{self, Connection as _, Executor as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{WAL_PAGES_MAX, options_to_write};
use crate::task;

/// Pages in the log, and not in the file, that are worth a checkpoint: pages that are written again and again are copied
/// once for all the times before.
const PAGES: u32 = WAL_PAGES_MAX / 4 * 3;
/// The last one before the writer's own comes when the log is that long.
const PAGES_LATE: u32 = WAL_PAGES_MAX / 16 * 15;
/// Fewer than these are the writer's: they cost it less than a commit.
const PAGES_FEW: u32 = WAL_PAGES_MAX / 32;

/// Where the index of the log says how many pages the log has, and how many of them are in the file: four bytes each, in
/// the order of the machine (SQLite's documentation, "WAL-mode File Format", 2.1 and 2.2).
const OFFSET_PAGES: u64 = 16;
const OFFSET_COPIED: u64 = 96;

/// The other connection, and what tells when it is due.
pub(crate) struct Checkpoints {
    index: File,
    wanted: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    /// Opens the file once more. The writer has opened it before, or there is no log.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) async fn start(path: &Path) -> Result<Self, sqlx::Error> {
        let conn = SqliteConnection::connect_with(&options_to_write(path)).await?;
        let mut index = path.as_os_str().to_owned();
        index.push("-shm");
        let index = File::open(index)?;
        // One waits at most: a second one would find nothing to do.
        let (wanted, asked) = mpsc::channel(1);
        Ok(Self { index, wanted, task: task::spawn(run(conn, asked)) })
    }

    /// After a commit: whether it is time.
    pub(crate) fn look(&self) {
        if self.is_due() {
            // Full: one is under way or about to be.
            let _ = self.wanted.try_send(());
        }
    }

    fn is_due(&self) -> bool {
        let (Some(pages), Some(copied)) = (self.number(OFFSET_PAGES), self.number(OFFSET_COPIED)) else {
            return false;
        };
        let wanted = if pages < PAGES_LATE { PAGES } else { PAGES_FEW };
        pages.saturating_sub(copied) >= wanted
    }

    fn number(&self, offset: u64) -> Option<u32> {
        let mut bytes = [0; 4];
        self.index.read_exact_at(&mut bytes, offset).ok()?;
        Some(u32::from_ne_bytes(bytes))
    }

    /// Lets go of the file, after the checkpoint that is under way.
    pub(crate) async fn close(self) {
        drop(self.wanted);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the task that makes checkpoints did not end in order");
        }
    }
}

async fn run(mut conn: SqliteConnection, mut asked: mpsc::Receiver<()>) {
    while asked.recv().await.is_some() {
        // Passive: waits for nobody and keeps nobody waiting.
        if let Err(error) = conn.execute("PRAGMA wal_checkpoint(PASSIVE)").await {
            tracing::warn!(%error, "a checkpoint failed; the log keeps what is not in the file");
        }
    }
    if let Err(error) = conn.close().await {
        tracing::warn!(%error, "the connection that makes checkpoints did not close cleanly");
    }
}
