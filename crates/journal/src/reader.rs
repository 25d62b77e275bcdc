//! Everything that is read from the store, apart from the writer.
//!
//! Decisions never come from here but from the owner actor; these reads serve pages, rebuilds and recovery.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reeve_jobs::{Sequence, Status};
use reeve_types::{
    ActionName, Credits, JobId, KeyId, LeaseId, MemberId, Millis, PoolName, PurchaseId, TierName, WorkspaceId,
};
use reeve_workspace::{
    Answer, Claim, JobIntro, JobState, Kind, Member, Profile, Promotion, PurchaseRow, Row, State,
};

use crate::change::{CatalogRow, KeyRow};
use crate::insight::{PastBalance, UsageFilter, UsageKey, UsageRow};
use crate::reconcile::{DaySpan, Reconciled};
use crate::tidy::{AgedJob, EndingRow, Shed};
use crate::webhooks::WebhookReader;

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The environment's fault; worth a retry.
    #[error("the store cannot be read: {0}")]
    Unavailable(String),
    /// A row that we could not have written.
    #[error("table `{table}` column `{column}` row `{id}` is damaged: {detail}")]
    Damaged { table: &'static str, column: &'static str, id: String, detail: String },
}

/// A read under way.
pub type Read<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A workspace rebuilt from the store.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub state: State,
    /// Hashes of its idempotency keys (see [`key_hash`]), any of them when there are more than
    /// [`KEY_HASHES_MAX`].
    pub key_hashes: Vec<u64>,
    /// True when these are all there are, so that an absent one is certainly new.
    pub keys_complete: bool,
}

/// A workspace as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceRecord {
    pub id: WorkspaceId,
    pub version: u64,
    pub profile: Profile,
    pub available: Credits,
    pub held: Credits,
    pub debt: Credits,
    pub running: u32,
    pub queued: u64,
}

/// A job, live or final.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    pub intro: Arc<JobIntro>,
    pub state: JobState,
    /// What age or erasing took of it.
    pub shed: Shed,
}

/// A remembered answer and the version it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub fingerprint: [u8; 16],
    pub body: Arc<str>,
    pub at: Millis,
}

impl From<&Answer> for StoredAnswer {
    fn from(answer: &Answer) -> Self {
        Self { fingerprint: answer.fingerprint, body: answer.body.clone(), at: answer.at }
    }
}

/// What the queue needs of a waiting job, without building its workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedRow {
    pub job: JobId,
    pub workspace: WorkspaceId,
    pub pool: PoolName,
    pub action: ActionName,
    pub work_ms: Option<u32>,
    pub priority: i32,
    pub sequence: Sequence,
    pub not_before: Option<Millis>,
    pub attempts_lost: u16,
}

/// A lease that outlived a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct LeasedRow {
    pub lease: LeaseId,
    /// Its place, for when it comes back.
    pub sequence: Sequence,
    pub priority: i32,
    pub work_ms: Option<u32>,
    pub workspace: WorkspaceId,
    pub pool: PoolName,
    pub action: ActionName,
    pub worker: Arc<str>,
    pub session: Arc<str>,
    pub granted_at: Millis,
    pub run_deadline_at: Millis,
    pub unknown_until: Option<Millis>,
    pub cancelling: bool,
}

/// What the dispatcher knows of a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct FactsRow {
    pub workspace: WorkspaceId,
    pub tier: TierName,
    pub concurrency_max: Option<u32>,
    pub paused: bool,
}

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The last entry already seen.
    pub after: Option<String>,
    pub limit: u32,
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobFilter {
    pub workspace: Option<WorkspaceId>,
    pub status: Option<Status>,
    pub action: Option<ActionName>,
    /// Created at or after.
    pub since: Option<Millis>,
    /// Created before.
    pub until: Option<Millis>,
    pub member: Option<MemberId>,
    /// Ended with this error.
    pub error: Option<String>,
    /// A member of the metadata's object, and the text or number that it is.
    pub metadata: Option<(String, String)>,
}

/// Jobs looked at for one page: what a filter passes over must not make a page cost as much as the table.
pub const JOBS_LOOKED_AT_MAX: u32 = 10_000;

/// How much earlier than its job's creation an id may have been made, in milliseconds: ids are made before a command
/// waits for its turn, and a clock may have stood still.
pub const ID_LEAD_MS_MAX: i64 = 86_400_000;

/// A part of the jobs that match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobsFound {
    pub rows: Vec<JobRecord>,
    /// Set when [`JOBS_LOOKED_AT_MAX`] were looked at before the page was full: where the next page goes on.
    pub looked_to: Option<JobId>,
}

/// Which ledger rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LedgerFilter {
    pub job: Option<JobId>,
    pub member: Option<MemberId>,
    pub kind: Option<Kind>,
    pub from: Option<Millis>,
    pub to: Option<Millis>,
}

