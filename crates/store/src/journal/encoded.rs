//! The rows of a change set that no later one can change, as text.
//!
//! Made by `handle` where the change set is submitted, and so beside the commit under way rather than after it: what
//! the writer does between two commits is time in which the disk has nothing to do.

use reeve_journal::ChangeSet;
use reeve_types::JobId;
use rustc_hash::FxHashMap;

use super::encode::Rows;
use crate::row;

/// Rows ready to be put into a batch.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) ledger: Rows,
    pub(super) outbox: Rows,
    pub(super) answers: Rows,
    /// Jobs that this change set admits and leaves waiting; a later one of the same batch may have changed them.
    waiting: FxHashMap<JobId, Rows>,
}

impl Encoded {
    /// Encodes them.
    pub(super) fn of(change: &ChangeSet) -> Self {
        let (workspace, records) = (&change.workspace, &change.records);
        let mut encoded = Self::default();
        for row in &records.ledger {
            row::ledger::write(&mut encoded.ledger, workspace, row);
        }
        for row in &records.outbox {
            row::outbox::write(&mut encoded.outbox, workspace, row);
        }
        if let Some(answer) = &records.answer {
            row::answer::write(&mut encoded.answers, workspace, answer);
        }
        if records.admitted.is_empty() {
            return encoded;
        }
        let states: FxHashMap<JobId, _> = records.jobs.iter().map(|(id, state)| (*id, state)).collect();
        for intro in &records.admitted {
            if let Some(state) = states.get(&intro.id).filter(|state| row::job::is_waiting(state)) {
                let mut rows = Rows::default();
                row::job::write_waiting(&mut rows, intro, state);
                encoded.waiting.insert(intro.id, rows);
            }
        }
        encoded
    }

    /// The row of a job as this change set leaves it, if it admits it.
    pub(super) fn waiting(&self, job: JobId) -> Option<&Rows> {
        self.waiting.get(&job)
    }
}
