//! What is ahead, as those who read see it: whoever finds it here need not wait until the tables have it.
//!
//! Pure. Called through `handle` for reads that come often: of one job, by everybody who waits for it; of what is due, by
//! the calendar; of the addresses that jobs name, by who tells them. Bringing a workspace in for each of them would undo
//! what being ahead saves.

use std::collections::BTreeMap;
use std::sync::Arc;

use reeve_jobs::Upload;
use reeve_journal::{JobRecord, Shed};
use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::{JobIntro, JobState};
use rustc_hash::FxHashMap;

use super::Ahead;

/// What the row of a job does not say yet.
pub(crate) struct JobAhead {
    /// `None` when it was admitted before: then it has a row.
    pub(crate) intro: Option<Arc<JobIntro>>,
    /// `None` when nothing but uploads is ahead.
    state: Option<JobState>,
    /// In order, with the attempts that stored them.
    uploads: Vec<(u32, Upload)>,
}

impl JobAhead {
    /// Nothing of it is in the tables.
    pub(crate) const fn is_whole(&self) -> bool {
        self.intro.is_some()
    }

    /// The job as it is, given what its row says, if it has one.
    pub(crate) fn over(self, row: Option<JobRecord>) -> Option<JobRecord> {
        let Self { intro, state, uploads } = self;
        let before = row.as_ref().and_then(|row| row.state.lease.clone());
        let mut record = match (row, intro, state) {
            (Some(row), _, None) => row,
            (Some(row), _, Some(state)) => JobRecord { state, ..row },
            // It is new: it has lost nothing yet.
            (None, Some(intro), Some(state)) => JobRecord { intro, state, shed: Shed::default() },
            (None, _, _) => return None,
        };
        if let Some(lease) = &mut record.state.lease {
            let before = before.filter(|before| before.attempt == lease.attempt);
            let of_lease = uploads.into_iter().filter(|(attempt, _)| *attempt == lease.attempt);
            let known = before.into_iter().flat_map(|before| before.uploads);
            let known = known.chain(std::mem::take(&mut lease.uploads));
            let last = known.chain(of_lease.map(|(_, upload)| upload)).map(|upload| (upload.index, upload));
            lease.uploads = last.collect::<BTreeMap<_, _>>().into_values().collect();
        }
        Some(record)
    }
}

impl Ahead {
    /// What is ahead of a job; `None` when its row says all of it.
    pub(in crate::journal) fn job(&self, id: JobId) -> Option<JobAhead> {
        let works = &self.pending.get(&self.jobs.get(&id)?.workspace)?.works;
        let changed = works.iter().rev().flat_map(|work| &work.jobs).find(|(job, _)| *job == id);
        let admitted = works.iter().flat_map(|work| &work.admitted).find(|intro| intro.id == id);
        let uploads = works.iter().flat_map(|work| &work.uploads).filter(|(job, ..)| *job == id);
        Some(JobAhead {
            intro: admitted.cloned(),
            state: changed.map(|(_, state)| state.clone()),
            uploads: uploads.map(|(_, attempt, upload)| (*attempt, upload.clone())).collect(),
        })
    }

    /// The addresses that new jobs name.
    pub(in crate::journal) fn job_urls(&self) -> FxHashMap<JobId, Arc<str>> {
        if self.webhooks == 0 {
            return FxHashMap::default();
        }
        let works = self.pending.values().flat_map(|pending| &pending.works);
        let admitted = works.flat_map(|work| &work.admitted);
        admitted.filter_map(|intro| Some((intro.id, intro.webhook.clone()?))).collect()
    }

    /// When each workspace that something is ahead of is due, if at all. What the tables say of these is outdated.
    pub(in crate::journal) fn due(&self) -> FxHashMap<WorkspaceId, Option<Millis>> {
        let last = self.pending.iter().filter_map(|(id, pending)| Some((id, pending.works.last()?)));
        last.map(|(id, work)| (id.clone(), work.row.next_due_at)).collect()
    }
}
