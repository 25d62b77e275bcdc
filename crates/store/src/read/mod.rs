//! The readers: everything that is read, on connections apart from the writer's.
//!
//! Called through `reeve_journal::Reader`. A read sees committed data only; what needs several
//! statements reads them in one snapshot.

mod db;
mod insight;
mod intros;
mod jobs;
mod ledger;
mod load;
mod packed;
mod platform;
mod reconcile;
mod recovery;
mod tidy;
mod webhooks;
mod whole;
mod workspaces;

use std::sync::Arc;

use futures_util::FutureExt as _;
use reeve_credits::lot::Lot;
use reeve_journal::{
    AgedJob, CatalogRow, DaySpan, EndingRow, FactsRow, JobFilter, JobRecord, JobsFound, KeyRow, LeasedRow,
    LedgerFilter, Loaded, Page, PastBalance, QueuedRow, Read, Reader, Reconciled, StoreError, StoredAnswer,
    UsageFilter, UsageKey, UsageRow, WorkspaceRecord, key_hash,
};
use reeve_types::{Credits, JobId, KeyId, MemberId, Millis, PurchaseId, WorkspaceId};
use reeve_workspace::{Claim, JobIntro, Member, Promotion, PurchaseRow, Row};
use sea_orm::DatabaseConnection;

use crate::journal::{Handle, Scope};
use crate::patience::Patience;
use crate::sqlite::syncs::Progress;

use whole::Whole;

pub(crate) use db::{end, snapshot, unavailable};
pub(crate) use jobs::after as jobs_after;
pub(crate) use ledger::after as ledger_after;
pub(crate) use load::{Lots, load, lots_of};
pub(crate) use workspaces::{figures, ids_after, newest_at};

/// The writer that readers are beside.
pub(crate) struct Beside {
    /// Knows what is ahead of the tables.
    pub(crate) journal: Arc<Handle>,
    /// Where rows can be read before they are on the disk.
    pub(crate) progress: Option<Arc<Progress>>,
}

/// All reads over a pool of connections.
pub(crate) struct StoreReader {
    db: DatabaseConnection,
    /// `None` for a database that somebody else may be writing.
    beside: Option<Beside>,
    patience: Arc<Patience>,
}

impl StoreReader {
    /// Reads through `db`.
    pub(crate) fn new(db: DatabaseConnection, beside: Option<Beside>, patience: Arc<Patience>) -> Self {
        Self { db, beside, patience }
    }

    /// Reads once the tables have what was answered before, of what `scope` says that it reads. What was read is told
    /// only once it is on the disk: somebody may hear an answer from here, and a power cut must not make it untrue.
    fn durable<'a, T: Send + 'a>(
        &'a self,
        scope: Scope,
        read: impl Future<Output = Result<T, StoreError>> + Send + 'a,
    ) -> Read<'a, T> {
        async move {
            if let Some(Beside { journal, .. }) = &self.beside {
                journal.caught_up(&scope).await?;
            }
            let found = self.patience.wait(read).await?;
            match self.beside.as_ref().and_then(|beside| beside.progress.as_ref()) {
                Some(progress) if !progress.settled().await => {
                    Err(StoreError::Unavailable("what was read cannot be synced to the disk".to_owned()))
                }
                _ => Ok(found),
            }
        }
        .boxed()
    }
}

impl StoreReader {
    /// The writer, where what it has may be ahead of the tables.
    fn journal(&self) -> Option<&Handle> {
        self.beside.as_ref().map(|beside| &*beside.journal)
    }
}

impl Reader for StoreReader {
    fn load<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<Loaded>> {
        self.durable(Scope::Workspace(workspace.clone()), async move {
            if let Whole::Read(loaded) = whole::load(&self.db, workspace).await {
                return Ok(loaded.map(|loaded| *loaded));
            }
            let snapshot = snapshot(&self.db).await?;
            let loaded = load(&snapshot, workspace).await;
            end(snapshot).await;
            loaded
        })
    }

