//! The tables of the memory journal, and how change sets are written to them: all or nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use reeve_credits::lot::Lot;
use reeve_jobs::Upload;
use reeve_types::{CatalogName, JobId, KeyId, LotId, MemberId, ObjectText, WorkspaceId};
use reeve_workspace::{
    Claim, JobIntro, JobState, LiveJob, Member, Profile, Promotion, PurchaseRow, Records, Row, State,
    Tallies, WorkspaceRow,
};

use super::webhooks::Webhooks;
use crate::change::{CatalogRow, ChangeSet, KeyRow, PlatformChange};
use crate::outcome::{AbortReason, CommitOutcome};
use crate::reader::{JobRecord, Loaded, StoredAnswer, key_hash};
use crate::tidy::{Shed, ShedJob, Tidy};

/// A workspace's own row; what a change set leaves out stays as it was.
pub(super) struct Stored {
    pub(super) version: u64,
    pub(super) profile: Profile,
    pub(super) tallies: Tallies,
    pub(super) row: WorkspaceRow,
}

#[derive(Default)]
pub(super) struct Tables {
    pub(super) workspaces: BTreeMap<WorkspaceId, Stored>,
    pub(super) lots: BTreeMap<WorkspaceId, BTreeMap<LotId, Lot>>,
    pub(super) intros: BTreeMap<JobId, Arc<JobIntro>>,
    pub(super) jobs: BTreeMap<JobId, JobState>,
    pub(super) uploads: BTreeMap<(JobId, u32, u32), Upload>,
    pub(super) ledger: HashMap<WorkspaceId, Vec<Row>>,
    pub(super) purchases: BTreeMap<WorkspaceId, BTreeMap<String, PurchaseRow>>,
    pub(super) members: BTreeMap<WorkspaceId, BTreeMap<MemberId, Member>>,
    pub(super) claims: HashMap<Claim, WorkspaceId>,
    pub(super) answers: HashMap<(WorkspaceId, Arc<str>), StoredAnswer>,
    pub(super) keys: BTreeMap<KeyId, KeyRow>,
    pub(super) catalogs: BTreeMap<(CatalogName, u32), CatalogRow>,
    pub(super) promotions: BTreeMap<Arc<str>, Promotion>,
    pub(super) webhooks: Webhooks,
    pub(super) shed: BTreeMap<JobId, Shed>,
    /// Set by tests that see whether the tests notice: outdated change sets are written too.
    pub(super) guard_dropped: bool,
}

impl Tables {
    /// Writes a change set, or says why not.
    pub(super) fn commit(&mut self, change: ChangeSet) -> CommitOutcome {
        let ChangeSet { workspace, expected, records } = change;
        let stored = self.workspaces.get(&workspace).map_or(0, |stored| stored.version);
        if stored != expected && !self.guard_dropped {
            return CommitOutcome::Aborted(AbortReason::Version);
        }
        // What it gives up in the same step is free for it.
        let frees = |claim, by: &WorkspaceId| *by == workspace && records.unclaims.contains(claim);
        let taken = records.claims.iter().filter_map(|claim| self.claims.get(claim).map(|by| (claim, by)));
        let taken: Vec<(Claim, WorkspaceId)> = taken
            .filter(|(claim, by)| !frees(claim, by))
            .map(|(claim, by)| (claim.clone(), by.clone()))
            .collect();
        if !taken.is_empty() {
            return CommitOutcome::ClaimTaken(taken);
        }
        if let Some(answer) = &records.answer
            && self.answers.contains_key(&(workspace.clone(), answer.key.clone()))
        {
            return CommitOutcome::Aborted(AbortReason::KeyTaken);
        }
        self.write(workspace, expected + 1, *records);
        CommitOutcome::Durable
    }

    fn write(&mut self, workspace: WorkspaceId, version: u64, records: Records) {
        let Records {
            workspace: row,
            lots,
            admitted,
            jobs,
            uploads,
            purchases,
            members,
            ledger,
            outbox,
            claims,
            unclaims,
            answer,
        } = records;
        self.put_workspace(&workspace, version, row);
        self.lots.entry(workspace.clone()).or_default().extend(lots.into_iter().map(|lot| (lot.id, lot)));
        self.intros.extend(admitted.into_iter().map(|intro| (intro.id, intro)));
        self.jobs.extend(jobs);
        self.uploads
            .extend(uploads.into_iter().map(|(job, attempt, upload)| ((job, attempt, upload.index), upload)));
        let bought = purchases.into_iter().map(|row| (row.id.to_string(), row));
        self.purchases.entry(workspace.clone()).or_default().extend(bought);
        self.members.entry(workspace.clone()).or_default().extend(members);
        self.ledger.entry(workspace.clone()).or_default().extend(ledger);
        self.webhooks.tell(&workspace, outbox);
        self.claims.retain(|claim, by| *by != workspace || !unclaims.contains(claim));
        self.claims.extend(claims.into_iter().map(|claim| (claim, workspace.clone())));
        if let Some(answer) = answer {
            self.answers.insert((workspace, answer.key.clone()), StoredAnswer::from(&answer));
        }
    }

