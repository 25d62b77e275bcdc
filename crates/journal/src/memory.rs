//! A journal without a disk: same promises, plus faults on demand. For tests of what stands above.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use reeve_credits::lot::Lot;
use reeve_jobs::{Status, Upload};
use reeve_types::{JobId, KeyId, LeaseId, LotId, Millis, WorkspaceId};
use reeve_workspace::{Claim, JobIntro, JobState, Profile, PurchaseRow, Records, Row, State, WorkspaceRow};
use tokio::sync::oneshot;

use crate::change::{ChangeSet, KeyRow, PlatformChange};
use crate::outcome::{AbortReason, CommitOutcome, Journal, JournalHealth, Overloaded, Room, Urgency};
use crate::reader::{
    FactsRow, JobFilter, JobRecord, LeasedRow, LedgerFilter, Loaded, Page, QueuedRow, Read, Reader,
    StoreError, StoredAnswer, WorkspaceRecord, key_hash,
};
use crate::rebuild::live_job;

/// What goes wrong with the next change sets, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault this time.
    None,
    /// Certainly not written.
    Abort,
    /// Nobody knows, and it was written.
    UnknownWritten,
    /// Nobody knows, and it was not written.
    UnknownLost,
    /// No room.
    Overloaded,
    /// The caller dies of it: asking for room panics.
    Panic,
}

#[derive(Default)]
struct Tables {
    workspaces: BTreeMap<WorkspaceId, (u64, Profile, WorkspaceRow)>,
    lots: BTreeMap<WorkspaceId, BTreeMap<LotId, Lot>>,
    intros: BTreeMap<JobId, Arc<JobIntro>>,
    jobs: BTreeMap<JobId, JobState>,
    uploads: BTreeMap<(JobId, u32, u32), Upload>,
    ledger: HashMap<WorkspaceId, Vec<Row>>,
    purchases: BTreeMap<WorkspaceId, BTreeMap<String, PurchaseRow>>,
    claims: HashMap<Claim, WorkspaceId>,
    answers: HashMap<(WorkspaceId, Arc<str>), StoredAnswer>,
    keys: BTreeMap<KeyId, KeyRow>,
    outbox: u64,
}

/// An outcome kept back, and who waits for it.
type Held = (oneshot::Sender<CommitOutcome>, CommitOutcome);

/// An in-memory journal and reader in one.
#[derive(Default)]
pub struct MemoryJournal {
    tables: Mutex<Tables>,
    faults: Mutex<VecDeque<Fault>>,
    /// While set, outcomes are kept back.
    held: Mutex<Option<Vec<Held>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of another test thread leaves plain data behind; reading on is fine.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryJournal {
    /// An empty store without faults.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Plans what happens to the next change sets.
    pub fn plan(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.faults).extend(faults);
    }

    /// Keeps outcomes back from now on: changes are written, nobody hears of it.
    pub fn hold_outcomes(&self) {
        lock(&self.held).get_or_insert_with(Vec::new);
    }

    /// Sends every outcome kept back, in order, and stops keeping them.
    pub fn release_outcomes(&self) {
        for (reply, outcome) in lock(&self.held).take().unwrap_or_default() {
            let _ = reply.send(outcome);
        }
    }

    /// Outbox rows written so far.
    pub fn outbox_len(&self) -> u64 {
        lock(&self.tables).outbox
    }

    fn answer(&self, reply: oneshot::Sender<CommitOutcome>, outcome: CommitOutcome) {
        match lock(&self.held).as_mut() {
            Some(held) => held.push((reply, outcome)),
            // The receiver may be gone: a caller that stopped waiting does not undo a commit.
            None => drop(reply.send(outcome)),
        }
    }
}

impl Journal for MemoryJournal {
    fn reserve(&self, _: Urgency) -> Result<Room, Overloaded> {
        let mut faults = lock(&self.faults);
        match faults.front() {
            Some(Fault::Overloaded) => {
                faults.pop_front();
                Err(Overloaded)
            }
            Some(Fault::Panic) => {
                faults.pop_front();
                drop(faults);
                told_to_panic()
            }
            _ => Ok(Room::unbounded()),
        }
    }

