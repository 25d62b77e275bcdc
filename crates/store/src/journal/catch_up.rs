//! The writer's part in what is ahead of the tables: which batches may be, and bringing it in while nobody commits.
//!
//! Called by `driver` and `writer`. Guarantee: what is ahead comes in with a transaction that is numbered and synced as
//! those of batches are; when it does not fit, the journal stops, because its callers have long heard that it is durable.

use std::collections::HashSet;

use reeve_types::WorkspaceId;

use super::ahead::Behind;
use super::handle::lock;
use super::hot::{Call, Went};
use super::transaction::{Losers, Stop};
use super::work::Entry;
use super::writer::{Tried, Writer};
use crate::open::Fatal;

/// What became of bringing in a part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CaughtUp {
    Some,
    /// Nothing had to come in.
    Nothing,
    /// It has to wait.
    Stuck,
}

impl Writer {
    /// A batch as the parts that go by themselves, the first one last: a few change sets that take the general way are
    /// not to take all others with them. Those of one workspace stay together.
    pub(super) fn parted(&self, entries: Vec<Entry>) -> Vec<Vec<Entry>> {
        let Some(hot) = &self.hot else { return vec![entries] };
        let unfit: HashSet<WorkspaceId> = entries
            .iter()
            .filter(|entry| entry.piece().is_none())
            .map(|entry| entry.workspace().clone())
            .collect();
        let is_unfit = |entry: &Entry| unfit.contains(entry.workspace());
        let fit = entries.iter().filter(|entry| !is_unfit(entry)).count();
        if unfit.is_empty() || !hot.is_many(fit) {
            return vec![entries];
        }
        let (rest, fit) = entries.into_iter().partition(is_unfit);
        vec![rest, fit]
    }

    /// Whether something is ahead of the tables.
    pub(super) fn is_ahead(&self) -> bool {
        self.hot.as_ref().is_some_and(|hot| !lock(&hot.ahead()).is_empty())
    }

    /// Whether somebody waits for what is ahead.
    pub(super) fn is_awaited(&self) -> bool {
        self.hot.as_ref().is_some_and(|hot| lock(&hot.ahead()).is_awaited())
    }

    /// Brings a part of what is ahead into the tables; false if there is none. Nobody waits for its sync: it is durable.
    pub(super) async fn catch_up(&mut self, what: Behind<'_>) -> Result<bool, Tried> {
        let Some(hot) = &mut self.hot else { return Ok(false) };
        let Some(went) = hot.catch_up(what, Call { lane: self.lane, written: &self.shared.written }).await
        else {
            return Ok(false);
        };
        match went {
            Went::Committed => {
                self.lane.seq += 1;
                self.shared.written.commit();
                Ok(true)
            }
            Went::Stopped(failure) => Err(Tried::Stopped(Stop::Failed(failure))),
            Went::CommitFailed(failure) => Err(self.commit_failed(Losers::new(), failure)),
            // It was asked before it was committed, and nobody else writes.
            Went::Elsewhere => {
                Err(Tried::Broken("what is committed does not fit the tables; restart to see why".to_owned()))
            }
        }
    }

    /// A part of what is ahead between two batches, or while nobody commits. Once nothing may be committed any more, whoever
    /// waits hears that it never comes.
    pub(super) async fn catch_up_some(&mut self, what: Behind<'_>) -> CaughtUp {
        if self.shared.dead().is_none() {
            let tried = match self.catch_up(what).await {
                Ok(true) => return CaughtUp::Some,
                Ok(false) => return CaughtUp::Nothing,
                Err(tried) => tried,
            };
            match tried {
                Tried::Broken(detail) => self.die(Fatal::Disk { detail }),
                Tried::Stopped(Stop::Failed(failure)) | Tried::Uncertain(_, failure) => {
                    tracing::warn!(
                        detail = failure.detail(),
                        "the tables cannot be brought up to date; tried again"
                    );
                }
                Tried::Committed(_) | Tried::Unsynced | Tried::Stopped(_) => {}
            }
        }
        if let Some(hot) = &self.hot {
            lock(&hot.ahead()).disappoint();
        }
        CaughtUp::Stuck
    }

    /// Frees what the next batch would have freed.
    pub(super) fn rest(&mut self) {
        if let Some(hot) = &mut self.hot {
            hot.rest();
        }
    }

    /// All of it, before the file is closed.
    pub(super) async fn catch_up_all(&mut self) {
        while self.is_ahead() && self.shared.dead().is_none() {
            if self.catch_up_some(Behind::Oldest).await == CaughtUp::Stuck {
                tracing::warn!("what is ahead of the tables comes into them at the next start");
                return;
            }
        }
    }
}
