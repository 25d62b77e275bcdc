//! A batch as rows: grouped by workspace, coalesced to the last value of each lot and job.
//!
//! Pure. A job admitted and leased in the same batch is one insert with the values of the lease; so the
//! number of rows depends on what changed, not on how many commands changed it.

use std::hash::Hash;
use std::sync::Arc;

use reeve_jobs::Upload;
use reeve_types::{JobId, LotId, MemberId, PurchaseId, WorkspaceId};
use reeve_workspace::{JobIntro, JobState, Member, Profile, PurchaseRow, Tallies, WorkspaceRow};
use rustc_hash::{FxHashMap, FxHashSet};

use super::ahead::Stand;
use super::encode::{Ready, Rows};
use super::encoded::Encoded;
use super::statements::{Due, Statements};
use super::work::{Entry, Work};
use crate::row;
use crate::row::workspace::DueTimes;

/// The rows of one transaction.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) moved: Vec<Moved>,
    pub(super) workspaces_new: Rows,
    pub(super) workspaces_move: Rows,
    pub(super) workspaces_profile: Rows,
    pub(super) workspaces_tallies: Rows,
    pub(super) lots: Rows,
    pub(super) jobs_waiting: Rows,
    pub(super) jobs_new: Rows,
    pub(super) jobs_live: Rows,
    pub(super) jobs_final: Rows,
    pub(super) uploads: Rows,
    pub(super) purchases: Rows,
    pub(super) members: Rows,
    pub(super) ledger: Rows,
    pub(super) outbox: Rows,
    pub(super) claims: Rows,
    pub(super) unclaims: Rows,
    pub(super) answers: Rows,
}

/// Where a transaction leaves a workspace.
pub(super) struct Moved {
    pub(super) workspace: WorkspaceId,
    pub(super) stand: Stand,
    pub(super) due: DueTimes,
}

/// The change sets of one workspace.
struct Group<'a> {
    workspace: &'a WorkspaceId,
    /// The version before the first.
    expected: u64,
    /// The version after the last.
    version: u64,
    /// Of the last one.
    row: &'a WorkspaceRow,
    /// Of the last one that changed it.
    profile: Option<&'a Profile>,
    tallies: Option<&'a Tallies>,
}

/// Last values by key, in order of first appearance.
struct Latest<K, V> {
    places: FxHashMap<K, usize>,
    values: Vec<(K, V)>,
}

impl<K: Copy + Eq + Hash, V> Latest<K, V> {
    fn new() -> Self {
        Self { places: FxHashMap::default(), values: Vec::new() }
    }

    fn put(&mut self, key: K, value: V) {
        let next = self.values.len();
        let place = *self.places.entry(key).or_insert(next);
        match self.values.get_mut(place) {
            Some(slot) => slot.1 = value,
            None => self.values.push((key, value)),
        }
    }
}

/// Last values of everything that is rewritten.
struct Gathered<'a> {
    groups: Vec<Group<'a>>,
    places: FxHashMap<&'a WorkspaceId, usize>,
    lots: Latest<(&'a WorkspaceId, LotId), Ready<'a>>,
    jobs: Latest<JobId, (&'a JobState, &'a Encoded)>,
    uploads: Latest<(JobId, u32, u32), &'a Upload>,
    purchases: Latest<PurchaseId, (&'a WorkspaceId, &'a PurchaseRow)>,
    members: Latest<(&'a WorkspaceId, &'a MemberId), &'a Member>,
    admitted: FxHashMap<JobId, (&'a Arc<JobIntro>, &'a Encoded)>,
    claims: FxHashSet<&'a reeve_workspace::Claim>,
}

impl<'a> Gathered<'a> {
    /// Its workspace moves on.
    fn group(&mut self, work: &'a Work) {
        let (row, version) = (&work.row, work.version());
        let (profile, tallies) = (row.profile.as_deref(), row.tallies.as_deref());
        let place = *self.places.entry(&work.workspace).or_insert(self.groups.len());
        match self.groups.get_mut(place) {
            Some(group) => {
                (group.row, group.version) = (row, version);
                group.profile = profile.or(group.profile);
                group.tallies = tallies.or(group.tallies);
            }
            None => {
                let (workspace, expected) = (&work.workspace, work.expected);
                self.groups.push(Group { workspace, expected, version, row, profile, tallies });
            }
        }
    }
}