    fn submit(&self, change: ChangeSet, _: Room) -> oneshot::Receiver<CommitOutcome> {
        let fault = lock(&self.faults).pop_front().unwrap_or(Fault::None);
        let (reply, outcome) = oneshot::channel();
        let result = match fault {
            Fault::Abort => CommitOutcome::Aborted(AbortReason::Store("told to".to_owned())),
            Fault::UnknownLost => CommitOutcome::Unknown,
            Fault::UnknownWritten => {
                commit(&mut lock(&self.tables), change);
                CommitOutcome::Unknown
            }
            Fault::None | Fault::Overloaded | Fault::Panic => commit(&mut lock(&self.tables), change),
        };
        self.answer(reply, result);
        outcome
    }

    fn submit_platform(
        &self,
        change: PlatformChange,
    ) -> Result<oneshot::Receiver<CommitOutcome>, Overloaded> {
        let mut tables = lock(&self.tables);
        match change {
            PlatformChange::PutKey(row) => drop(tables.keys.insert(row.id, row)),
            PlatformChange::RevokeKey { id, at } => {
                if let Some(row) = tables.keys.get_mut(&id) {
                    row.revoked_at.get_or_insert(at);
                }
            }
        }
        let (reply, outcome) = oneshot::channel();
        let _ = reply.send(CommitOutcome::Durable);
        Ok(outcome)
    }

    fn flush(&self) -> oneshot::Receiver<()> {
        let (reply, done) = oneshot::channel();
        let _ = reply.send(());
        done
    }

    fn health(&self) -> JournalHealth {
        JournalHealth { can_commit: true, depth: lock(&self.held).as_ref().map_or(0, Vec::len) }
    }
}

#[expect(clippy::panic, reason = "the fault is the panic of whoever asks")]
fn told_to_panic() -> Result<Room, Overloaded> {
    panic!("told to")
}

fn commit(tables: &mut Tables, change: ChangeSet) -> CommitOutcome {
    let ChangeSet { workspace, expected, records } = change;
    let stored = tables.workspaces.get(&workspace).map_or(0, |(version, _, _)| *version);
    if stored != expected {
        return CommitOutcome::Aborted(AbortReason::Version);
    }
    let taken: Vec<(Claim, WorkspaceId)> = records
        .claims
        .iter()
        .filter_map(|claim| tables.claims.get(claim).map(|by| (claim.clone(), by.clone())))
        .collect();
    if !taken.is_empty() {
        return CommitOutcome::ClaimTaken(taken);
    }
    if let Some(answer) = &records.answer
        && tables.answers.contains_key(&(workspace.clone(), answer.key.clone()))
    {
        return CommitOutcome::Aborted(AbortReason::KeyTaken);
    }
    write(tables, workspace, expected + 1, *records);
    CommitOutcome::Durable
}

fn write(tables: &mut Tables, workspace: WorkspaceId, version: u64, records: Records) {
    let Records { workspace: row, lots, admitted, jobs, uploads, purchases, ledger, outbox, claims, answer } =
        records;
    let old = tables.workspaces.remove(&workspace).map(|(_, profile, _)| profile);
    if let Some(profile) = row.profile.clone().map(|profile| *profile).or(old) {
        tables.workspaces.insert(workspace.clone(), (version, profile, row));
    }
    tables.lots.entry(workspace.clone()).or_default().extend(lots.into_iter().map(|lot| (lot.id, lot)));
    tables.intros.extend(admitted.into_iter().map(|intro| (intro.id, intro)));
    tables.jobs.extend(jobs);
    tables
        .uploads
        .extend(uploads.into_iter().map(|(job, attempt, upload)| ((job, attempt, upload.index), upload)));
    let bought = purchases.into_iter().map(|row| (row.id.to_string(), row));
    tables.purchases.entry(workspace.clone()).or_default().extend(bought);
    tables.ledger.entry(workspace.clone()).or_default().extend(ledger);
    tables.outbox += outbox.len() as u64;
    tables.claims.extend(claims.into_iter().map(|claim| (claim, workspace.clone())));
    if let Some(answer) = answer {
        tables.answers.insert((workspace, answer.key.clone()), StoredAnswer::from(&answer));
    }
}

impl Tables {
    fn record(&self, id: JobId) -> Option<JobRecord> {
        let intro = self.intros.get(&id)?.clone();
        let mut state = self.jobs.get(&id)?.clone();
        if let Some(lease) = &mut state.lease {
            let of_lease = (id, lease.attempt, 0)..=(id, lease.attempt, u32::MAX);
            lease.uploads = self.uploads.range(of_lease).map(|(_, upload)| upload.clone()).collect();
        }
        Some(JobRecord { intro, state })
    }

