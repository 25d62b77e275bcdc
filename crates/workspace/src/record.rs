//! What one change writes: rows in domain types, final values only.
//!
//! The journal writes them without interpreting them; the store turns them into columns.

use std::sync::Arc;

use reeve_credits::hold::Hold;
use reeve_credits::lot::Lot;
use reeve_credits::price::Quote;
use reeve_jobs::{JobError, Lease, Output, Phase, Sequence, Status, Upload};
use reeve_types::{
    ActionName, Credits, JobId, MemberId, Millis, ObjectText, PoolName, TierName, WorkspaceId,
};

use crate::claim::Claim;
use crate::ledger::{Chain, Row};
use crate::member::{Member, Tallies};
use crate::profile::Profile;
use crate::purchase::PurchaseRow;
use crate::state::{LiveJob, State};

/// Everything one change set writes for its workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    /// The workspace's own row.
    pub workspace: WorkspaceRow,
    /// Touched lots, at their new values.
    pub lots: Vec<Lot>,
    /// Admitted jobs: what never changes of them.
    pub admitted: Vec<Arc<JobIntro>>,
    /// Touched jobs, at their new values.
    pub jobs: Vec<(JobId, JobState)>,
    /// Stored outputs: job, attempt, what was stored.
    pub uploads: Vec<(JobId, u32, Upload)>,
    /// Touched purchases, at their new values.
    pub purchases: Vec<PurchaseRow>,
    /// Touched members, at their new values.
    pub members: Vec<(MemberId, Member)>,
    /// New rows of the ledger, in order.
    pub ledger: Vec<Row>,
    /// What subscribers shall hear of, in order.
    pub outbox: Vec<OutboxRow>,
    /// Facts that become this workspace's, or the commit fails.
    pub claims: Vec<Claim>,
    /// Claims of this workspace that are free again.
    pub unclaims: Vec<Claim>,
    /// The answer to remember with the request's idempotency key.
    pub answer: Option<Answer>,
}

/// The workspace's own row: written with every change.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkspaceRow {
    /// `Some` when the profile changed (or the workspace is new).
    pub profile: Option<Box<Profile>>,
    /// `Some` when the small counts changed (or the workspace is new).
    pub tallies: Option<Box<Tallies>>,
    /// The end of its ledger.
    pub chain: Chain,
    /// Jobs admitted so far.
    pub admitted: u64,
    /// Lots made so far; the next one's id follows from it.
    pub lots_made: u64,
    /// Jobs that run.
    pub running: u32,
    /// Jobs that wait.
    pub queued: u64,
    /// Usable credits at its last change, less debt.
    pub available: Credits,
    /// Credits pinned for jobs.
    pub held: Credits,
    /// What a clawback could not recover (X13).
    pub debt: Credits,
    /// When it last changed; its time never goes back.
    pub last_event_at: Millis,
    /// When the calendar must wake it.
    pub next_due_at: Option<Millis>,
    /// The part of it that is not a job's deadline.
    pub outward_at: Option<Millis>,
}

impl WorkspaceRow {
    /// The row of a state, with the profile and the small counts when they changed.
    pub fn of(state: &State, (with_profile, with_tallies): (bool, bool)) -> Self {
        Self {
            profile: with_profile.then(|| Box::new(state.profile.clone())),
            tallies: with_tallies.then(|| Box::new(state.tallies.clone())),
            chain: state.chain,
            admitted: state.admitted,
            lots_made: state.lots_made,
            running: state.running,
            queued: state.queued(),
            available: state.available(state.last_event_at),
            held: state.held(),
            debt: state.debt,
            last_event_at: state.last_event_at,
            next_due_at: state.next_due_at(),
            outward_at: state.outward_at,
        }
    }
}

