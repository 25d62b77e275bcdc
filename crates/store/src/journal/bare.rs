//! The writer without anything around it: the ceiling that `examples/bare.rs` measures.
//!
//! Called by that example only. It commits what the journal's writer commits for the same change sets, by the same code,
//! ahead of the tables or into them; a change of the tables changes both. What is missing is everything around it: a
//! queue, conflicts and what is done about them, retries, readers. A test compares what the two leave in the file.

use std::path::Path;

use reeve_journal::{ChangeSet, Room, Written};
use sea_orm::DbErr;
use tokio::sync::oneshot;

use super::handle::{Entry, lock};
use super::hot::{Call, Hot, Went};
use super::lane::Lane;
use super::written::Counters;
use crate::settings::AHEAD_CHANGES_MIN;

/// One connection to a SQLite file, set up as the writer's is.
pub struct Bare {
    hot: Hot,
    lane: Lane,
    written: Counters,
}

impl Bare {
    /// Opens a file that has its tables, that was opened once, and that no journal has open.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, DbErr> {
        let hot = Hot::open(path, AHEAD_CHANGES_MIN).await?;
        Ok(Self { hot, lane: Lane { epoch: 1, seq: 0 }, written: Counters::default() })
    }

    /// Commits change sets in one transaction; those of one workspace must follow each other.
    ///
    /// # Errors
    /// When the database refuses, or the change sets are not usual ones.
    pub async fn commit(&mut self, changes: Vec<ChangeSet>) -> Result<(), DbErr> {
        let entry = |change| Entry::new(change, (oneshot::channel().0, Room::unbounded()), true);
        let entries: Vec<Entry> = changes.into_iter().map(entry).collect();
        let went = self.hot.run(&entries, Call { lane: self.lane, written: &self.written }).await;
        self.durable(went).await
    }

    async fn durable(&mut self, went: Went) -> Result<(), DbErr> {
        let wrong = |what: &str| Err(DbErr::Custom(format!("a batch was not written: {what}")));
        match went {
            Went::Committed => {}
            Went::CommitFailed(failure) | Went::Stopped(failure) => return wrong(failure.detail()),
            Went::Elsewhere => return wrong("it is not a usual one"),
        }
        let (told, hears) = oneshot::channel();
        let told = move |result: Result<(), &str>| {
            let _ = told.send(result.is_ok());
        };
        self.hot.told_when_synced(Box::new(told)).await;
        if hears.await != Ok(true) {
            return wrong("it was not synced");
        }
        self.lane.seq += 1;
        self.written.commit();
        Ok(())
    }

    /// What it sent so far.
    pub fn written(&self) -> Written {
        self.written.read()
    }

    /// Brings in what is ahead of the tables and lets go of the file.
    ///
    /// # Errors
    /// When that fails, or the database cannot be closed.
    pub async fn close(mut self) -> Result<(), DbErr> {
        while !lock(&self.hot.ahead()).is_empty() {
            let went = self.hot.catch_up(&[], Call { lane: self.lane, written: &self.written }).await;
            self.durable(went).await?;
        }
        self.hot.close().await
    }
}
