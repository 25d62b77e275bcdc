//! Table `jobs`: what never changes, what changes while it lives, what its end adds.
//!
//! Column lists for four statements: a job that just waits is its introduction and its hold, one that went further in
//! the batch of its admission is all columns, a live change the second list, a close what is left at the end. What
//! has one value in all rows of a statement stands in its text, because each cell of a row costs. A live change leaves
//! `live` alone, so that no index is touched by it.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use reeve_credits::hold::Hold;
use reeve_credits::price::Quote;
use reeve_jobs::{JobError, Lease, Sequence, Status};
use reeve_journal::{JobRecord, LeasedRow, QueuedRow, Shed, ShedJob, StoreError};
use reeve_types::{ActionName, JobId, LeaseId, Millis, ObjectText, PoolName, TierName, WorkspaceId};
use reeve_workspace::{JobIntro, JobState};
use rustc_hash::FxHashMap;

use super::cells::Cells;
use super::columns::{Cast, Columns, int, text};
use crate::journal::encode::{Row, Rows};

/// What a job is found by.
pub(crate) const KEY: &Columns = &[text("id")];

/// Written once.
pub(crate) const INTRO: &Columns = &[
    text("id"),
    text("workspace"),
    text("pool"),
    text("action"),
    int("work_ms"),
    int("priority"),
    int("admitted_at"),
    int("admitted_n"),
    int("attempts_max"),
    int("outputs_count"),
    int("queue_deadline_at"),
    int("run_timeout_ms"),
    int("created_at"),
    text("tier"),
    text("member"),
    text("quote"),
    text("params"),
    text("metadata"),
    text("webhook"),
    text("retry_of"),
];

/// Changes while it lives.
pub(crate) const LIVE: &Columns = &[
    text("status"),
    int("attempt"),
    int("attempts_lost"),
    int("lapses"),
    int("not_before"),
    int("started_at"),
    int("lease_granted_at"),
    int("lease_run_deadline_at"),
    int("lease_unknown_until"),
    text("lease_worker"),
    text("lease_session"),
    text("hold"),
];

/// Changes at its end.
pub(crate) const END: &Columns = &[
    int("live"),
    int("settled"),
    int("released"),
    int("finished_at"),
    int("closed_by"),
    text("error_code"),
    text("error_message"),
    text("outputs"),
];

/// What [`read`] reads of a live job: all but its parameters, metadata and webhook, and `live` itself.
pub(crate) fn live() -> Vec<(&'static str, Cast)> {
    let unread = ["params", "metadata", "webhook", "live"];
    let all = [INTRO, LIVE, END].into_iter().flatten().copied().chain([int("shed")]);
    all.filter(|(name, _)| !unread.contains(name)).collect()
}

/// What a job that waits since its admission has beside its introduction.
pub(crate) const WAITING: &Columns = &[text("hold")];

/// The other columns of such a job that are not null.
pub(crate) const WAITING_IS: &[(&str, &str)] = &[
    ("live", "1"),
    ("status", "'queued'"),
    ("attempt", "0"),
    ("attempts_lost", "0"),
    ("lapses", "0"),
    ("settled", "0"),
    ("released", "0"),
];

/// What a close writes.
pub(crate) const CLOSED: &Columns = &[
    text("id"),
    text("status"),
    int("attempt"),
    int("attempts_lost"),
    int("lapses"),
    int("not_before"),
    int("started_at"),
    text("hold"),
    int("settled"),
    int("released"),
    int("finished_at"),
    int("closed_by"),
    text("error_code"),
    text("error_message"),
    text("outputs"),
];

/// What every closed job has.
pub(crate) const CLOSED_IS: &[(&str, &str)] = &[
    ("live", "0"),
    ("lease_granted_at", "NULL"),
    ("lease_run_deadline_at", "NULL"),
    ("lease_unknown_until", "NULL"),
    ("lease_worker", "NULL"),
    ("lease_session", "NULL"),
];

/// What a closed job loses, and what is left of its outputs then.
pub(crate) const SHED: &Columns = &[text("id"), int("shed"), text("outputs")];

/// The texts that a job without content has.
pub(crate) const EMPTY_IS: &[(&str, &str)] =
    &[("params", "'{}'"), ("metadata", "NULL"), ("webhook", "NULL"), ("error_message", "NULL")];

/// What its uploads are found by.
pub(crate) const UPLOADS: &Columns = &[text("job")];