impl Plan {
    /// The rows of `entries`, whose versions follow each other for each workspace, after those of `works`, which are
    /// ahead of the tables.
    ///
    /// # Errors
    /// A text for people when a change set cannot be stored whatever the database says.
    pub(super) fn of<'a>(
        works: &'a [Arc<Work>],
        entries: impl Iterator<Item = &'a Entry>,
        due: Due,
    ) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut gathered = Gathered {
            groups: Vec::new(),
            places: FxHashMap::default(),
            lots: Latest::new(),
            jobs: Latest::new(),
            uploads: Latest::new(),
            purchases: Latest::new(),
            members: Latest::new(),
            admitted: FxHashMap::default(),
            claims: FxHashSet::default(),
        };
        // A text that grows moves, and what it moves was written by other processors.
        let bytes =
            |of: fn(&Encoded) -> Ready<'_>| works.iter().map(|work| of(&work.encoded).text.len() + 2).sum();
        plan.ledger = Rows::with_capacity(bytes(Encoded::ledger));
        plan.answers = Rows::with_capacity(bytes(Encoded::answers));
        for work in works {
            gathered.group(work);
            plan.append(work, &mut gathered);
        }
        for entry in entries {
            gathered.group(&entry.work);
            plan.append(&entry.work, &mut gathered);
            plan.tell(entry);
        }
        plan.write_workspaces(std::mem::take(&mut gathered.groups), due);
        plan.write_gathered(gathered)?;
        match plan.all().iter().find_map(|rows| rows.bad()) {
            Some(bad) => Err(bad.to_owned()),
            None => Ok(plan),
        }
    }

    /// What goes in with the batch itself.
    pub(super) fn tell(&mut self, entry: &Entry) {
        self.outbox.append(entry.work.encoded.outbox());
    }

    /// Rows that are only ever added, and last values of the others.
    fn append<'a>(&mut self, work: &'a Work, gathered: &mut Gathered<'a>) {
        let (workspace, encoded) = (&work.workspace, &work.encoded);
        self.ledger.append(encoded.ledger());
        self.answers.append(encoded.answers());
        for claim in &work.claims {
            // Twice in one change set is one claim, not a conflict with itself.
            if gathered.claims.insert(claim) {
                row::claim::write(&mut self.claims, workspace, claim);
            }
        }
        for claim in &work.unclaims {
            row::claim::write(&mut self.unclaims, workspace, claim);
        }
        encoded.lots().for_each(|(id, row)| gathered.lots.put((workspace, id), row));
        work.jobs.iter().for_each(|(id, state)| gathered.jobs.put(*id, (state, encoded)));
        gathered.admitted.extend(work.admitted.iter().map(|intro| (intro.id, (intro, encoded))));
        for (job, attempt, upload) in &work.uploads {
            gathered.uploads.put((*job, *attempt, upload.index), upload);
        }
        work.purchases.iter().for_each(|row| gathered.purchases.put(row.id, (workspace, row)));
        work.members.iter().for_each(|(id, member)| gathered.members.put((workspace, id), member));
    }

    fn write_workspaces(&mut self, groups: Vec<Group<'_>>, due: Due) {
        let write_move = match due {
            Due::Apart => row::workspace::write_move,
            Due::WithMove => row::workspace::write_move_with_due,
        };
        let Self { moved, workspaces_new, workspaces_move, workspaces_profile, workspaces_tallies, .. } =
            self;
        for Group { workspace, expected, version, row, profile, tallies } in groups {
            let stand = (version, row.chain.seq);
            moved.push(Moved { workspace: workspace.clone(), stand, due: DueTimes::of(row) });
            if expected > 0 {
                write_move(workspaces_move, workspace, (expected, version), row);
                if let Some(profile) = profile {
                    row::workspace::write_profile(workspaces_profile, workspace, profile);
                }
                if let Some(tallies) = tallies {
                    row::workspace::write_tallies(workspaces_tallies, workspace, tallies);
                }
            } else if let (Some(profile), Some(tallies)) = (profile, tallies) {
                row::workspace::write_new(workspaces_new, workspace, version, (row, profile, tallies));
            }
            // What claims to be new without them is outdated: it is not moved, and so it loses.
        }
    }

    fn write_gathered(&mut self, gathered: Gathered<'_>) -> Result<(), String> {
        let Gathered { lots, jobs, uploads, purchases, members, mut admitted, .. } = gathered;
        for (_, row) in lots.values {
            self.lots.append(row);
        }
        for (id, (state, encoded)) in jobs.values {
            match (admitted.remove(&id), encoded.waiting(id)) {
                (Some(_), Some(job)) => self.jobs_waiting.append(job.row),
                (Some((intro, then)), None) => match then.waiting(id) {
                    Some(job) => row::job::write_moved(&mut self.jobs_new, job.introduction(), state),
                    None => row::job::write_new(&mut self.jobs_new, intro, state),
                },
                (None, _) if state.status.is_final() && state.lease.is_some() => {
                    return Err(format!("job `{id}` ended with a lease (J1)"));
                }
                (None, _) if state.status.is_final() => {
                    row::job::write_final(&mut self.jobs_final, id, state);
                }
                (None, _) => row::job::write_live(&mut self.jobs_live, id, state),
            }
        }
        if let Some(id) = admitted.keys().next() {
            return Err(format!("job `{id}` was admitted without a state"));
        }
        for ((job, attempt, _), upload) in uploads.values {
            row::upload::write(&mut self.uploads, (job, attempt), upload);
        }
        for (_, (workspace, row)) in purchases.values {
            row::purchase::write(&mut self.purchases, workspace, row);
        }
        for ((workspace, id), member) in members.values {
            row::member::write(&mut self.members, workspace, (id, member));
        }
        Ok(())
    }

    /// Rows that conflict with stored ones when somebody else was first.
    pub(super) fn uniques<'p>(&'p self, sql: &'p Statements) -> [(&'p str, &'p Rows); 2] {
        [(&sql.claims, &self.claims), (&sql.answers, &self.answers)]
    }

    /// Rows that always find their place, in the order in which they are written.
    pub(super) fn records<'p>(&'p self, sql: &'p Statements) -> [(&'p str, &'p Rows); 10] {
        [
            (&sql.workspaces_profile, &self.workspaces_profile),
            (&sql.workspaces_tallies, &self.workspaces_tallies),
            (&sql.lots, &self.lots),
            (&sql.jobs_waiting, &self.jobs_waiting),
            (&sql.jobs_new, &self.jobs_new),
            (&sql.uploads, &self.uploads),
            (&sql.purchases, &self.purchases),
            (&sql.members, &self.members),
            (&sql.ledger, &self.ledger),
            (&sql.outbox, &self.outbox),
        ]
    }

    /// Changes of stored jobs: each must hit a row.
    pub(super) fn job_changes<'p>(&'p self, sql: &'p Statements) -> [(&'p str, &'p Rows); 2] {
        [(&sql.jobs_live, &self.jobs_live), (&sql.jobs_final, &self.jobs_final)]
    }

    fn all(&self) -> [&Rows; 17] {
        [
            &self.workspaces_new,
            &self.workspaces_move,
            &self.workspaces_profile,
            &self.workspaces_tallies,
            &self.lots,
            &self.jobs_waiting,
            &self.jobs_new,
            &self.jobs_live,
            &self.jobs_final,
            &self.uploads,
            &self.purchases,
            &self.members,
            &self.ledger,
            &self.outbox,
            &self.claims,
            &self.unclaims,
            &self.answers,
        ]
    }
}