/// What never changes of a job: written once, at admission.
#[derive(Clone, Debug, PartialEq)]
pub struct JobIntro {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What is to be done.
    pub action: ActionName,
    /// The pool whose workers can do it.
    pub pool: PoolName,
    /// The tier at admission, as shown.
    pub tier: TierName,
    /// On whose behalf.
    pub member: Option<MemberId>,
    /// Order among the workspace's own jobs, higher first.
    pub priority: i32,
    /// Its place among jobs of the same priority.
    pub sequence: Sequence,
    /// How many outputs were asked for.
    pub outputs: u32,
    /// Declared cost in slot-milliseconds; measured when `None`.
    pub work_ms: Option<u32>,
    /// When it expires if no worker took it.
    pub queue_deadline_at: Millis,
    /// Longest run of one attempt, in milliseconds.
    pub run_timeout_ms: u64,
    /// Attempts that may be lost before it fails.
    pub attempts_max: u16,
    /// The price, frozen (X6).
    pub quote: Arc<Quote>,
    /// Parameters as sent.
    pub params: ObjectText,
    /// JSON text as sent.
    pub metadata: Option<Arc<str>>,
    /// Where to tell of this job.
    pub webhook: Option<Arc<str>>,
    /// The job that this one repeats.
    pub retry_of: Option<JobId>,
    /// When it was admitted.
    pub created_at: Millis,
}

/// An output of a closed job, with what it cost.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SettledOutput {
    /// The output.
    #[serde(flatten)]
    pub output: Output,
    /// What it was charged; zero unless it landed.
    pub credits: Credits,
}

/// What changes of a job: its latest values.
#[derive(Clone, Debug, PartialEq)]
pub struct JobState {
    /// Where it stands.
    pub status: Status,
    /// The latest attempt; 0 before the first.
    pub attempt: u32,
    /// Attempts that count against `attempts_max`.
    pub attempts_lost: u16,
    /// Attempts that were lost because nothing was heard of them.
    pub lapses: u16,
    /// While it waits: it is not ready earlier.
    pub not_before: Option<Millis>,
    /// When its first attempt began.
    pub started_at: Option<Millis>,
    /// The live lease; its uploads are rows of their own.
    pub lease: Option<Lease>,
    /// What is pinned now; empty once final.
    pub hold: Hold,
    /// Credits spent.
    pub settled: Credits,
    /// Credits given back.
    pub released: Credits,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// The attempt whose report closed it.
    pub closed_by: Option<u32>,
    /// Why it did not succeed.
    pub error: Option<JobError>,
    /// In order of index; only of closed jobs.
    pub outputs: Vec<SettledOutput>,
}

impl JobState {
    /// The values of a live job.
    pub fn of_live(live: &LiveJob) -> Self {
        let job = &live.job;
        let not_before = match job.phase {
            Phase::Queued { not_before } => not_before,
            _ => None,
        };
        Self {
            status: job.status(),
            attempt: job.attempt,
            attempts_lost: job.attempts_lost,
            lapses: job.lapses,
            not_before,
            started_at: job.started_at,
            lease: job.lease().cloned(),
            hold: live.hold.clone(),
            settled: Credits::ZERO,
            released: Credits::ZERO,
            finished_at: None,
            closed_by: None,
            error: None,
            outputs: Vec::new(),
        }
    }
}

/// Something that happened, for those who subscribed to hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its kind, such as `job.succeeded`.
    pub kind: &'static str,
    /// When it happened.
    pub at: Millis,
    /// The job that it is about, if it is about one.
    pub job: Option<JobId>,
    /// JSON text; small, since readers load the rest.
    pub body: String,
}

/// The remembered answer to a request with an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `<API key>:<Idempotency-Key>`; the workspace completes it.
    pub key: Arc<str>,
    /// Digest of the request: the same key with another body is refused.
    pub fingerprint: [u8; 16],
    /// JSON text of the reply or refusal.
    pub body: Arc<str>,
    /// When it was given; upkeep forgets it by its age.
    pub at: Millis,
}