    fn put_workspace(&mut self, id: &WorkspaceId, version: u64, row: WorkspaceRow) {
        let (profile, tallies) = (row.profile.as_deref().cloned(), row.tallies.as_deref().cloned());
        let stored = match (self.workspaces.remove(id), profile, tallies) {
            (Some(old), profile, tallies) => Stored {
                version,
                profile: profile.unwrap_or(old.profile),
                tallies: tallies.unwrap_or(old.tallies),
                row,
            },
            (None, Some(profile), Some(tallies)) => Stored { version, profile, tallies, row },
            // A new workspace comes with both.
            (None, _, _) => return,
        };
        self.workspaces.insert(id.clone(), stored);
    }

    /// Writes a change of the platform's own records.
    pub(super) fn platform(&mut self, change: PlatformChange) -> CommitOutcome {
        match change {
            PlatformChange::PutKey(row) => drop(self.keys.insert(row.id, row)),
            PlatformChange::RevokeKey { id, at } => {
                if let Some(row) = self.keys.get_mut(&id) {
                    row.revoked_at.get_or_insert(at);
                }
            }
            PlatformChange::TouchKeys { keys, at } => {
                for id in keys {
                    if let Some(row) = self.keys.get_mut(&id) {
                        row.last_used_at = row.last_used_at.max(Some(at));
                    }
                }
            }
            PlatformChange::PublishCatalog(row) => {
                let key = (row.name.clone(), row.version);
                let text = row.text.clone();
                if self.catalogs.entry(key).or_insert(row).text != text {
                    return CommitOutcome::Aborted(AbortReason::Exists);
                }
            }
            PlatformChange::PutPromotion(promotion) => {
                self.promotions.insert(promotion.id.clone(), promotion);
            }
            PlatformChange::Tidy(tidy) => self.tidy(tidy),
            PlatformChange::Webhook(change) => self.webhooks.change(change),
        }
        CommitOutcome::Durable
    }

    fn tidy(&mut self, tidy: Tidy) {
        match tidy {
            Tidy::Shed(jobs) => jobs.into_iter().for_each(|job| self.shed(job)),
            Tidy::AnswersBefore { at, .. } => self.answers.retain(|_, answer| answer.at >= at),
            Tidy::AnswersOf { workspace, .. } => self.answers.retain(|(of, _), _| *of != workspace),
        }
    }

    fn shed(&mut self, ShedJob { id, shed, outputs }: ShedJob) {
        let Some(state) = self.jobs.get_mut(&id).filter(|state| state.status.is_final()) else { return };
        state.outputs = outputs;
        if shed.content {
            if let Some(error) = &mut state.error {
                error.message = Arc::default();
            }
            if let Some(intro) = self.intros.get_mut(&id) {
                let bare = JobIntro {
                    params: ObjectText::default(),
                    metadata: None,
                    webhook: None,
                    ..(**intro).clone()
                };
                *intro = Arc::new(bare);
            }
        }
        self.uploads.retain(|(job, ..), _| *job != id);
        let kept = self.shed.entry(id).or_default();
        *kept = kept.and(shed);
    }

    /// One job with the uploads of its live lease.
    pub(super) fn record(&self, id: JobId) -> Option<JobRecord> {
        let intro = self.intros.get(&id)?.clone();
        let mut state = self.jobs.get(&id)?.clone();
        if let Some(lease) = &mut state.lease {
            let of_lease = (id, lease.attempt, 0)..=(id, lease.attempt, u32::MAX);
            lease.uploads = self.uploads.range(of_lease).map(|(_, upload)| upload.clone()).collect();
        }
        let shed = self.shed.get(&id).copied().unwrap_or_default();
        Some(JobRecord { intro, state, shed })
    }

    /// Jobs that are not final, in order of id.
    pub(super) fn live(&self) -> impl Iterator<Item = (&Arc<JobIntro>, &JobState)> {
        let live = self.jobs.iter().filter(|(_, state)| !state.status.is_final());
        live.filter_map(|(id, state)| self.intros.get(id).map(|intro| (intro, state)))
    }

    /// The whole live state of a workspace.
    pub(super) fn load(&self, id: &WorkspaceId) -> Option<Loaded> {
        let Stored { version, profile, tallies, row } = self.workspaces.get(id)?;
        let lots = self.lots.get(id).into_iter().flat_map(BTreeMap::values);
        let mine = self.live().filter(|(intro, _)| intro.workspace == *id);
        let jobs = mine
            .filter_map(|(intro, _)| self.record(intro.id))
            .map(|record| (record.intro.id, Box::new(LiveJob::from_rows(&record.intro, &record.state))));
        let purchases = self.purchases.get(id).into_iter().flat_map(BTreeMap::values);
        let state = State {
            id: id.clone(),
            version: *version,
            profile: profile.clone(),
            // Spent ones too: rebuilding keeps those that were paid for, and drops the others.
            lots: lots.cloned().collect(),
            paid_lots: BTreeMap::new(),
            debt: row.debt,
            purchases: purchases.map(|row| (row.id, row.clone())).collect(),
            members: self.members.get(id).cloned().unwrap_or_default(),
            tallies: tallies.clone(),
            jobs: jobs.collect(),
            running: 0,
            admitted: row.admitted,
            lots_made: row.lots_made,
            chain: row.chain,
            last_event_at: row.last_event_at,
            deadlines: Default::default(),
            outward_at: row.outward_at,
        };
        let keys = self.answers.keys().filter(|(workspace, _)| workspace == id);
        let key_hashes = keys.map(|(_, key)| key_hash(key)).collect();
        Some(Loaded { state: state.rebuilt(), key_hashes, keys_complete: true })
    }
}
