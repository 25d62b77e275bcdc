//! What workspaces tell of themselves and of their jobs, on its way into the queue.
//!
//! Hints may be lost, late, or of an actor that was replaced; a `Sync` says all of it anew, and what it says holds.

use actix::Handler;
use reeve_queue::{Entry, Gate, GateReason, Sequence, Ticket, TierIndex, WorkspaceFacts, WorkspaceKey};
use reeve_types::{ActionName, WorkspaceId};
use reeve_workspace::QueueEntry;
use rustc_hash::FxHashMap;

use super::actor::DispatcherActor;
use super::leasing::InFlight;
use super::message::{Facts, Hint, Hints, Recover, Sync};
use crate::settings::Rules;

/// What was last heard of a workspace.
pub(super) struct Known {
    /// Build of the actor that said it; 0 for the rows.
    epoch: u64,
    /// As told, not as the queue took them: new settings may read them differently.
    pub(super) facts: Option<Facts>,
}

impl DispatcherActor {
    /// Hints of an actor that was replaced say nothing any more.
    fn is_current(&mut self, workspace: &WorkspaceId, epoch: u64) -> bool {
        let known = self.known.entry(workspace.clone()).or_insert(Known { epoch, facts: None });
        if known.epoch > epoch {
            return false;
        }
        known.epoch = epoch;
        true
    }

    fn workspace(&mut self, id: &WorkspaceId, facts: &Facts) -> Option<WorkspaceKey> {
        let known = self.known.entry(id.clone()).or_insert(Known { epoch: 0, facts: None });
        if known.facts.as_ref() != Some(facts) {
            known.facts = Some(facts.clone());
        }
        let facts = self.in_force(facts, &self.shared.rules());
        self.set_facts(id, facts)
    }

    /// What the queue shall go by: the settings in force say what a workspace leaves open.
    pub(super) fn in_force(&self, facts: &Facts, rules: &Rules) -> WorkspaceFacts {
        let tier = self.queue.settings().tier(&facts.tier).unwrap_or(TierIndex(0));
        let cap = facts.cap.or(rules.tiers.get(tier.at()).map(|rules| rules.running_max));
        WorkspaceFacts { tier, cap_running: cap.unwrap_or(1), paused: facts.paused }
    }

    pub(super) fn set_facts(&mut self, id: &WorkspaceId, facts: WorkspaceFacts) -> Option<WorkspaceKey> {
        match self.queue.set_workspace(id, facts) {
            Ok(key) => Some(key),
            Err(bug) => {
                tracing::error!(workspace.id = %id, %bug, "the queue refuses a workspace");
                None
            }
        }
    }

    fn entry(&mut self, workspace: WorkspaceKey, entry: &QueueEntry) -> Option<Entry> {
        let pool = self.queue.settings().pool(&entry.pool)?;
        let action = self.action(&entry.action);
        if entry.attempts_lost == 0
            && let Some(until) = entry.not_before
        {
            self.gauges.put_off(entry.job, until);
        }
        // Within one millisecond the order of admission decides; the low bits are enough for that.
        let n = (entry.sequence.n & u64::from(u32::MAX)) as u32;
        Some(Entry {
            job: entry.job,
            workspace,
            pool,
            cost_ms: entry.work_ms,
            action,
            priority: entry.priority,
            sequence: Sequence { admitted_at: entry.sequence.admitted_at, n },
            gate: gate(entry),
        })
    }

    fn action(&mut self, name: &ActionName) -> u32 {
        let next = u32::try_from(self.actions.len()).unwrap_or(u32::MAX);
        *self.actions.entry(name.clone()).or_insert(next)
    }