/// Whether nothing happened to a job since its admission, so that [`write_waiting`] tells all of it.
pub(crate) fn is_waiting(state: &JobState) -> bool {
    let JobState { status, attempt, attempts_lost, lapses, not_before, started_at, lease, .. } = state;
    let JobState { settled, released, finished_at, closed_by, error, outputs, hold: _, .. } = state;
    matches!(status, Status::Queued)
        && (*attempt, *attempts_lost, *lapses) == (0, 0, 0)
        && not_before.is_none()
        && started_at.is_none()
        && lease.is_none()
        && (settled.micros(), released.micros()) == (0, 0)
        && finished_at.is_none()
        && closed_by.is_none()
        && error.is_none()
        && outputs.is_empty()
}

/// A job admitted in this batch that waits; how long the text is up to the end of its introduction.
pub(crate) fn write_waiting(rows: &mut Rows, intro: &JobIntro, state: &JobState) -> usize {
    let cells = intro_cells(rows.row(), intro);
    let introduced = cells.len();
    cells.json(&state.hold).done(INTRO.len() + WAITING.len());
    introduced
}

/// The same job at its latest values, with its introduction as [`write_waiting`] wrote it.
pub(crate) fn write_moved(rows: &mut Rows, introduction: &str, state: &JobState) {
    let cells = rows.row_from((introduction, INTRO.len()));
    end_cells(live_cells(cells, state), state).done(INTRO.len() + LIVE.len() + END.len());
}

/// A job admitted in this batch, at its latest values.
pub(crate) fn write_new(rows: &mut Rows, intro: &JobIntro, state: &JobState) {
    let cells = end_cells(live_cells(intro_cells(rows.row(), intro), state), state);
    cells.done(INTRO.len() + LIVE.len() + END.len());
}

/// A job that goes on.
pub(crate) fn write_live(rows: &mut Rows, id: JobId, state: &JobState) {
    live_cells(rows.row().id(id), state).done(KEY.len() + LIVE.len());
}

/// A job that loses something.
pub(crate) fn write_shed(rows: &mut Rows, job: &ShedJob) {
    let cells = rows.row().id(job.id).int(job.shed.bits());
    let cells = if job.outputs.is_empty() { cells.null() } else { cells.json(&job.outputs) };
    cells.done(SHED.len());
}

/// A job's id alone.
pub(crate) fn write_key(rows: &mut Rows, id: JobId) {
    rows.row().id(id).done(KEY.len());
}

/// A job that ended; it must have no lease.
pub(crate) fn write_final(rows: &mut Rows, id: JobId, state: &JobState) {
    let cells = rows
        .row()
        .id(id)
        .id(state.status.as_str())
        .int(state.attempt)
        .int(state.attempts_lost)
        .int(state.lapses)
        .opt_int(state.not_before.map(|at| at.value()))
        .opt_int(state.started_at.map(|at| at.value()))
        .json(&state.hold);
    outcome_cells(cells, state).done(CLOSED.len());
}

fn intro_cells<'a>(cells: Row<'a>, intro: &JobIntro) -> Row<'a> {
    cells
        .id(intro.id)
        .id(&intro.workspace)
        .id(&intro.pool)
        .id(&intro.action)
        .opt_int(intro.work_ms)
        .int(intro.priority)
        .int(intro.sequence.admitted_at.value())
        .int(intro.sequence.n)
        .int(intro.attempts_max)
        .int(intro.outputs)
        .int(intro.queue_deadline_at.value())
        .int(intro.run_timeout_ms)
        .int(intro.created_at.value())
        .id(&intro.tier)
        .opt_text(intro.member.as_ref().map(|member| member.as_str()))
        .json(&intro.quote)
        .text(intro.params.as_str())
        .opt_text(intro.metadata.as_deref())
        .opt_text(intro.webhook.as_deref())
        .opt_id(intro.retry_of)
}

fn live_cells<'a>(cells: Row<'a>, state: &JobState) -> Row<'a> {
    let lease = state.lease.as_ref();
    cells
        .id(state.status.as_str())
        .int(state.attempt)
        .int(state.attempts_lost)
        .int(state.lapses)
        .opt_int(state.not_before.map(|at| at.value()))
        .opt_int(state.started_at.map(|at| at.value()))
        .opt_int(lease.map(|lease| lease.granted_at.value()))
        .opt_int(lease.map(|lease| lease.run_deadline_at.value()))
        .opt_int(lease.and_then(|lease| lease.unknown_until).map(|at| at.value()))
        .opt_text(lease.map(|lease| lease.worker.as_str()))
        .opt_text(lease.map(|lease| &*lease.session))
        .json(&state.hold)
}

fn end_cells<'a>(cells: Row<'a>, state: &JobState) -> Row<'a> {
    outcome_cells(cells.int(u8::from(!state.status.is_final())), state)
}

