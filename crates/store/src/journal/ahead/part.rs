//! Which of what is ahead comes into the tables next: what readers wait for, what is beyond a bound, the oldest.
//!
//! Pure. Called by `hot` through [`Ahead`]. A part takes workspaces whole, the oldest first, and knows which rows of the
//! table nobody needs after it.

use std::sync::Arc;

use reeve_types::WorkspaceId;
use rustc_hash::FxHashMap;

use super::{Ahead, Pending};
use crate::journal::work::Work;

/// Change sets ahead: after each batch beyond it, as many of the oldest come in.
pub(super) const COUNT_MAX: usize = 6_144;
/// The same in bytes of change sets; their rows as text are about as much again.
const BYTES_MAX: usize = 24 << 20;
/// Longest that anything is ahead while others go on, in milliseconds.
pub(super) const AGE_MS_MAX: u64 = 1_000;
/// Most change sets that come in with one transaction, but for those of a workspace that was asked for.
const PART_MAX: usize = 1_024;

/// What shall come into the tables.
#[derive(Clone, Copy)]
pub(in crate::journal) enum Behind<'w> {
    /// All that is ahead of these.
    Of(&'w [&'w WorkspaceId]),
    /// What readers wait for, and what is beyond a bound.
    Due,
    /// That, or else the oldest.
    Oldest,
}

/// Workspaces that come into the tables with one transaction.
#[derive(Default)]
pub(in crate::journal) struct Part {
    pub(super) workspaces: Vec<WorkspaceId>,
    pub(in crate::journal) works: Vec<Arc<Work>>,
    /// Rows of the table that nobody needs after it: so many, all before this number.
    pub(in crate::journal) rows: u64,
    pub(in crate::journal) before: u64,
}

/// A part under construction.
#[derive(Default)]
struct Taken {
    workspaces: FxHashMap<WorkspaceId, ()>,
    works: Vec<Arc<Work>>,
    bytes: usize,
}

impl Taken {
    fn take(&mut self, ahead: &Ahead, workspace: &WorkspaceId) {
        let Some(pending) = ahead.pending.get(workspace) else { return };
        if self.workspaces.insert(workspace.clone(), ()).is_none() {
            self.works.extend(pending.works.iter().cloned());
            self.bytes += pending.works.iter().map(|work| work.weight_bytes).sum::<usize>();
        }
    }
}

impl Ahead {
    /// The part that is asked for; `None` when nothing of it is ahead.
    pub(in crate::journal) fn behind(&self, what: Behind<'_>, now: (u64, u64)) -> Option<Part> {
        let part = match what {
            Behind::Of(workspaces) => {
                if !workspaces.iter().any(|workspace| self.pending.contains_key(*workspace)) {
                    return None;
                }
                self.part(workspaces.iter().copied(), now)
            }
            Behind::Due => self.part(std::iter::empty(), now),
            Behind::Oldest => {
                let due = self.part(std::iter::empty(), now);
                if due.works.is_empty() { self.oldest(now.1) } else { due }
            }
        };
        (!part.works.is_empty()).then_some(part)
    }

    /// What shall come in with the next transaction, which is the one of this number: all of these workspaces, what
    /// readers wait for, and what is beyond a bound.
    pub(in crate::journal) fn part<'w>(
        &self,
        asked: impl Iterator<Item = &'w WorkspaceId>,
        (now_ms, number): (u64, u64),
    ) -> Part {
        let mut taken = Taken::default();
        asked.for_each(|workspace| taken.take(self, workspace));
        let waited = self.waiting.iter().filter_map(|waiting| waiting.of.as_ref());
        waited.chain(&self.full).for_each(|workspace| taken.take(self, workspace));
        let upto =
            self.waiting.iter().filter(|waiting| waiting.of.is_none()).map(|waiting| waiting.turn).max();
        for (turn, workspace) in &self.turns {
            let is_old = |pending: &Pending| now_ms.saturating_sub(pending.since_ms) >= AGE_MS_MAX;
            let is_due = self.count - taken.works.len() > COUNT_MAX
                || self.bytes - taken.bytes > BYTES_MAX
                || upto.is_some_and(|upto| *turn <= upto)
                || self.pending.get(workspace).is_some_and(is_old);
            if !is_due || taken.works.len() >= PART_MAX {
                break;
            }
            taken.take(self, workspace);
        }
        self.finish(taken, number)
    }

    /// As [`Self::part`], for when there is time: the oldest, whatever the bounds say.
    fn oldest(&self, number: u64) -> Part {
        let mut taken = Taken::default();
        for workspace in self.turns.values() {
            if taken.works.len() >= PART_MAX / 2 {
                break;
            }
            taken.take(self, workspace);
        }
        self.finish(taken, number)
    }

    fn finish(&self, taken: Taken, number: u64) -> Part {
        let left = self.turns.values().find(|workspace| !taken.workspaces.contains_key(*workspace));
        let before = left.and_then(|workspace| self.pending.get(workspace)).map_or(number, |first| first.row);
        let rows = self.rows.iter().take_while(|row| **row < before).count() as u64;
        Part { workspaces: taken.workspaces.into_keys().collect(), works: taken.works, rows, before }
    }
}