    fn live(&self) -> impl Iterator<Item = (&Arc<JobIntro>, &JobState)> {
        let live = self.jobs.iter().filter(|(_, state)| !state.status.is_final());
        live.filter_map(|(id, state)| self.intros.get(id).map(|intro| (intro, state)))
    }

    fn load(&self, id: &WorkspaceId) -> Option<Loaded> {
        let (version, profile, row) = self.workspaces.get(id)?;
        let lots = self.lots.get(id).into_iter().flat_map(BTreeMap::values).filter(|lot| !lot.is_spent());
        let mine = self.live().filter(|(intro, _)| intro.workspace == *id);
        let jobs = mine
            .filter_map(|(intro, _)| self.record(intro.id))
            .map(|record| (record.intro.id, live_job(&record)));
        let state = State {
            id: id.clone(),
            version: *version,
            profile: profile.clone(),
            lots: lots.cloned().collect(),
            debt: row.debt,
            jobs: jobs.collect(),
            running: 0,
            admitted: row.admitted,
            lots_made: row.lots_made,
            chain: row.chain,
            last_event_at: row.last_event_at,
            deadlines: Default::default(),
        };
        let keys = self.answers.keys().filter(|(workspace, _)| workspace == id);
        let key_hashes = keys.map(|(_, key)| key_hash(key)).collect();
        Some(Loaded { state: state.rebuilt(), key_hashes, keys_complete: true })
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Read<'a, T> {
    async move { Ok::<T, StoreError>(value) }.boxed()
}

fn view(id: &WorkspaceId, (version, profile, row): &(u64, Profile, WorkspaceRow)) -> WorkspaceRecord {
    WorkspaceRecord {
        id: id.clone(),
        version: *version,
        profile: profile.clone(),
        available: row.available,
        held: row.held,
        debt: row.debt,
        running: row.running,
        queued: row.queued,
    }
}

impl Reader for MemoryJournal {
    fn load<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<Loaded>> {
        ready(lock(&self.tables).load(workspace))
    }

    fn workspace<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<WorkspaceRecord>> {
        ready(lock(&self.tables).workspaces.get(workspace).map(|stored| view(workspace, stored)))
    }

    fn workspaces<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<WorkspaceRecord>> {
        let tables = lock(&self.tables);
        let after = |id: &WorkspaceId| page.after.as_deref().is_none_or(|after| id.as_str() > after);
        let rows = tables.workspaces.iter().filter(|(id, _)| after(id)).take(page.limit as usize);
        ready(rows.map(|(id, stored)| view(id, stored)).collect())
    }

    fn job(&self, job: JobId) -> Read<'_, Option<JobRecord>> {
        ready(lock(&self.tables).record(job))
    }