fn outcome_cells<'a>(cells: Row<'a>, state: &JobState) -> Row<'a> {
    let cells = cells
        .int(state.settled.micros())
        .int(state.released.micros())
        .opt_int(state.finished_at.map(|at| at.value()))
        .opt_int(state.closed_by)
        .opt_text(state.error.as_ref().map(|error| &*error.code))
        .opt_text(state.error.as_ref().map(|error| &*error.message));
    if state.outputs.is_empty() { cells.null() } else { cells.json(&state.outputs) }
}

/// Shares equal texts among the rows of one read: a workspace's jobs have few prices, actions and pools.
#[derive(Default)]
pub(crate) struct Interned {
    quotes: HashMap<String, Arc<Quote>>,
    actions: HashMap<String, ActionName>,
    pools: HashMap<String, PoolName>,
    tiers: HashMap<String, TierName>,
    workspaces: HashMap<String, WorkspaceId>,
}

impl Interned {
    fn quote(&mut self, cells: &Cells<'_>) -> Result<Arc<Quote>, StoreError> {
        cells.known("quote", &mut self.quotes, |text| cells.json_text("quote", text).map(Arc::new))
    }

    fn action(&mut self, cells: &Cells<'_>) -> Result<ActionName, StoreError> {
        cells.known("action", &mut self.actions, |_| cells.parse("action"))
    }

    fn pool(&mut self, cells: &Cells<'_>) -> Result<PoolName, StoreError> {
        cells.known("pool", &mut self.pools, |_| cells.parse("pool"))
    }

    fn tier(&mut self, cells: &Cells<'_>) -> Result<TierName, StoreError> {
        cells.known("tier", &mut self.tiers, |_| cells.parse("tier"))
    }

    fn workspace(&mut self, cells: &Cells<'_>) -> Result<WorkspaceId, StoreError> {
        cells.known("workspace", &mut self.workspaces, |_| cells.parse("workspace"))
    }
}

/// Which texts a reader wants parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All of a job.
    Full,
    /// What a live job needs in memory: no parameters, metadata or webhook.
    Live,
}

/// A stored job; uploads of its lease are not here.
pub(crate) fn read(
    cells: &Cells<'_>,
    interned: &mut Interned,
    depth: Depth,
) -> Result<JobRecord, StoreError> {
    let intro = read_intro(cells, interned, depth)?;
    let shed = Shed::from_bits(cells.int("shed")?);
    Ok(JobRecord { intro: Arc::new(intro), state: read_state(cells)?, shed })
}

/// What never changes of it.
pub(crate) fn read_intro(
    cells: &Cells<'_>,
    interned: &mut Interned,
    depth: Depth,
) -> Result<JobIntro, StoreError> {
    let mut intro = JobIntro {
        id: cells.parse("id")?,
        workspace: interned.workspace(cells)?,
        action: interned.action(cells)?,
        pool: interned.pool(cells)?,
        tier: interned.tier(cells)?,
        member: cells.opt_parse("member")?,
        priority: cells.int("priority")?,
        sequence: Sequence { admitted_at: cells.millis("admitted_at")?, n: cells.int("admitted_n")? },
        outputs: cells.int("outputs_count")?,
        work_ms: cells.opt_int("work_ms")?,
        queue_deadline_at: cells.millis("queue_deadline_at")?,
        run_timeout_ms: cells.int("run_timeout_ms")?,
        attempts_max: cells.int("attempts_max")?,
        quote: interned.quote(cells)?,
        params: ObjectText::default(),
        metadata: None,
        webhook: None,
        retry_of: cells.opt_parse("retry_of")?,
        created_at: cells.millis("created_at")?,
    };
    if depth == Depth::Full {
        intro.params = cells.json("params")?;
        intro.metadata = cells.opt_shared("metadata")?;
        intro.webhook = cells.opt_shared("webhook")?;
    }
    Ok(intro)
}

fn read_state(cells: &Cells<'_>) -> Result<JobState, StoreError> {
    let status = cells.word("status", Status::from_word)?;
    let lease = read_lease(cells)?;
    if lease.is_some() != matches!(status, Status::Running | Status::Cancelling) {
        return Err(cells.damaged("lease_worker", format!("does not fit status `{}`", status.as_str())));
    }
    let error = match (cells.opt_shared("error_code")?, cells.opt_shared("error_message")?) {
        (Some(code), message) => Some(JobError { code, message: message.unwrap_or_default() }),
        (None, _) => None,
    };
    let outputs = cells.opt_text("outputs")?.map(|text| cells.json_text("outputs", &text)).transpose()?;
    Ok(JobState {
        status,
        attempt: cells.int("attempt")?,
        attempts_lost: cells.int("attempts_lost")?,
        lapses: cells.int("lapses")?,
        not_before: cells.opt_millis("not_before")?,
        started_at: cells.opt_millis("started_at")?,
        lease,
        hold: cells.json::<Hold>("hold")?,
        settled: cells.credits("settled")?,
        released: cells.credits("released")?,
        finished_at: cells.opt_millis("finished_at")?,
        closed_by: cells.opt_int("closed_by")?,
        error,
        outputs: outputs.unwrap_or_default(),
    })
}

