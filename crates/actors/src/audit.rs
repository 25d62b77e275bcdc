//! The audit: does the dispatcher know what the rows say?
//!
//! A sweep counts waiting and leased jobs per workspace from the rows, a page at a time, and compares with the
//! queue. What differs is looked at again through its owner, since rows and queue are read at different instants; what
//! still differs is drift: counted, logged, and healed by a `Sync`. Drift is a bug of ours, so it must stay 0.
//!
//! It counts: a job that is missing and one too many in the same workspace and state hide each other. Memory is one
//! entry per workspace with live jobs, and all leases: rows come in order of job, so no part of the workspaces can be
//! counted alone without reading everything for each part.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use reeve_jobs::Phase;
use reeve_journal::StoreError;
use reeve_types::{JobId, WorkspaceId};
use reeve_workspace::State;
use rustc_hash::FxHashMap;

use crate::engine::Engine;
use crate::shared::{Counters, Shared};
use crate::task;

/// Rows, or workspaces, of one step.
const STEP: u32 = 1_000;
/// Workspaces of one sweep that are looked at again; the rest waits for the next one.
const SUSPECTS_MAX: usize = 256;
/// How often a suspect whose jobs move at that moment is looked at.
const LOOKS_MAX: usize = 5;
/// Differences that make a drift: a workspace whose hints got lost in a full mailbox is healed in between.
const DIFFERENCES_MIN: usize = 2;
/// Pause between two looks, in ticks of the calendar, which heals.
const LOOK_TICKS: u64 = 2;
/// Changes that wait for the journal: with more, the machine has better things to do.
const JOURNAL_DEPTH_MAX: usize = 256;

/// (waiting, leased).
type Counts = (u64, u64);

/// Starts the task.
pub(crate) fn start(shared: &Arc<Shared>) {
    let owner = shared.clone();
    task::spawn(&shared.runtime, async move {
        while !owner.is_stopping() {
            audit(&owner, owner.settings.audit_ms.max(1)).await;
        }
    });
}

/// One sweep, with this pause before each step, and what it leaves in the figures.
async fn audit(shared: &Arc<Shared>, pause_ms: u64) {
    match sweep(shared, pause_ms).await {
        Ok(Some(drifted)) => {
            shared.counters.drift_now.store(drifted, Ordering::Relaxed);
            shared.counters.drifts.fetch_add(drifted, Ordering::Relaxed);
            Counters::add(&shared.counters.audits);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "the audit cannot read the rows"),
    }
}

/// One pass over everything; workspaces that drifted. `None` when the server stops meanwhile.
async fn sweep(shared: &Arc<Shared>, pause_ms: u64) -> Result<Option<u64>, StoreError> {
    let mut counts: FxHashMap<WorkspaceId, Counts> = FxHashMap::default();
    let mut after: Option<JobId> = None;
    loop {
        if !pause(shared, pause_ms).await {
            return Ok(None);
        }
        let rows = shared.reader.queued(after, STEP).await?;
        for row in &rows {
            counts.entry(row.workspace.clone()).or_default().0 += 1;
        }
        match rows.last() {
            Some(last) if rows.len() == STEP as usize => after = Some(last.job),
            _ => break,
        }
    }
    for row in shared.reader.leased().await? {
        counts.entry(row.workspace).or_default().1 += 1;
    }
    let engine = Engine::of(shared.clone());
    let Some(suspects) = suspects(shared, &engine, &counts).await else { return Ok(None) };
    let mut drifted = 0;
    for workspace in suspects {
        if is_adrift(&engine, &workspace).await {
            tracing::error!(workspace.id = %workspace, "the queue differs from the rows; syncing");
            shared.mark_dirty(&workspace);
            drifted += 1;
        }
    }
    Ok(Some(drifted))
}

/// Waits for the next step; false when there is none.
async fn pause(shared: &Shared, pause_ms: u64) -> bool {
    loop {
        task::sleep_ms(pause_ms).await;
        if shared.is_stopping() {
            return false;
        }
        let health = shared.journal.health();
        if health.can_commit && health.depth <= JOURNAL_DEPTH_MAX {
            return true;
        }
    }
}