/// All reads.
pub trait Reader: WebhookReader {
    /// The whole live state of a workspace; `None` when it does not exist.
    fn load<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<Loaded>>;
    /// A workspace as lists show it.
    fn workspace<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Option<WorkspaceRecord>>;
    /// Workspaces in order of id.
    fn workspaces<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<WorkspaceRecord>>;
    /// One job.
    fn job(&self, job: JobId) -> Read<'_, Option<JobRecord>>;
    /// What never changes of these jobs, in no certain order. One that is not there is left out.
    ///
    /// For jobs that live, however many: unlike [`Self::job`], it waits for nothing that is changing about them.
    fn intros<'a>(&'a self, jobs: &'a [JobId]) -> Read<'a, Vec<Arc<JobIntro>>>;
    /// Jobs, newest first.
    fn jobs<'a>(&'a self, filter: &'a JobFilter, page: &'a Page) -> Read<'a, JobsFound>;
    /// Ledger rows of a workspace in order of sequence.
    fn ledger<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a LedgerFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<Row>>;
    /// Purchases of a workspace in order of id.
    fn purchases<'a>(&'a self, workspace: &'a WorkspaceId, page: &'a Page) -> Read<'a, Vec<PurchaseRow>>;
    /// The purchase of an id, and whose it is.
    fn purchase(&self, id: PurchaseId) -> Read<'_, Option<(WorkspaceId, PurchaseRow)>>;
    /// The purchase of a payment, and whose it is.
    fn purchase_by_payment<'a>(&'a self, payment: &'a str) -> Read<'a, Option<(WorkspaceId, PurchaseRow)>>;
    /// Whose a claim is.
    fn claimed<'a>(&'a self, claim: &'a Claim) -> Read<'a, Option<WorkspaceId>>;
    /// Members of a workspace who have, or had, a limit, in order of id.
    fn members<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<(MemberId, Member)>>;
    /// A remembered answer.
    fn answer<'a>(&'a self, workspace: &'a WorkspaceId, key: &'a str) -> Read<'a, Option<StoredAnswer>>;
    /// All lots of a workspace, spent ones too, in order of id.
    fn lots<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, Vec<reeve_credits::lot::Lot>>;
    /// Workspaces whose `next_due_at` has come, earliest first.
    fn due(&self, now: Millis, count_max: u32) -> Read<'_, Vec<WorkspaceId>>;
    /// Waiting jobs in order of id, from slim columns.
    fn queued(&self, after: Option<JobId>, count_max: u32) -> Read<'_, Vec<QueuedRow>>;
    /// Every stored lease.
    fn leased(&self) -> Read<'_, Vec<LeasedRow>>;
    /// Facts of every workspace that has a live job.
    fn facts(&self) -> Read<'_, Vec<FactsRow>>;
    /// Every key, revoked ones too.
    fn keys(&self) -> Read<'_, Vec<KeyRow>>;
    /// The key of an id.
    fn key(&self, id: KeyId) -> Read<'_, Option<KeyRow>>;
    /// Every published version, in order of name and version.
    fn catalogs(&self) -> Read<'_, Vec<CatalogRow>>;
    /// Every promotion, in order of id.
    fn promotions(&self) -> Read<'_, Vec<Promotion>>;
    /// What a workspace used, grouped by `keys` and in their order (member, action, day; none first).
    ///
    /// At most [`crate::USAGE_ROWS_MAX`] rows. Without keys it is one row, also when nothing was used.
    fn usage<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        filter: &'a UsageFilter,
        keys: &'a [UsageKey],
    ) -> Read<'a, Vec<UsageRow>>;
    /// What a workspace had after all that happened up to and including `at`; `None` when there is no such
    /// workspace.
    fn balance_at<'a>(&'a self, workspace: &'a WorkspaceId, at: Millis) -> Read<'a, Option<PastBalance>>;
    /// What a member settled since `from`, and the sequence number of the workspace's last ledger row at
    /// that moment (0 when there is none).
    fn member_settled<'a>(
        &'a self,
        workspace: &'a WorkspaceId,
        member: &'a MemberId,
        from: Millis,
    ) -> Read<'a, (Credits, u64)>;
    /// The oldest jobs in order of id, whatever they have lost, up to those created at `before`.
    fn aged(&self, after: Option<JobId>, before: Millis, count_max: u32) -> Read<'_, Vec<AgedJob>>;
    /// Closed workspaces that are not erased, in order of id.
    fn ending<'a>(&'a self, page: &'a Page) -> Read<'a, Vec<EndingRow>>;
    /// Whether an answer is remembered from before an instant.
    fn has_answers_before(&self, at: Millis) -> Read<'_, bool>;
    /// Whether an answer of a workspace is remembered.
    fn has_answers_of<'a>(&'a self, workspace: &'a WorkspaceId) -> Read<'a, bool>;
    /// Sums of the next workspaces after one, so many at most, each seen at one moment.
    fn reconcile<'a>(&'a self, span: DaySpan, page: &'a Page) -> Read<'a, Reconciled>;
    /// The newest instant that any workspace has seen; a manual clock must not start before it.
    fn newest_at(&self) -> Read<'_, Option<Millis>>;
}

/// The hash under which an actor remembers an idempotency key: FNV-1a, stable across builds.
pub fn key_hash(key: &str) -> u64 {
    key.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Most key hashes that a rebuilt workspace remembers.
pub const KEY_HASHES_MAX: u32 = 65_536;
