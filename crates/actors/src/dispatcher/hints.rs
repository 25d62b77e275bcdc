//! From effects of a durable change to hints: for the queue, the lease table and the hub.

use std::sync::Arc;

use reeve_jobs::{Phase, Status};
use reeve_types::WorkspaceId;
use reeve_workspace::{Effect, QueueEntry, State};

use super::message::{Facts, Hint, Hints, Sync};
use crate::hub::HubKind;
use crate::leases::{Grant, SessionKey};
use crate::shared::{Counters, Shared, lock};

/// Performs the effects of a durable change. Nothing here may fail or wait: what cannot be delivered
/// marks the workspace dirty, and a `Sync` follows.
pub(crate) fn perform(
    shared: &Arc<Shared>,
    (id, epoch): (&WorkspaceId, u64),
    state: Option<&State>,
    effects: Vec<Effect>,
) {
    let now_ms = shared.leases_now_ms();
    let now = shared.clock.now();
    let mut hints = Vec::new();
    let mut facts_changed = false;
    for effect in effects {
        match effect {
            Effect::Facts => facts_changed = true,
            Effect::Enqueue(entry) => enqueue(&mut hints, entry),
            Effect::Dequeue { job } => hints.push(Hint::Dequeue(job)),
            Effect::Leased { lease, worker, session, run_ms } => {
                let session = SessionKey { worker, session };
                shared.leases.grant(Grant { lease, workspace: id.clone(), session, run_ms }, now_ms);
            }
            Effect::LeaseEnded { lease, ran_ms } => {
                shared.leases.end(lease);
                hints.push(Hint::Finish { job: lease.job, ran_ms });
            }
            Effect::CancelLease { lease } => shared.leases.cancel(lease),
            Effect::AwaitFate { lease } => shared.leases.await_fate(lease),
            Effect::Status { job, status, attempt } => {
                if !matches!(status, Status::Running | Status::Cancelling) {
                    // Dropping the last address ends the job actor of that attempt.
                    lock(&shared.job_actors).remove(&job);
                    shared.hub.forget_progress(job);
                }
                if status.is_final() {
                    shared.intros.forget(job);
                    shared.ends.tell(job);
                }
                shared.hub.publish(id, Some(job), HubKind::Status { status, attempt }, now);
            }
            Effect::Closed { status, is_filtered } => shared.counters.finished.count(status, is_filtered),
            Effect::Uploaded { job, upload } => {
                shared.hub.publish(id, Some(job), HubKind::Output(upload), now)
            }
            Effect::Balance { available, held } => {
                shared.hub.publish(id, None, HubKind::Balance { available, held }, now);
            }
            // The calendar reads the store's index, where this is written already.
            Effect::DueAt(_) => {}
        }
    }
    if !hints.is_empty() || facts_changed {
        let Some(state) = state else { return };
        tell(shared, Hints { workspace: id.clone(), epoch, facts: facts(state), hints });
    }
}

/// A job that comes back right after its lease ended is one hint, so that its slot's time is settled
/// without being taken for the length of a finished job.
fn enqueue(hints: &mut Vec<Hint>, entry: QueueEntry) {
    if let Some(Hint::Finish { job, ran_ms }) = hints.last()
        && *job == entry.job
    {
        let ran_ms = *ran_ms;
        hints.pop();
        return hints.push(Hint::Requeue { entry, ran_ms });
    }
    hints.push(Hint::Enqueue(entry));
}

fn tell(shared: &Shared, hints: Hints) {
    let workspace = hints.workspace.clone();
    let delivered = shared.dispatcher.get().is_some_and(|addr| addr.try_send(hints).is_ok());
    if !delivered {
        shared.mark_dirty(&workspace);
    }
}

/// Tells the dispatcher everything of a workspace anew, and the lease table what it misses.
pub(crate) fn sync(
    shared: &Arc<Shared>,
    (id, epoch): (&WorkspaceId, u64),
    state: Option<&State>,
    rebuilt: bool,
) {
    let Some(state) = state else { return };
    Counters::add(&shared.counters.syncs);
    let mut queued = Vec::new();
    let mut running = Vec::new();
    for live in state.jobs.values() {
        match &live.job.phase {
            Phase::Queued { .. } => queued.push(live.queue_entry()),
            Phase::Running(lease) | Phase::Cancelling(lease) => {
                running.push(live.queue_entry());
                let granted = Grant {
                    lease: reeve_types::LeaseId { job: live.job.spec.id, attempt: lease.attempt },
                    workspace: id.clone(),
                    session: SessionKey { worker: lease.worker.clone(), session: lease.session.clone() },
                    run_ms: live.job.spec.run_timeout_ms,
                };
                let lease_id = granted.lease;
                shared.leases.grant(granted, shared.leases_now_ms());
                if matches!(live.job.phase, Phase::Cancelling(_)) {
                    shared.leases.cancel(lease_id);
                }
                if lease.unknown_until.is_some() {
                    shared.leases.await_fate(lease_id);
                }
            }
        }
    }
    let message = Sync { workspace: id.clone(), epoch, facts: facts(state), queued, running, rebuilt };
    let delivered = shared.dispatcher.get().is_some_and(|addr| addr.try_send(message).is_ok());
    if !delivered {
        shared.mark_dirty(id);
    }
}

fn facts(state: &State) -> Facts {
    Facts {
        tier: state.profile.tier.clone(),
        cap: state.profile.concurrency_max,
        paused: state.profile.paused,
    }
}
