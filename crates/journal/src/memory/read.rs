//! Everything that is read from the memory journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use reeve_credits::lot::Lot;
use reeve_jobs::Status;
use reeve_types::{Credits, JobId, KeyId, LeaseId, MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Claim, JobIntro, Member, Phase, Promotion, PurchaseRow, Row};

use super::tables::Stored;
use super::{MemoryJournal, lock};
use crate::change::{CatalogRow, KeyRow};
use crate::insight::{PastBalance, UsageFilter, UsageKey, UsageRow};
use crate::reader::{
    FactsRow, JobFilter, JobRecord, JobsFound, LeasedRow, LedgerFilter, Loaded, Page, QueuedRow, Read,
    Reader, StoreError, StoredAnswer, WorkspaceRecord,
};
use crate::reconcile::{DaySpan, Reconciled};
use crate::tidy::{AgedJob, EndingRow};

fn ready<'a, T: Send + 'a>(value: T) -> Read<'a, T> {
    async move { Ok::<T, StoreError>(value) }.boxed()
}

fn view(id: &WorkspaceId, Stored { version, profile, row, .. }: &Stored) -> WorkspaceRecord {
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

fn is_wanted(record: &JobRecord, filter: &JobFilter) -> bool {
    let JobFilter { workspace, status, action, since, until, member, error, metadata } = filter;
    let JobRecord { intro, state, .. } = record;
    let noted = |(key, wanted): &(String, String)| {
        let object: serde_json::Value = serde_json::from_str(intro.metadata.as_deref()?).ok()?;
        match object.get(key)? {
            serde_json::Value::String(text) => Some(text == wanted),
            serde_json::Value::Number(number) => Some(number.to_string() == *wanted),
            _ => None,
        }
    };
    workspace.as_ref().is_none_or(|workspace| *workspace == intro.workspace)
        && status.is_none_or(|status| status == state.status)
        && action.as_ref().is_none_or(|action| *action == intro.action)
        && since.is_none_or(|since| intro.created_at >= since)
        && until.is_none_or(|until| intro.created_at < until)
        && member.as_ref().is_none_or(|member| intro.member.as_ref() == Some(member))
        && error.as_ref().is_none_or(|code| state.error.as_ref().is_some_and(|error| *error.code == **code))
        && metadata.as_ref().is_none_or(|wanted| noted(wanted) == Some(true))
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

    fn intros<'a>(&'a self, jobs: &'a [JobId]) -> Read<'a, Vec<Arc<JobIntro>>> {
        let tables = lock(&self.tables);
        ready(jobs.iter().filter_map(|job| tables.intros.get(job).cloned()).collect())
    }

    fn jobs<'a>(&'a self, filter: &'a JobFilter, page: &'a Page) -> Read<'a, JobsFound> {
        let tables = lock(&self.tables);
        let wanted = |record: &JobRecord| is_wanted(record, filter);
        let before = |id: &JobId| page.after.as_deref().is_none_or(|after| id.to_string().as_str() < after);
        let ids = tables.jobs.keys().rev().filter(|id| before(id));
        let rows = ids.filter_map(|id| tables.record(*id)).filter(wanted).take(page.limit as usize).collect();
        ready(JobsFound { rows, looked_to: None })
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

    fn purchase(&self, id: PurchaseId) -> Read<'_, Option<(WorkspaceId, PurchaseRow)>> {
        let (tables, key) = (lock(&self.tables), id.to_string());
        let found = tables
            .purchases
            .iter()
            .find_map(|(workspace, rows)| rows.get(&key).map(|row| (workspace.clone(), row.clone())));
        ready(found)
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

    fn claimed<'a>(&'a self, claim: &'a Claim) -> Read<'a, Option<WorkspaceId>> {
        ready(lock(&self.tables).claims.get(claim).cloned())
    }

    fn members<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<(MemberId, Member)>> {
        let members = lock(&self.tables).members.get(workspace).cloned().unwrap_or_default();
        ready(members.into_iter().collect())
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
            .filter_map(|(id, stored)| {
                stored.row.next_due_at.filter(|at| *at <= now).map(|at| (at, id.clone()))
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
                sequence: intro.sequence,
                priority: intro.priority,
                work_ms: intro.work_ms,
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
        let busy =
            tables.workspaces.iter().filter(|(_, stored)| stored.row.queued > 0 || stored.row.running > 0);
        let rows = busy.map(|(id, Stored { profile, .. })| FactsRow {
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

    fn catalogs(&self) -> Read<'_, Vec<CatalogRow>> {
        ready(lock(&self.tables).catalogs.values().cloned().collect())
    }

    fn promotions(&self) -> Read<'_, Vec<Promotion>> {
        ready(lock(&self.tables).promotions.values().cloned().collect())
    }

    fn usage<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a UsageFilter,
        keys: &'a [UsageKey],
    ) -> Read<'a, Vec<UsageRow>> {
        ready(lock(&self.tables).usage(workspace, filter, keys))
    }

    fn balance_at<'a>(&'a self, workspace: &'a WorkspaceId, at: Millis) -> Read<'a, Option<PastBalance>> {
        ready(lock(&self.tables).balance_at(workspace, at))
    }

    fn member_settled<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        member: &'a MemberId,
        from: Millis,
    ) -> Read<'a, (Credits, u64)> {
        ready(lock(&self.tables).member_settled(workspace, member, from))
    }

    fn aged(&self, after: Option<JobId>, before: Millis, count_max: u32) -> Read<'_, Vec<AgedJob>> {
        let tables = lock(&self.tables);
        let end = JobId::from_parts(before, 0);
        let ids = tables.jobs.keys().filter(|id| after.is_none_or(|after| **id > after) && **id < end);
        let aged = |record: JobRecord| AgedJob {
            id: record.intro.id,
            workspace: record.intro.workspace.clone(),
            finished_at: record.state.finished_at,
            shed: record.shed,
        };
        ready(ids.filter_map(|id| tables.record(*id)).take(count_max as usize).map(aged).collect())
    }

    fn ending<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<EndingRow>> {
        let tables = lock(&self.tables);
        let after = |id: &WorkspaceId| page.after.as_deref().is_none_or(|after| id.as_str() > after);
        let ending = |phase: Phase| matches!(phase, Phase::Closed | Phase::Erasing);
        let rows =
            tables.workspaces.iter().filter(|(id, stored)| after(id) && ending(stored.profile.phase()));
        let row = |(id, stored): (&WorkspaceId, &Stored)| EndingRow {
            workspace: id.clone(),
            phase: stored.profile.phase(),
            queued: stored.row.queued,
        };
        ready(rows.take(page.limit as usize).map(row).collect())
    }

    fn has_answers_before(&self, at: Millis) -> Read<'_, bool> {
        ready(lock(&self.tables).answers.values().any(|answer| answer.at < at))
    }

    fn has_answers_of<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, bool> {
        ready(lock(&self.tables).answers.keys().any(|(of, _)| of == workspace))
    }

    fn reconcile<'a>(&'a self, span: DaySpan, page: &'a Page) -> Read<'a, Reconciled> {
        ready(lock(&self.tables).reconcile(span, page))
    }

    fn newest_at(&self) -> Read<'_, Option<Millis>> {
        let tables = lock(&self.tables);
        ready(tables.workspaces.values().map(|stored| stored.row.last_event_at).max())
    }
}
