//! Start-up: the queue and the lease table from slim columns, without building actors.
//!
//! Ends before the first request is served, so nothing competes with what it reads.

use std::sync::Arc;

use reeve_journal::{QueuedRow, StoreError};
use reeve_types::{WorkerName, WorkspaceId};
use reeve_workspace::QueueEntry;

use crate::dispatcher::{Facts, Recover};
use crate::leases::{Grant, SessionKey};
use crate::shared::Shared;

/// Rows read at a time.
const PAGE_ROWS: u32 = 10_000;

/// What was found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recovered {
    pub queued: u64,
    pub leased: u64,
}

/// Fills dispatcher and lease table from the store.
pub(crate) async fn recover(shared: &Arc<Shared>) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    let facts = shared.reader.facts().await?;
    let facts = facts.into_iter().map(|row| {
        let facts = Facts { tier: row.tier, cap: row.concurrency_max, paused: row.paused };
        (row.workspace, facts)
    });
    // Leases first: a workspace's sync replaces what is known of it.
    let running = leases(shared, &mut recovered).await?;
    send(shared, Recover { facts: facts.collect(), queued: Vec::new(), running }).await;
    let mut rows = shared.reader.queued(None, PAGE_ROWS).await?;
    while let Some(after) = rows.last().map(|row| row.job) {
        recovered.queued += rows.len() as u64;
        let queued = std::mem::take(&mut rows).into_iter().map(entry).collect();
        let recover = Recover { facts: Vec::new(), queued, running: Vec::new() };
        // The next page is read while the dispatcher takes this one.
        let (read, ()) =
            futures_util::join!(shared.reader.queued(Some(after), PAGE_ROWS), send(shared, recover));
        rows = read?;
    }
    Ok(recovered)
}

async fn leases(
    shared: &Arc<Shared>,
    recovered: &mut Recovered,
) -> Result<Vec<(WorkspaceId, QueueEntry)>, StoreError> {
    let (now, now_ms) = (shared.clock.now(), shared.leases_now_ms());
    let mut running = Vec::new();
    for row in shared.reader.leased().await? {
        let Ok(worker) = WorkerName::new(&row.worker) else { continue };
        // A manual clock moves deadlines and credits, never leases: how long it ran cannot be read off it.
        let ran_from = if shared.clock.is_manual() { row.granted_at } else { now };
        let run_ms = u64::try_from(row.run_deadline_at.since(ran_from)).unwrap_or(0);
        let session = SessionKey { worker, session: row.session };
        let grant = Grant { lease: row.lease, workspace: row.workspace.clone(), session, run_ms };
        shared.leases.restore(grant, now_ms);
        if row.cancelling {
            shared.leases.cancel(row.lease);
        }
        if row.unknown_until.is_some() {
            shared.leases.await_fate(row.lease);
        }
        recovered.leased += 1;
        // With its place: it comes back to it when the lease is given up.
        let entry = QueueEntry {
            job: row.lease.job,
            pool: row.pool,
            action: row.action,
            work_ms: row.work_ms,
            priority: row.priority,
            sequence: row.sequence,
            not_before: None,
            attempts_lost: 0, // says only why a queued job waits
        };
        running.push((row.workspace, entry));
    }
    Ok(running)
}

fn entry(row: QueuedRow) -> (WorkspaceId, QueueEntry) {
    let QueuedRow { job, workspace, pool, action, work_ms, priority, sequence, not_before, attempts_lost } =
        row;
    (workspace, QueueEntry { job, pool, action, work_ms, priority, sequence, not_before, attempts_lost })
}

async fn send(shared: &Arc<Shared>, message: Recover) {
    if let Some(dispatcher) = shared.dispatcher.get() {
        // `send` waits for the handler, so pages do not pile up in the mailbox.
        let _ = dispatcher.send(message).await;
    }
}