fn read_lease(cells: &Cells<'_>) -> Result<Option<Lease>, StoreError> {
    let Some(worker) = cells.opt_parse("lease_worker")? else {
        return Ok(None);
    };
    Ok(Some(Lease {
        attempt: cells.int("attempt")?,
        worker,
        session: cells.shared("lease_session")?,
        granted_at: cells.millis("lease_granted_at")?,
        run_deadline_at: cells.millis("lease_run_deadline_at")?,
        unknown_until: cells.opt_millis("lease_unknown_until")?,
        uploads: Vec::new(),
    }))
}

/// Columns of a waiting job, in the order of [`Slim`].
pub(crate) const QUEUED: &str =
    "id, workspace, pool, action, work_ms, priority, admitted_at, admitted_n, not_before, attempts_lost";

/// A waiting job in a packed page.
#[derive(serde::Deserialize)]
struct Slim<'a>(&'a str, &'a str, &'a str, &'a str, Option<u32>, i32, i64, u64, Option<i64>, u16);

/// The waiting jobs of a packed page; `None` when a cell is not what it should be.
pub(crate) fn unpack_queued(text: &str) -> Option<Vec<QueuedRow>> {
    let mut workspaces = FxHashMap::<&str, WorkspaceId>::default();
    let mut pools = FxHashMap::<&str, PoolName>::default();
    let mut actions = FxHashMap::<&str, ActionName>::default();
    let mut queued = Vec::new();
    for slim in serde_json::from_str::<Vec<Slim<'_>>>(text).ok()? {
        let Slim(id, workspace, pool, action, work_ms, priority, admitted_at, n, not_before, attempts_lost) =
            slim;
        queued.push(QueuedRow {
            job: id.parse().ok()?,
            workspace: known(&mut workspaces, workspace)?,
            pool: known(&mut pools, pool)?,
            action: known(&mut actions, action)?,
            work_ms,
            priority,
            sequence: Sequence { admitted_at: Millis::from_millis(admitted_at), n },
            not_before: not_before.map(Millis::from_millis),
            attempts_lost,
        });
    }
    Some(queued)
}

/// One value for all rows with the same text.
fn known<'a, T: Clone + FromStr>(known: &mut FxHashMap<&'a str, T>, text: &'a str) -> Option<T> {
    if let Some(value) = known.get(text) {
        return Some(value.clone());
    }
    let value: T = text.parse().ok()?;
    known.insert(text, value.clone());
    Some(value)
}

/// A waiting job, from slim columns only.
pub(crate) fn read_queued(cells: &Cells<'_>, interned: &mut Interned) -> Result<QueuedRow, StoreError> {
    Ok(QueuedRow {
        job: cells.parse("id")?,
        workspace: interned.workspace(cells)?,
        pool: interned.pool(cells)?,
        action: interned.action(cells)?,
        work_ms: cells.opt_int("work_ms")?,
        priority: cells.int("priority")?,
        sequence: Sequence { admitted_at: cells.millis("admitted_at")?, n: cells.int("admitted_n")? },
        not_before: cells.opt_millis("not_before")?,
        attempts_lost: cells.int("attempts_lost")?,
    })
}

/// A stored lease, from slim columns only.
pub(crate) fn read_leased(cells: &Cells<'_>, interned: &mut Interned) -> Result<LeasedRow, StoreError> {
    Ok(LeasedRow {
        lease: LeaseId { job: cells.parse("id")?, attempt: cells.int("attempt")? },
        sequence: Sequence { admitted_at: cells.millis("admitted_at")?, n: cells.int("admitted_n")? },
        priority: cells.int("priority")?,
        work_ms: cells.opt_int("work_ms")?,
        workspace: interned.workspace(cells)?,
        pool: interned.pool(cells)?,
        action: interned.action(cells)?,
        worker: cells.shared("lease_worker")?,
        session: cells.shared("lease_session")?,
        granted_at: cells.millis("lease_granted_at")?,
        run_deadline_at: cells.millis("lease_run_deadline_at")?,
        unknown_until: cells.opt_millis("lease_unknown_until")?,
        cancelling: cells.word("status", Status::from_word)? == Status::Cancelling,
    })
}