    fn workspace<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<WorkspaceRecord>> {
        self.durable(Scope::Workspace(workspace.clone()), workspaces::one(&self.db, workspace))
    }

    fn workspaces<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<WorkspaceRecord>> {
        self.durable(Scope::All, workspaces::page(&self.db, page))
    }

    fn job(&self, job: JobId) -> Read<'_, Option<JobRecord>> {
        self.durable(Scope::Settled, async move {
            // First, because what is not there any more is in the tables by then.
            match self.journal().and_then(|journal| journal.job_ahead(job)) {
                None => jobs::one(&self.db, job).await,
                Some(ahead) if ahead.is_whole() => Ok(ahead.over(None)),
                Some(ahead) => Ok(ahead.over(jobs::one(&self.db, job).await?)),
            }
        })
    }

    fn intros<'a>(&'a self, jobs: &'a [JobId]) -> Read<'a, Vec<Arc<JobIntro>>> {
        self.durable(Scope::Settled, async move {
            let (mut found, mut rows) = (Vec::with_capacity(jobs.len()), Vec::with_capacity(jobs.len()));
            for job in jobs {
                let ahead = self.journal().and_then(|journal| journal.job_ahead(*job)?.intro);
                ahead.map_or_else(|| rows.push(*job), |intro| found.push(intro));
            }
            found.extend(intros::of(&self.db, &rows).await?);
            Ok(found)
        })
    }

    fn jobs<'a>(&'a self, filter: &'a JobFilter, page: &'a Page) -> Read<'a, JobsFound> {
        self.durable(of_jobs(filter), jobs::page(&self.db, filter, page))
    }

    fn ledger<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a LedgerFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<Row>> {
        self.durable(Scope::Workspace(workspace.clone()), ledger::page(&self.db, workspace, (filter, page)))
    }

    fn purchases<'a>(&'a self, workspace: &'a WorkspaceId, page: &'a Page) -> Read<'a, Vec<PurchaseRow>> {
        self.durable(Scope::Settled, workspaces::purchases(&self.db, workspace, page))
    }

    fn purchase(&self, id: PurchaseId) -> Read<'_, Option<(WorkspaceId, PurchaseRow)>> {
        self.durable(Scope::Settled, workspaces::purchase(&self.db, id))
    }

    fn purchase_by_payment<'a>(&'a self, payment: &'a str) -> Read<'a, Option<(WorkspaceId, PurchaseRow)>> {
        self.durable(Scope::Settled, workspaces::purchase_by_payment(&self.db, payment))
    }

    fn claimed<'a>(&'a self, claim: &'a Claim) -> Read<'a, Option<WorkspaceId>> {
        self.durable(Scope::Settled, workspaces::claimed(&self.db, claim))
    }

    fn members<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<(MemberId, Member)>> {
        self.durable(Scope::Settled, workspaces::members(&self.db, workspace))
    }

    fn answer<'a>(&'a self, workspace: &'a WorkspaceId, key: &'a str) -> Read<'a, Option<StoredAnswer>> {
        let scope = Scope::Answer(workspace.clone(), key_hash(key));
        self.durable(scope, workspaces::answer(&self.db, workspace, key))
    }

    fn lots<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<Lot>> {
        self.durable(Scope::Workspace(workspace.clone()), lots_of(&self.db, workspace, Lots::All))
    }

    fn due(&self, now: Millis, count_max: u32) -> Read<'_, Vec<WorkspaceId>> {
        self.durable(Scope::Settled, async move {
            let ahead = self.journal().map(Handle::due_ahead).unwrap_or_default();
            let outdated_max = u32::try_from(ahead.len()).unwrap_or(u32::MAX);
            let mut due = recovery::due(&self.db, now, count_max.saturating_add(outdated_max)).await?;
            due.retain(|(_, workspace)| !ahead.contains_key(workspace));
            due.extend(ahead.into_iter().filter_map(|(workspace, at)| Some((at?, workspace))));
            due.retain(|(at, _)| *at <= now);
            due.sort_unstable();
            due.truncate(usize::try_from(count_max).unwrap_or(usize::MAX));
            Ok(due.into_iter().map(|(_, workspace)| workspace).collect())
        })
    }

    fn queued(&self, after: Option<JobId>, count_max: u32) -> Read<'_, Vec<QueuedRow>> {
        self.durable(Scope::All, recovery::queued(&self.db, after, count_max))
    }

    fn leased(&self) -> Read<'_, Vec<LeasedRow>> {
        self.durable(Scope::All, recovery::leased(&self.db))
    }

    fn facts(&self) -> Read<'_, Vec<FactsRow>> {
        self.durable(Scope::Settled, recovery::facts(&self.db))
    }

    fn keys(&self) -> Read<'_, Vec<KeyRow>> {
        self.durable(Scope::Settled, platform::keys(&self.db))
    }

    fn key(&self, id: KeyId) -> Read<'_, Option<KeyRow>> {
        self.durable(Scope::Settled, platform::key(&self.db, id))
    }

    fn catalogs(&self) -> Read<'_, Vec<CatalogRow>> {
        self.durable(Scope::Settled, platform::catalogs(&self.db))
    }

    fn promotions(&self) -> Read<'_, Vec<Promotion>> {
        self.durable(Scope::Settled, platform::promotions(&self.db))
    }

    fn usage<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a UsageFilter,
        keys: &'a [UsageKey],
    ) -> Read<'a, Vec<UsageRow>> {
        self.durable(Scope::Workspace(workspace.clone()), async move {
            let snapshot = snapshot(&self.db).await?;
            let used = insight::usage(&snapshot, workspace, (filter, keys)).await;
            end(snapshot).await;
            used
        })
    }

    fn balance_at<'a>(&'a self, workspace: &'a WorkspaceId, at: Millis) -> Read<'a, Option<PastBalance>> {
        self.durable(Scope::Workspace(workspace.clone()), async move {
            let snapshot = snapshot(&self.db).await?;
            let past = insight::balance_at(&snapshot, workspace, at).await;
            end(snapshot).await;
            past
        })
    }

    fn member_settled<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        member: &'a MemberId,
        from: Millis,
    ) -> Read<'a, (Credits, u64)> {
        self.durable(Scope::Workspace(workspace.clone()), async move {
            let snapshot = snapshot(&self.db).await?;
            let settled = insight::member_settled(&snapshot, workspace, (member, from)).await;
            end(snapshot).await;
            settled
        })
    }

    fn aged(&self, after: Option<JobId>, before: Millis, count_max: u32) -> Read<'_, Vec<AgedJob>> {
        self.durable(Scope::All, tidy::aged(&self.db, after, (before, count_max)))
    }

    fn ending<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<EndingRow>> {
        self.durable(Scope::Settled, tidy::ending(&self.db, page))
    }

    fn has_answers_before(&self, at: Millis) -> Read<'_, bool> {
        self.durable(Scope::All, tidy::has_answers_before(&self.db, at))
    }

    fn has_answers_of<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, bool> {
        self.durable(Scope::Workspace(workspace.clone()), tidy::has_answers_of(&self.db, workspace))
    }

    fn reconcile<'a>(&'a self, span: DaySpan, page: &'a Page) -> Read<'a, Reconciled> {
        self.durable(Scope::All, async move {
            let snapshot = snapshot(&self.db).await?;
            let sums = reconcile::reconcile(&snapshot, span, page).await;
            end(snapshot).await;
            sums
        })
    }

    fn newest_at(&self) -> Read<'_, Option<Millis>> {
        self.durable(Scope::All, newest_at(&self.db))
    }
}

/// What a list of jobs reads.
fn of_jobs(filter: &JobFilter) -> Scope {
    filter.workspace.clone().map_or(Scope::All, Scope::Workspace)
}
