//! A change set on its way through the journal: what of it is still needed, and who waits for it.
//!
//! Used by `handle`, where change sets come in, and by all that write them. Most of a change set is text as soon as it
//! comes, and its values are freed there, by the thread that made them: thousands are kept until they are in the tables,
//! and another thread that frees what has long left every cache is slow at it.

use std::sync::Arc;

use reeve_jobs::Upload;
use reeve_journal::{ChangeSet, CommitOutcome, Room};
use reeve_types::{JobId, MemberId, WorkspaceId};
use reeve_workspace::{Claim, JobIntro, JobState, Member, PurchaseRow, Records, WorkspaceRow};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::ahead::is_usual;
use super::encoded::Encoded;
use super::trail::Trail;
use super::weight::{bytes_of, rows_of};
use crate::task;

/// Who waits for an outcome. A caller that stopped waiting does not undo a commit.
pub(super) type Reply = oneshot::Sender<CommitOutcome>;

/// A change set: its rows as text, and the values of those that a later one may overtake or that others look at.
pub(super) struct Work {
    pub(super) workspace: WorkspaceId,
    /// The version it was decided on.
    pub(super) expected: u64,
    pub(super) row: WorkspaceRow,
    pub(super) admitted: SmallVec<[Arc<JobIntro>; 1]>,
    pub(super) jobs: SmallVec<[(JobId, JobState); 1]>,
    pub(super) uploads: Vec<(JobId, u32, Upload)>,
    pub(super) purchases: Vec<PurchaseRow>,
    pub(super) members: Vec<(MemberId, Member)>,
    pub(super) claims: Vec<Claim>,
    pub(super) unclaims: Vec<Claim>,
    /// The idempotency key of its answer.
    pub(super) key: Option<Arc<str>>,
    pub(super) encoded: Encoded,
    /// Rows in all.
    pub(super) rows: usize,
    /// Whether it is an admission, a lease or a close, and nothing more.
    pub(super) is_usual: bool,
    /// Of the change set as it came; its rows as text are about as much.
    pub(super) weight_bytes: usize,
}

impl Work {
    /// A change set, which may be written ahead or not.
    fn of(change: ChangeSet, ahead: bool) -> Self {
        let (is_usual, weight_bytes, rows) = (is_usual(&change), bytes_of(&change), rows_of(&change));
        let encoded = Encoded::of(&change, ahead && is_usual);
        let ChangeSet { workspace, expected, records } = change;
        let Records { workspace: row, admitted, jobs, uploads, purchases, members, .. } = *records;
        let Records { claims, unclaims, answer, lots: _, ledger: _, outbox: _, .. } = *records;
        let (admitted, jobs) = (admitted.into_iter().collect(), jobs.into_iter().collect());
        let key = answer.map(|answer| answer.key);
        Self {
            workspace,
            expected,
            row,
            admitted,
            jobs,
            uploads,
            purchases,
            members,
            claims,
            unclaims,
            key,
            encoded,
            rows,
            is_usual,
            weight_bytes,
        }
    }

    /// The version after it.
    pub(super) fn version(&self) -> u64 {
        self.expected.saturating_add(1)
    }
}

/// One change set with its caller.
pub(super) struct Entry {
    /// Shared with what is ahead, which outlives the answer.
    pub(super) work: Arc<Work>,
    pub(super) reply: Reply,
    /// When it was submitted, on the monotonic clock.
    pub(super) entered_ms: u64,
    /// Given back with the outcome.
    pub(super) room: Room,
    pub(super) trail: Trail,
}

impl Entry {
    /// A change set whose caller waits, and which may be written ahead or not.
    pub(super) fn new(change: ChangeSet, (reply, room): (Reply, Room), ahead: bool) -> Self {
        let work = Arc::new(Work::of(change, ahead));
        let entered_ms = task::monotonic_ms();
        Self { work, reply, entered_ms, room, trail: Trail::here() }
    }

    /// Whose it is.
    pub(super) fn workspace(&self) -> &WorkspaceId {
        &self.work.workspace
    }

    /// What is stored when its batch is written ahead; `None` when it cannot be.
    pub(super) fn piece(&self) -> Option<&str> {
        self.work.encoded.piece()
    }

    /// Answers before the commit, which a test asks for to see that it is noticed.
    pub(super) fn answer_early(&mut self) {
        let (nobody, _) = oneshot::channel();
        let _ = std::mem::replace(&mut self.reply, nobody).send(CommitOutcome::Durable);
    }
}
