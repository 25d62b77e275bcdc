//! The rows of a change set that no later one can change, as text.
//!
//! Made by `handle` where the change set is submitted, and so beside the commit under way rather than after it: what
//! the writer does between two commits is time in which the disk has nothing to do.

use std::sync::Arc;

use reeve_journal::ChangeSet;
use reeve_types::JobId;
use reeve_workspace::{JobIntro, JobState};

use super::encode::Rows;
use crate::row;

/// What a row takes as text, roughly.
const ROW_BYTES: usize = 480;

/// Rows that go in with the batch of their change set, whatever is written ahead.
#[derive(Default)]
pub(super) struct Told {
    pub(super) outbox: Rows,
}

impl Told {
    /// Encodes them.
    pub(super) fn of(change: &ChangeSet) -> Self {
        let (workspace, records) = (&change.workspace, &change.records);
        let outbox: usize = records.outbox.iter().map(|row| row.body.len() + ROW_BYTES / 2).sum();
        let mut told = Self { outbox: Rows::with_capacity(outbox) };
        for row in &records.outbox {
            row::outbox::write(&mut told.outbox, workspace, row);
        }
        told
    }

    /// What cannot be stored, if anything.
    pub(super) fn bad(&self) -> Option<&'static str> {
        self.outbox.bad()
    }
}

/// Rows of tables, ready to be put into a batch.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) ledger: Rows,
    pub(super) answers: Rows,
    /// Jobs that this change set admits, in order of their ids.
    admitted: Vec<(JobId, Admitted)>,
}

/// A job that a change set admits.
#[derive(Default)]
pub(super) struct Admitted {
    /// Its row if it is left waiting, alone.
    pub(super) waiting: Rows,
    /// Bytes of that up to the end of what never changes.
    pub(super) introduced: usize,
}

impl Encoded {
    /// Encodes them.
    pub(super) fn of(change: &ChangeSet) -> Self {
        let (workspace, records) = (&change.workspace, &change.records);
        let mut ledger = Rows::with_capacity(records.ledger.len() * ROW_BYTES);
        for row in &records.ledger {
            row::ledger::write(&mut ledger, workspace, row);
        }
        let mut answers = Rows::default();
        if let Some(answer) = &records.answer {
            answers = Rows::with_capacity(answer.body.len() + ROW_BYTES);
            row::answer::write(&mut answers, workspace, answer);
        }
        let mut states: Vec<(JobId, &JobState)> = Vec::new();
        if !records.admitted.is_empty() {
            states = records.jobs.iter().map(|(id, state)| (*id, state)).collect();
            states.sort_unstable_by_key(|(id, _)| *id);
        }
        let row = |intro: &Arc<JobIntro>| {
            let mut admitted = Admitted::default();
            if let Some(state) = find(&states, intro.id).filter(|state| row::job::is_waiting(state)) {
                admitted.waiting = Rows::with_capacity(2 * ROW_BYTES);
                admitted.introduced = row::job::write_waiting(&mut admitted.waiting, intro, state);
            }
            (intro.id, admitted)
        };
        let mut admitted: Vec<(JobId, Admitted)> = records.admitted.iter().map(row).collect();
        admitted.sort_unstable_by_key(|(id, _)| *id);
        Self { ledger, answers, admitted }
    }

    /// Whether this change set admits it.
    pub(super) fn admits(&self, job: JobId) -> bool {
        find(&self.admitted, job).is_some()
    }

    /// The row of a job as this change set leaves it, if it admits it and leaves it waiting: a later one may have
    /// changed it.
    pub(super) fn waiting(&self, job: JobId) -> Option<&Admitted> {
        find(&self.admitted, job).filter(|admitted| !admitted.waiting.is_empty())
    }
}

/// The value of a job in a list in order of ids.
fn find<T>(list: &[(JobId, T)], job: JobId) -> Option<&T> {
    let place = list.binary_search_by_key(&job, |(id, _)| *id).ok()?;
    list.get(place).map(|(_, value)| value)
}