    fn jobs<'a>(&'a self, filter: &'a JobFilter, page: &'a Page) -> Read<'a, Vec<JobRecord>> {
        let tables = lock(&self.tables);
        let wanted = |record: &JobRecord| {
            filter.workspace.as_ref().is_none_or(|workspace| *workspace == record.intro.workspace)
                && filter.status.is_none_or(|status| status == record.state.status)
                && filter.action.as_ref().is_none_or(|action| *action == record.intro.action)
                && filter.since.is_none_or(|since| record.intro.created_at >= since)
        };
        let before = |id: &JobId| page.after.as_deref().is_none_or(|after| id.to_string().as_str() < after);
        let ids = tables.jobs.keys().rev().filter(|id| before(id));
        ready(ids.filter_map(|id| tables.record(*id)).filter(wanted).take(page.limit as usize).collect())
    }

    fn ledger<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a LedgerFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<Row>> {
        let after: u64 = page.after.as_deref().and_then(|seq| seq.parse().ok()).unwrap_or(0);
        let wanted = |row: &&Row| {
            row.seq > after
                && filter.job.is_none_or(|job| row.job == Some(job))
                && filter.member.as_ref().is_none_or(|member| row.member.as_ref() == Some(member))
                && filter.kind.is_none_or(|kind| row.kind == kind)
                && filter.from.is_none_or(|from| row.at >= from)
                && filter.to.is_none_or(|to| row.at < to)
        };
        let tables = lock(&self.tables);
        let rows = tables.ledger.get(workspace).into_iter().flatten();
        ready(rows.filter(wanted).take(page.limit as usize).cloned().collect())
    }

    fn purchases<'a>(&'a self, workspace: &'a WorkspaceId, page: &'a Page) -> Read<'a, Vec<PurchaseRow>> {
        let tables = lock(&self.tables);
        let rows = tables.purchases.get(workspace).into_iter().flatten();
        let after = |id: &str| page.after.as_deref().is_none_or(|after| id > after);
        ready(
            rows.filter(|(id, _)| after(id)).take(page.limit as usize).map(|(_, row)| row.clone()).collect(),
        )
    }

    fn purchase_by_payment<'a>(&'a self, payment: &'a str) -> Read<'a, Option<(WorkspaceId, PurchaseRow)>> {
        let tables = lock(&self.tables);
        let all = tables.purchases.iter().flat_map(|(id, rows)| rows.values().map(move |row| (id, row)));
        ready(
            all.into_iter()
                .find(|(_, row)| &*row.payment == payment)
                .map(|(id, row)| (id.clone(), row.clone())),
        )
    }

    fn answer<'a>(&'a self, workspace: &'a WorkspaceId, key: &'a str) -> Read<'a, Option<StoredAnswer>> {
        ready(lock(&self.tables).answers.get(&(workspace.clone(), key.into())).cloned())
    }

    fn lots<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<Lot>> {
        ready(
            lock(&self.tables).lots.get(workspace).into_iter().flat_map(BTreeMap::values).cloned().collect(),
        )
    }

    fn due(&self, now: Millis, count_max: u32) -> Read<'_, Vec<WorkspaceId>> {
        let tables = lock(&self.tables);
        let mut due: Vec<(Millis, WorkspaceId)> = tables
            .workspaces
            .iter()
            .filter_map(|(id, (_, _, row))| {
                row.next_due_at.filter(|at| *at <= now).map(|at| (at, id.clone()))
            })
            .collect();
        due.sort();
        ready(due.into_iter().take(count_max as usize).map(|(_, id)| id).collect())
    }

    fn queued(&self, after: Option<JobId>, count_max: u32) -> Read<'_, Vec<QueuedRow>> {
        let tables = lock(&self.tables);
        let waiting = tables
            .live()
            .filter(|(intro, state)| state.lease.is_none() && after.is_none_or(|id| intro.id > id));
        let rows = waiting.take(count_max as usize).map(|(intro, state)| QueuedRow {
            job: intro.id,
            workspace: intro.workspace.clone(),
            pool: intro.pool.clone(),
            action: intro.action.clone(),
            work_ms: intro.work_ms,
            priority: intro.priority,
            sequence: intro.sequence,
            not_before: state.not_before,
            attempts_lost: state.attempts_lost,
        });
        ready(rows.collect())
    }

    fn leased(&self) -> Read<'_, Vec<LeasedRow>> {
        let tables = lock(&self.tables);
        let rows = tables.live().filter_map(|(intro, state)| {
            state.lease.as_ref().map(|lease| LeasedRow {
                lease: LeaseId { job: intro.id, attempt: lease.attempt },
                workspace: intro.workspace.clone(),
                pool: intro.pool.clone(),
                action: intro.action.clone(),
                worker: lease.worker.as_str().into(),
                session: lease.session.clone(),
                granted_at: lease.granted_at,
                run_deadline_at: lease.run_deadline_at,
                unknown_until: lease.unknown_until,
                cancelling: state.status == Status::Cancelling,
            })
        });
        ready(rows.collect())
    }

    fn facts(&self) -> Read<'_, Vec<FactsRow>> {
        let tables = lock(&self.tables);
        let busy = tables.workspaces.iter().filter(|(_, (_, _, row))| row.queued > 0 || row.running > 0);
        let rows = busy.map(|(id, (_, profile, _))| FactsRow {
            workspace: id.clone(),
            tier: profile.tier.clone(),
            concurrency_max: profile.concurrency_max,
            paused: profile.paused,
        });
        ready(rows.collect())
    }

    fn keys(&self) -> Read<'_, Vec<KeyRow>> {
        ready(lock(&self.tables).keys.values().cloned().collect())
    }

    fn key(&self, id: KeyId) -> Read<'_, Option<KeyRow>> {
        ready(lock(&self.tables).keys.get(&id).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Subject, run_all};

    #[tokio::test]
    async fn the_memory_journal_keeps_every_promise() {
        run_all(|| async {
            let memory = MemoryJournal::new();
            Subject { journal: memory.clone(), reader: memory }
        })
        .await;
    }
}