#[cfg(test)]
mod tests {
    use reeve_journal::Room;
    use tokio::sync::oneshot;

    use super::*;
    use crate::journal::desk::{Desk, create, ws};

    /// The rows of a workspace that moves, as text, and when it is due.
    fn moved(due: Due) -> (String, DueTimes) {
        let (mut desk, id) = (Desk::new(), ws("acme"));
        desk.decide(&id, &create(None));
        let (_, submit) = desk.submit();
        let change = desk.decide(&id, &submit).unwrap();
        let times = DueTimes::of(&change.records.workspace);
        let entry = Entry::new(change, (oneshot::channel().0, Room::unbounded()), false);
        let plan = Plan::of(&[], [&entry].into_iter(), due).unwrap();
        (plan.workspaces_move.json(), times)
    }

    #[test]
    fn a_move_says_when_its_workspace_is_due_where_that_costs_no_index() {
        let (with, times) = moved(Due::WithMove);
        let end = |at: Option<i64>| at.map_or("null".to_owned(), |at| at.to_string());
        let end = format!(",{},{}]]", end(times.next_due_at), end(times.outward_at));
        assert!(times.next_due_at.is_some() && with.ends_with(&end), "{with} {end}");
        let (apart, _) = moved(Due::Apart);
        assert_eq!(with.strip_suffix(&end), apart.strip_suffix("]]"));
    }
}