    fn hint(&mut self, key: WorkspaceKey, hint: Hint) {
        let now = self.now();
        match hint {
            Hint::Enqueue(entry) => {
                if let Some(entry) = self.entry(key, &entry) {
                    // A job that is known already came with a `Sync` before its own hint.
                    let _ = self.queue.enqueue(entry, now);
                    self.predict(&entry);
                }
            }
            Hint::Requeue { entry, ran_ms } => {
                let known = self.queue.requeue(entry.job, ran_ms, gate(&entry), now);
                if let (false, Some(entry)) = (known, self.entry(key, &entry)) {
                    let _ = self.queue.enqueue(entry, now);
                }
            }
            Hint::Dequeue(job) => {
                self.gauges.forget(job);
                self.queue.remove(job);
            }
            Hint::Finish { job, ran_ms } => {
                self.queue.finish(job, ran_ms);
            }
        }
    }

    /// Reservations of a workspace that was rebuilt are void: its new actor never heard of them.
    fn forget_in_flight(&mut self, workspace: &WorkspaceId) {
        let void: Vec<Ticket> = self
            .in_flight
            .iter()
            .filter(|(_, at)| at.workspace == *workspace)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in void {
            if let Some(InFlight { request, .. }) = self.in_flight.remove(&ticket) {
                if let Some(waiting) = self.requests.get_mut(&request) {
                    waiting.in_flight = waiting.in_flight.saturating_sub(1);
                }
                self.answer_if_complete(request);
            }
        }
    }
}

fn gate(entry: &QueueEntry) -> Option<Gate> {
    // The first attempt waits because it was asked to, a later one because one was lost.
    let why = if entry.attempts_lost > 0 { GateReason::RetryBackoff } else { GateReason::NotBefore };
    entry.not_before.map(|until| Gate { until, why })
}

impl Handler<Hints> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: Hints, ctx: &mut Self::Context) {
        let Hints { workspace, epoch, facts, hints } = message;
        if !self.is_current(&workspace, epoch) {
            return;
        }
        if let Some(key) = self.workspace(&workspace, &facts) {
            for hint in hints {
                self.hint(key, hint);
            }
        }
        self.pump(ctx);
    }
}

impl Handler<Sync> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: Sync, ctx: &mut Self::Context) {
        let Sync { workspace, epoch, facts, queued, running, rebuilt } = message;
        if !self.is_current(&workspace, epoch) {
            return;
        }
        let Some(key) = self.workspace(&workspace, &facts) else { return };
        let queued: Vec<Entry> = queued.iter().filter_map(|entry| self.entry(key, entry)).collect();
        let running: Vec<Entry> = running.iter().filter_map(|entry| self.entry(key, entry)).collect();
        let now = self.now();
        if let Err(bug) = self.queue.sync(key, &queued, &running, now) {
            tracing::error!(workspace.id = %workspace, %bug, "the queue refuses a sync");
        }
        if rebuilt {
            self.forget_in_flight(&workspace);
        }
        self.pump(ctx);
    }
}

impl Handler<Recover> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: Recover, _: &mut Self::Context) {
        let now = self.now();
        for (workspace, facts) in &message.facts {
            self.workspace(workspace, facts);
        }
        self.queue.reserve(message.queued.len());
        for (workspace, entry) in &message.queued {
            let Some(key) = self.queue.workspace_key(workspace) else { continue };
            if let Some(entry) = self.entry(key, entry) {
                let _ = self.queue.enqueue(entry, now);
            }
        }
        let mut running: FxHashMap<WorkspaceId, Vec<Entry>> = FxHashMap::default();
        for (workspace, entry) in message.running {
            let Some(key) = self.queue.workspace_key(&workspace) else { continue };
            if let Some(entry) = self.entry(key, &entry) {
                running.entry(workspace).or_default().push(entry);
            }
        }
        for (workspace, entries) in running {
            let Some(key) = self.queue.workspace_key(&workspace) else { continue };
            if let Err(bug) = self.queue.sync(key, &[], &entries, now) {
                tracing::error!(workspace.id = %workspace, %bug, "the queue refuses a recovered lease");
            }
        }
    }
}
