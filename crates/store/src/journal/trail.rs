//! For whose request a change set is written, and what its batch was like: for the log and for traces.
//!
//! Used by `handle`, where change sets come in and are answered. Guarantees: while spans are off it costs one look at a
//! flag and one at the clock for each change set; it never keeps an answer waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reeve_journal::CommitOutcome;
use reeve_telemetry::{Kind, Origin, Since, Span, Trace, is_on};
use reeve_types::WorkspaceId;

use super::work::Entry;

/// A change set that waited longer for its outcome is told of, in milliseconds.
const SLOW_MS: u64 = 2_000;
/// Such lines are at least so far apart, in milliseconds: when the disk hangs, everybody waits.
const SLOW_EVERY_MS: u64 = 1_000;
/// Request ids that one line names.
const NAMED_MAX: usize = 8;

/// Where a change set comes from. Small, since every change set in the queue has one.
pub(super) struct Trail {
    request: Option<Arc<str>>,
    /// Where its trace is kept.
    traced: Option<Box<Traced>>,
}

struct Traced {
    trace: Trace,
    /// When its batch began.
    begun: Since,
    /// Change sets and rows of its batch.
    batch: (usize, usize),
}

impl Trail {
    /// Of the work that this thread does now.
    pub(super) fn here() -> Self {
        let Origin { request, trace } = Origin::current();
        let kept = trace.filter(|trace| is_on() && trace.is_sampled());
        let traced = kept.map(|trace| Box::new(Traced { trace, begun: Since::now(), batch: (1, 0) }));
        Self { request, traced }
    }

    /// A batch begins: what its spans are to say is noted.
    pub(super) fn begin(entries: &mut [Entry]) {
        if !is_on() {
            return;
        }
        let batch = (entries.len(), entries.iter().map(|entry| entry.work.rows).sum());
        let begun = Since::now();
        for traced in entries.iter_mut().filter_map(|entry| entry.trail.traced.as_mut()) {
            (traced.begun, traced.batch) = (begun, batch);
        }
    }

    /// The change set has its outcome, so many milliseconds after it came.
    pub(super) fn end(self, workspace: &WorkspaceId, outcome: &CommitOutcome, waited_ms: u64) {
        let trace = self.traced.as_ref().map(|traced| traced.trace);
        if let Some(traced) = self.traced {
            traced.end(outcome, waited_ms);
        }
        if waited_ms >= SLOW_MS && is_time_to_tell() {
            let _entered = Origin { request: self.request, trace }.enter();
            tracing::warn!(workspace.id = %workspace, waited_ms, "a change waited long for its commit");
        }
    }
}

impl Traced {
    fn end(&self, outcome: &CommitOutcome, waited_ms: u64) {
        let mut span = Span::part_since("journal.batch", Kind::Internal, (Some(self.trace), self.begun));
        span.number("journal.batch.changes", self.batch.0);
        span.number("journal.batch.rows", self.batch.1);
        span.number("journal.waited_ms", waited_ms);
        match outcome {
            CommitOutcome::Durable => {}
            CommitOutcome::ClaimTaken(_) => span.text("journal.outcome", "claim_taken"),
            CommitOutcome::Aborted(_) => span.fail("aborted"),
            CommitOutcome::Unknown => span.fail("unknown"),
        }
    }
}

/// The requests that a batch is for, as one word of a line.
pub(super) fn requests(entries: &[Entry]) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for id in entries.iter().filter_map(|entry| entry.trail.request.as_deref()) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let more = ids.len().saturating_sub(NAMED_MAX);
    ids.truncate(NAMED_MAX);
    let named = ids.join(",");
    if more > 0 { format!("{named},and {more} more") } else { named }
}

fn is_time_to_tell() -> bool {
    static TOLD_MS: AtomicU64 = AtomicU64::new(0);
    let now_ms = crate::task::monotonic_ms();
    let told_ms = TOLD_MS.load(Ordering::Relaxed);
    let is_time = told_ms == 0 || now_ms.saturating_sub(told_ms) >= SLOW_EVERY_MS;
    // Of two that meet, one tells.
    is_time && TOLD_MS.compare_exchange(told_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}
