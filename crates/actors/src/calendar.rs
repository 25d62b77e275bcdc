//! Tasks outside the actors: the lease ticker and the calendar.
//!
//! Both only propose: a workspace decides what a lapse or a deadline means.

use std::sync::Arc;

use futures_util::StreamExt as _;
use reeve_types::WorkspaceId;
use reeve_workspace::{Command, Lapse};

use crate::call::Call;
use crate::engine::Engine;
use crate::shared::{Shared, lock};
use crate::task;
use crate::workspace::Resync;

/// Lapses proposed in one tick.
const LAPSES_MAX: usize = 1_024;
/// Workspaces woken in one tick: below live commands, since a wake can wait.
const WAKES_MAX: u32 = 256;
/// Wakes under way at once: few, so that a midnight never fills the journal ahead of live commands.
const WAKES_PARALLEL: usize = 16;
/// Ticks between two sweeps of what nobody needs any more.
const SWEEP_TICKS: u64 = 20;

/// Starts both.
pub(crate) fn start(shared: &Arc<Shared>) {
    let ticker = shared.clone();
    task::spawn(&shared.runtime, async move { tick_leases(ticker).await });
    let calendar = shared.clone();
    task::spawn(&shared.runtime, async move { tick_calendar(calendar).await });
}

/// Proposes lapses of leases that fell silent.
async fn tick_leases(shared: Arc<Shared>) {
    let tick_ms = shared.settings.tick_ms;
    let mut last_ms = shared.leases_now_ms();
    let mut ticks = 0_u64;
    while !shared.is_stopping() {
        task::sleep_ms(tick_ms).await;
        let now_ms = shared.leases_now_ms();
        let late_ms = now_ms.saturating_sub(last_ms + tick_ms);
        last_ms = now_ms;
        if late_ms > 4 * tick_ms {
            // The machine stood still: nobody could have been heard in that time.
            tracing::warn!(late_ms, "the lease ticker ran late; leases are extended");
            shared.leases.extend_all(late_ms);
        }
        if !shared.journal.health().can_commit {
            // Nobody could complete either.
            shared.leases.extend_all(tick_ms);
            continue;
        }
        for (due, workspace) in shared.leases.due(now_ms, LAPSES_MAX) {
            let lapse = Lapse { lease: due.lease, cause: due.cause };
            shared.counters.lapses.count(due.cause);
            tracing::info!(job.id = %due.lease.job, workspace.id = %workspace, cause = ?due.cause, "lease lapses");
            propose(&shared, workspace, Command::Lapse(lapse));
        }
        resync_dirty(&shared);
        ticks += 1;
        if ticks.is_multiple_of(SWEEP_TICKS) {
            shared.hub.sweep(shared.clock.now());
            shared.ends.sweep();
            shared.leases.sweep(now_ms);
            shared.registry.trim();
        }
    }
}

/// Wakes workspaces that are due by themselves. Real time between two looks, so that a manual clock that stands
/// still costs one indexed read a tick; who moves it folds what is due (`Engine::advance_clock`).
async fn tick_calendar(shared: Arc<Shared>) {
    while !shared.is_stopping() {
        task::sleep_ms(shared.settings.tick_ms.max(100) * 2).await;
        match shared.reader.due(shared.clock.now(), WAKES_MAX).await {
            Ok(due) => {
                let wakes = due.into_iter().map(|workspace| wake(&shared, workspace));
                futures_util::stream::iter(wakes).buffer_unordered(WAKES_PARALLEL).collect::<()>().await;
            }
            Err(error) => tracing::warn!(%error, "the calendar cannot read what is due"),
        }
    }
}

async fn wake(shared: &Arc<Shared>, workspace: WorkspaceId) {
    let engine = Engine::of(shared.clone());
    if let Err(error) = engine.execute(&workspace, Command::Wake, Call::default()).await {
        // It stays due, and is read again at the next tick.
        tracing::debug!(workspace.id = %workspace, %error, "a wake has to wait");
    }
}

fn propose(shared: &Arc<Shared>, workspace: WorkspaceId, command: Command) {
    let engine = Engine::of(shared.clone());
    task::spawn(&shared.runtime, async move {
        if let Err(error) = engine.execute(&workspace, command, Call::default()).await {
            // The table proposes it again after a lease period.
            tracing::debug!(workspace.id = %workspace, %error, "a proposal has to wait");
        }
    });
}

fn resync_dirty(shared: &Arc<Shared>) {
    let dirty = std::mem::take(&mut *lock(&shared.dirty));
    for workspace in dirty {
        if let Some(addr) = shared.registry.get(&workspace) {
            if addr.try_send(Resync).is_err() {
                shared.mark_dirty(&workspace);
            }
        } else {
            let owner = shared.clone();
            task::spawn(&shared.runtime, async move {
                let synced = owner
                    .registry
                    .find(&owner, &workspace)
                    .await
                    .is_ok_and(|addr| addr.try_send(Resync).is_ok());
                if !synced {
                    owner.mark_dirty(&workspace);
                }
            });
        }
    }
}
