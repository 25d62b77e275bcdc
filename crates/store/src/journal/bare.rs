//! The writer without anything around it: the ceiling that `examples/bare.rs` measures.
//!
//! Called by that example only. It commits what the journal's writer commits for the same change sets, by the same code,
//! ahead of the tables or into them; a change of the tables changes both. What is missing is everything around it: a
//! queue, conflicts and what is done about them, retries, readers. A test compares what the two leave in the file.

use std::path::Path;

use reeve_journal::{ChangeSet, Room, Written};
use sea_orm::DbErr;
use tokio::sync::oneshot;

use super::ahead::Behind;
use super::hot::{Call, Hot, Went};
use super::lane::Lane;
use super::work::Entry;
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
        self.committed(went)?;
        let (told, hears) = oneshot::channel();
        let told = move |result: Result<(), &str>| {
            let _ = told.send(result.is_ok());
        };
        self.hot.told_when_synced(Box::new(told)).await;
        self.catch_up(Behind::Due).await?;
        if hears.await == Ok(true) { Ok(()) } else { wrong("it was not synced") }
    }

    /// Brings a part in; false when there was none.
    async fn catch_up(&mut self, what: Behind<'_>) -> Result<bool, DbErr> {
        match self.hot.catch_up(what, Call { lane: self.lane, written: &self.written }).await {
            Some(went) => self.committed(went).map(|()| true),
            None => Ok(false),
        }
    }

    fn committed(&mut self, went: Went) -> Result<(), DbErr> {
        match went {
            Went::Committed => {
                self.lane.seq += 1;
                self.written.commit();
                Ok(())
            }
            Went::CommitFailed(failure) | Went::Stopped(failure) => wrong(failure.detail()),
            Went::Elsewhere => wrong("it is not a usual one"),
        }
    }

    /// What it sent so far.
    pub fn written(&self) -> Written {
        self.written.read()
    }

    /// Brings in what is ahead of the tables and lets go of the file.
    ///
    /// # Errors
    /// When that fails.
    pub async fn close(mut self) -> Result<(), DbErr> {
        while self.catch_up(Behind::Oldest).await? {}
        self.hot.close().await;
        Ok(())
    }
}

fn wrong(what: &str) -> Result<(), DbErr> {
    Err(DbErr::Custom(format!("a batch was not written: {what}")))
}