/// Workspaces whose counts differ, which may also be because they changed while the rows were read.
async fn suspects(
    shared: &Shared,
    engine: &Engine,
    counts: &FxHashMap<WorkspaceId, Counts>,
) -> Option<Vec<WorkspaceId>> {
    let mut suspects = Vec::new();
    // Of the rows that the queue should know, then of the queue that the rows should know.
    let mut left: Vec<WorkspaceId> = counts.keys().cloned().collect();
    let mut from = 0;
    loop {
        let batch: Vec<WorkspaceId> = left.split_off(left.len().saturating_sub(STEP as usize));
        let step = (batch, from);
        let seen = engine
            .look(move |dispatcher| {
                let (mut ids, from) = step;
                let is_rows = !ids.is_empty();
                if !is_rows {
                    ids = dispatcher.workspaces(from, STEP as usize);
                }
                let counted = ids.into_iter().map(|id| {
                    let (queued, running, _) = dispatcher.counts(&id);
                    (id, (queued, running))
                });
                (is_rows, counted.collect::<Vec<_>>())
            })
            .await;
        let (is_rows, seen) = seen?;
        if !is_rows {
            if seen.is_empty() {
                return Some(suspects);
            }
            from += seen.len();
        }
        let differ =
            seen.into_iter().filter(|(id, queue)| counts.get(id).copied().unwrap_or_default() != *queue);
        for (id, _) in differ {
            if suspects.len() < SUSPECTS_MAX && !suspects.contains(&id) {
                suspects.push(id);
            }
        }
        if shared.is_stopping() {
            return None;
        }
        tokio::task::yield_now().await;
    }
}

/// What one look at a suspect says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Same,
    /// It moves right now, or is being healed already.
    Moving,
    Differs,
}

/// True when the queue differs from the owner again and again, and nothing that is on its way explains it.
async fn is_adrift(engine: &Engine, workspace: &WorkspaceId) -> bool {
    let mut differed = 0;
    for _ in 0..LOOKS_MAX {
        match compare(engine, workspace).await {
            Seen::Same => return false,
            Seen::Moving => {}
            Seen::Differs => differed += 1,
        }
        if differed == DIFFERENCES_MIN {
            return true;
        }
        // Long enough for a `Sync` that was asked for already.
        task::sleep_ms(LOOK_TICKS.saturating_mul(engine.shared().settings.tick_ms)).await;
    }
    false
}

/// Compares owner and queue at one instant of the owner's life.
///
/// A state changes when a change is decided; its hints leave when that is durable. One look at the owner may
/// therefore show changes whose hints are still to come, and the same answer before and after a look at the queue
/// proves nothing: the hints may have come in between. Hence two looks before: a look is answered after everything
/// decided before it was asked is durable, so when the second says what the first did, the hints of all of it are in
/// the dispatcher's mailbox, ahead of the look at the queue. When a third look says the same, nothing was decided
/// meanwhile. All three go to one actor: the next one of a workspace may stand at the same version by other changes.
async fn compare(engine: &Engine, workspace: &WorkspaceId) -> Seen {
    let shared = engine.shared();
    let Ok(owner) = shared.registry.find(shared, workspace).await else { return Seen::Moving };
    let Some(first) = Engine::inspect_at(&owner, counted).await else { return Seen::Moving };
    let Some(second) = Engine::inspect_at(&owner, counted).await else { return Seen::Moving };
    let Some((_, counts)) = second else { return Seen::Same };
    let id = workspace.clone();
    let Some((queued, running, under_way)) = engine.look(move |dispatcher| dispatcher.counts(&id)).await
    else {
        return Seen::Moving;
    };
    if counts == (queued, running) {
        return Seen::Same;
    }
    let Some(third) = Engine::inspect_at(&owner, counted).await else { return Seen::Moving };
    // A reservation counts as running before its lease is decided, and a dirty workspace is known to differ.
    let explained = under_way > 0 || shared.is_dirty(workspace);
    if first == second && second == third && !explained { Seen::Differs } else { Seen::Moving }
}

/// The version of a state, and its waiting and leased jobs.
fn counted(state: &State) -> (u64, Counts) {
    let mut counts = Counts::default();
    for live in state.jobs.values() {
        match live.job.phase {
            Phase::Queued { .. } => counts.0 += 1,
            Phase::Running(_) | Phase::Cancelling(_) => counts.1 += 1,
        }
    }
    (state.version, counts)
}

#[cfg(test)]
mod tests;
