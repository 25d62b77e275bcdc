//! The readers: everything that is read, on connections apart from the writer's.
//!
//! Called through `reeve_journal::Reader`. A read sees committed data only; what needs several
//! statements reads them in one snapshot.

mod db;
mod insight;
mod jobs;
mod ledger;
mod load;
mod packed;
mod platform;
mod reconcile;
mod recovery;
mod tidy;
mod webhooks;
mod workspaces;

use futures_util::FutureExt as _;
use reeve_credits::lot::Lot;
use reeve_journal::{
    AgedJob, CatalogRow, DaySpan, EndingRow, FactsRow, JobFilter, JobRecord, JobsFound, KeyRow, LeasedRow,
    LedgerFilter, Loaded, Page, PastBalance, QueuedRow, Read, Reader, Reconciled, StoredAnswer, UsageFilter,
    UsageKey, UsageRow, WorkspaceRecord,
};
use reeve_types::{Credits, JobId, KeyId, MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Claim, Member, Promotion, PurchaseRow, Row};
use sea_orm::DatabaseConnection;

pub(crate) use db::{end, snapshot, unavailable};
pub(crate) use jobs::after as jobs_after;
pub(crate) use ledger::after as ledger_after;
pub(crate) use load::{Lots, load, lots_of};
pub(crate) use workspaces::{figures, ids_after};

/// All reads over a pool of connections.
pub(crate) struct StoreReader {
    db: DatabaseConnection,
}

impl StoreReader {
    /// Reads through `db`.
    pub(crate) fn new(db: DatabaseConnection) -> Self {
        Self { db }
    }
}

impl Reader for StoreReader {
    fn load<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<Loaded>> {
        async move {
            let snapshot = snapshot(&self.db).await?;
            let loaded = load(&snapshot, workspace).await;
            end(snapshot).await;
            loaded
        }
        .boxed()
    }

    fn workspace<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<WorkspaceRecord>> {
        workspaces::one(&self.db, workspace).boxed()
    }

    fn workspaces<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<WorkspaceRecord>> {
        workspaces::page(&self.db, page).boxed()
    }

    fn job(&self, job: JobId) -> Read<'_, Option<JobRecord>> {
        jobs::one(&self.db, job).boxed()
    }

    fn jobs<'a>(&'a self, filter: &'a JobFilter, page: &'a Page) -> Read<'a, JobsFound> {
        jobs::page(&self.db, filter, page).boxed()
    }

    fn ledger<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a LedgerFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<Row>> {
        ledger::page(&self.db, workspace, (filter, page)).boxed()
    }

    fn purchases<'a>(&'a self, workspace: &'a WorkspaceId, page: &'a Page) -> Read<'a, Vec<PurchaseRow>> {
        workspaces::purchases(&self.db, workspace, page).boxed()
    }

    fn purchase(&self, id: PurchaseId) -> Read<'_, Option<(WorkspaceId, PurchaseRow)>> {
        workspaces::purchase(&self.db, id).boxed()
    }

    fn purchase_by_payment<'a>(&'a self, payment: &'a str) -> Read<'a, Option<(WorkspaceId, PurchaseRow)>> {
        workspaces::purchase_by_payment(&self.db, payment).boxed()
    }

    fn claimed<'a>(&'a self, claim: &'a Claim) -> Read<'a, Option<WorkspaceId>> {
        workspaces::claimed(&self.db, claim).boxed()
    }

    fn members<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<(MemberId, Member)>> {
        workspaces::members(&self.db, workspace).boxed()
    }

    fn answer<'a>(&'a self, workspace: &'a WorkspaceId, key: &'a str) -> Read<'a, Option<StoredAnswer>> {
        workspaces::answer(&self.db, workspace, key).boxed()
    }

    fn lots<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<Lot>> {
        lots_of(&self.db, workspace, Lots::All).boxed()
    }

    fn due(&self, now: Millis, count_max: u32) -> Read<'_, Vec<WorkspaceId>> {
        recovery::due(&self.db, now, count_max).boxed()
    }

    fn queued(&self, after: Option<JobId>, count_max: u32) -> Read<'_, Vec<QueuedRow>> {
        recovery::queued(&self.db, after, count_max).boxed()
    }

    fn leased(&self) -> Read<'_, Vec<LeasedRow>> {
        recovery::leased(&self.db).boxed()
    }

    fn facts(&self) -> Read<'_, Vec<FactsRow>> {
        recovery::facts(&self.db).boxed()
    }

    fn keys(&self) -> Read<'_, Vec<KeyRow>> {
        platform::keys(&self.db).boxed()
    }

    fn key(&self, id: KeyId) -> Read<'_, Option<KeyRow>> {
        platform::key(&self.db, id).boxed()
    }

    fn catalogs(&self) -> Read<'_, Vec<CatalogRow>> {
        platform::catalogs(&self.db).boxed()
    }

    fn promotions(&self) -> Read<'_, Vec<Promotion>> {
        platform::promotions(&self.db).boxed()
    }

    fn usage<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a UsageFilter,
        keys: &'a [UsageKey],
    ) -> Read<'a, Vec<UsageRow>> {
        async move {
            let snapshot = snapshot(&self.db).await?;
            let used = insight::usage(&snapshot, workspace, (filter, keys)).await;
            end(snapshot).await;
            used
        }
        .boxed()
    }

    fn balance_at<'a>(&'a self, workspace: &'a WorkspaceId, at: Millis) -> Read<'a, Option<PastBalance>> {
        async move {
            let snapshot = snapshot(&self.db).await?;
            let past = insight::balance_at(&snapshot, workspace, at).await;
            end(snapshot).await;
            past
        }
        .boxed()
    }

    fn member_settled<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        member: &'a MemberId,
        from: Millis,
    ) -> Read<'a, (Credits, u64)> {
        async move {
            let snapshot = snapshot(&self.db).await?;
            let settled = insight::member_settled(&snapshot, workspace, (member, from)).await;
            end(snapshot).await;
            settled
        }
        .boxed()
    }

    fn aged(&self, after: Option<JobId>, before: Millis, count_max: u32) -> Read<'_, Vec<AgedJob>> {
        tidy::aged(&self.db, after, (before, count_max)).boxed()
    }

    fn ending<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<EndingRow>> {
        tidy::ending(&self.db, page).boxed()
    }

    fn has_answers_before(&self, at: Millis) -> Read<'_, bool> {
        tidy::has_answers_before(&self.db, at).boxed()
    }

    fn has_answers_of<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, bool> {
        tidy::has_answers_of(&self.db, workspace).boxed()
    }

    fn reconcile<'a>(&'a self, span: DaySpan, page: &'a Page) -> Read<'a, Reconciled> {
        async move {
            let snapshot = snapshot(&self.db).await?;
            let sums = reconcile::reconcile(&snapshot, span, page).await;
            end(snapshot).await;
            sums
        }
        .boxed()
    }

    fn newest_at(&self) -> Read<'_, Option<Millis>> {
        workspaces::newest_at(&self.db).boxed()
    }
}
