//! Everything that is read from the memory journal.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use reeve_credits::lot::Lot;
use reeve_jobs::Status;
use reeve_types::{Credits, JobId, KeyId, LeaseId, MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Member, Promotion, PurchaseRow, Row};

use super::tables::Stored;
use super::{MemoryJournal, lock};
use crate::change::{CatalogRow, KeyRow};
use crate::insight::{PastBalance, UsageFilter, UsageKey, UsageRow};
use crate::reader::{
    FactsRow, JobFilter, JobRecord, LeasedRow, LedgerFilter, Loaded, Page, QueuedRow, Read, Reader,
    StoreError, StoredAnswer, WorkspaceRecord,
};

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

    fn newest_at(&self) -> Read<'_, Option<Millis>> {
        let tables = lock(&self.tables);
        ready(tables.workspaces.values().map(|stored| stored.row.last_event_at).max())
    }
}
