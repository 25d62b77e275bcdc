//! The actor: hints in, reservations out, requests answered at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use reeve_queue::{
    Entry, FairQueue, Gate, GateReason, GiveBack, PoolIndex, Sequence, Taken, Ticket, TierIndex,
    WorkspaceFacts, WorkspaceKey,
};
use reeve_types::{ActionName, JobId, LeaseId, Millis, PoolName, WorkspaceId};
use reeve_workspace::{Command, LeaseJob, QueueEntry, Refusal, Reply};
use rustc_hash::FxHashMap;

use super::delivery::Delivery;
use super::gauges::Gauges;
use super::message::{
    Facts, Hint, Hints, Lease, LeaseDecided, Look, Recover, Reserved, Sync, Withdraw, WithdrawAll,
};
use super::request::Request;
use crate::call::{Answer, Call};
use crate::settings::Rules;
use crate::shared::{Counters, Shared};
use crate::task;
use crate::workspace::{Ask, Done, Execute, ReplyTo, Work};

/// Hints that may wait; beyond it the workspace is marked dirty and synced later.
const MAILBOX_MAX: usize = 65_536;
/// How often rates and idle slots are measured.
const GAUGE_MS: u64 = 250;
/// A job whose workspace could not answer is tried again after this.
const RETRY_MS: i64 = 100;

/// A reservation whose workspace has not answered.
pub(super) struct InFlight {
    request: u64,
    workspace: WorkspaceId,
    key: WorkspaceKey,
    pub(super) at: (PoolIndex, TierIndex),
    charge_ms: u32,
}

/// What was last heard of a workspace.
pub(super) struct Known {
    /// Build of the actor that said it; 0 for the rows.
    epoch: u64,
    /// As told, not as the queue took them: new settings may read them differently.
    pub(super) facts: Option<Facts>,
}

pub(crate) struct DispatcherActor {
    pub(super) shared: Arc<Shared>,
    pub(crate) queue: FairQueue,
    pub(super) known: FxHashMap<WorkspaceId, Known>,
    actions: FxHashMap<ActionName, u32>,
    pub(super) requests: BTreeMap<u64, Request>,
    pub(super) in_flight: FxHashMap<Ticket, InFlight>,
    wake: Option<(Millis, SpawnHandle)>,
    pub(crate) gauges: Gauges,
}

impl DispatcherActor {
    pub(crate) fn new(shared: Arc<Shared>, queue: FairQueue) -> Self {
        Self {
            shared,
            queue,
            known: FxHashMap::default(),
            actions: FxHashMap::default(),
            requests: BTreeMap::new(),
            in_flight: FxHashMap::default(),
            wake: None,
            gauges: Gauges::default(),
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.shared.clock.now()
    }

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

    /// Gives waiting requests what is eligible, and sets the alarm for the next gate.
    pub(super) fn pump(&mut self, ctx: &mut Context<Self>) {
        if !self.requests.is_empty() && !self.shared.is_stopping() {
            let ids: Vec<u64> = self.requests.keys().copied().collect();
            let mut dry = Vec::new();
            for id in ids {
                self.fill(id, &mut dry, ctx);
            }
        }
        self.set_alarm(ctx);
    }

    /// `dry` holds the pools that had nothing since something was last taken: thousands of workers that wait would else
    /// each ask anew at every hint.
    fn fill(&mut self, id: u64, dry: &mut Vec<PoolIndex>, ctx: &mut Context<Self>) {
        loop {
            let Some(request) = self.requests.get(&id) else { return };
            if request.open() == 0 {
                return self.answer_if_complete(id);
            }
            let Some(taken) = self.take(id, dry) else { return };
            dry.clear();
            self.reserve(id, taken, ctx);
        }
    }

    fn take(&mut self, id: u64, dry: &mut Vec<PoolIndex>) -> Option<Taken> {
        let now = self.now();
        let pools = &self.requests.get(&id)?.pools;
        if pools.iter().all(|pool| dry.contains(pool)) {
            return None;
        }
        let pools: Vec<PoolIndex> = pools.iter().filter(|pool| !dry.contains(pool)).copied().collect();
        pools.into_iter().find_map(|pool| {
            let slots_open = self.slots_open(pool);
            let taken = self.queue.take(pool, slots_open, now);
            if taken.is_none() {
                dry.push(pool);
            }
            taken
        })
    }

    /// Slots that waiting requests of a pool ask for.
    pub(crate) fn slots_open(&self, pool: PoolIndex) -> u32 {
        let naming = self.requests.values().filter(|request| request.pools.contains(&pool));
        naming.fold(0, |sum, request| sum.saturating_add(request.open()))
    }

    /// First phase done; asks the workspace for the second.
    fn reserve(&mut self, id: u64, taken: Taken, ctx: &mut Context<Self>) {
        let Some(workspace) = self.queue.workspace_id(taken.workspace).cloned() else { return };
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.in_flight += 1;
        let (worker, session) = (request.asked.worker.clone(), request.asked.session.clone());
        let in_flight = InFlight {
            request: id,
            workspace: workspace.clone(),
            key: taken.workspace,
            at: (taken.pool, taken.tier),
            charge_ms: taken.charge_ms,
        };
        self.in_flight.insert(taken.ticket, in_flight);
        let reply =
            ReplyTo::Dispatcher { addr: ctx.address(), ticket: taken.ticket, request: id, job: taken.job };
        let command = Command::Lease(LeaseJob { job: taken.job, worker, session });
        let work = Work { command, call: Call::default(), reply };
        match self.shared.registry.get(&workspace) {
            // Slots bound them, so that a crowd of submits cannot keep workers idle. An actor that ended drops the
            // message, and its drop answers "unavailable".
            Some(addr) => addr.do_send(Execute(Some(work))),
            None => {
                let shared = self.shared.clone();
                task::spawn(&self.shared.runtime, async move {
                    match shared.registry.find(&shared, &workspace).await {
                        Ok(addr) => addr.do_send(Execute(Some(work))),
                        Err(unavailable) => work.reply.send(Ask::Unavailable(unavailable)),
                    }
                });
            }
        }
    }

    fn decided(&mut self, message: LeaseDecided) {
        let LeaseDecided { ticket, request, job, ask } = message;
        let Some(in_flight) = self.in_flight.remove(&ticket) else { return self.give_up(ask) };
        let now = self.now();
        let grant = match ask {
            Ask::Done(done) => self.judge(&in_flight, ticket, (job, done.answer, done.reply)),
            Ask::Unavailable(_) | Ask::Returned(_) => {
                self.queue.give_back(ticket, self.later(now), now);
                None
            }
        };
        if let Some(request) = self.requests.get_mut(&request) {
            request.in_flight = request.in_flight.saturating_sub(1);
            request.grants.extend(grant);
        } else {
            // Nobody asks any more: dropping the delivery gives the lease back.
            drop(Delivery::new(self.shared.clone(), grant.into_iter().collect()));
        }
        self.answer_if_complete(request);
    }

    /// A `Sync` of a rebuilt owner voided the reservation meanwhile. A lease that the new owner granted all the same
    /// goes back at once: nobody waits for it, and until it lapsed the queue would offer a job that runs.
    fn give_up(&self, ask: Ask) {
        let Ask::Done(Done { reply: Some(Reply::Job { id, state, .. }), .. }) = ask else { return };
        let Some(lease) = &state.lease else { return };
        let (granted_at, run_deadline_at) = (lease.granted_at, lease.run_deadline_at);
        let lease = LeaseId { job: id, attempt: lease.attempt };
        if let Some(workspace) = self.shared.leases.workspace(lease) {
            let reserved = Reserved { lease, workspace, granted_at, run_deadline_at };
            drop(Delivery::new(self.shared.clone(), vec![reserved]));
        }
    }

    fn judge(
        &mut self,
        in_flight: &InFlight,
        ticket: Ticket,
        (job, answer, reply): (JobId, Answer, Option<Reply>),
    ) -> Option<Reserved> {
        let now = self.now();
        let workspace = &in_flight.workspace;
        if let Some(Reply::Job { state, .. }) = reply
            && let Some(lease) = &state.lease
        {
            if !self.queue.confirm(ticket) && self.queue.is_queued(job) {
                // A `Sync` that was older than the lease took the reservation back: the queue would offer a job
                // that runs.
                self.shared.mark_dirty(workspace);
            } else {
                let now_ms = self.shared.leases_now_ms();
                self.gauges.served(in_flight.at, in_flight.key, in_flight.charge_ms, now_ms);
            }
            self.note_start(in_flight.at, LeaseId { job, attempt: lease.attempt }, lease.granted_at);
            return Some(Reserved {
                lease: LeaseId { job, attempt: lease.attempt },
                workspace: workspace.clone(),
                granted_at: lease.granted_at,
                run_deadline_at: lease.run_deadline_at,
            });
        }
        Counters::add(&self.shared.counters.give_backs);
        let back = match answer {
            Answer::Refused(Refusal::NotLive { .. } | Refusal::NoSuchWorkspace { .. }) => GiveBack::Gone,
            _ => self.later(now),
        };
        self.queue.give_back(ticket, back, now);
        // The two disagree: the rows are the truth.
        self.shared.mark_dirty(workspace);
        None
    }

    /// Back to the queue, but not at once: whoever refused it would refuse it again.
    fn later(&self, now: Millis) -> GiveBack {
        if self.shared.clock.is_manual() {
            return GiveBack::Requeue;
        }
        GiveBack::RequeueGated(Gate { until: now.plus_ms(RETRY_MS), why: GateReason::RetryBackoff })
    }

    pub(super) fn answer_if_complete(&mut self, id: u64) {
        if !self.requests.get(&id).is_some_and(Request::is_complete) {
            return;
        }
        if let Some(request) = self.requests.remove(&id) {
            // A reply that nobody hears is dropped, and its leases go back.
            let _ = request.reply.send(Delivery::new(self.shared.clone(), request.grants));
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

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let next = self.queue.next_wake_at();
        if self.wake.as_ref().map(|(at, _)| *at) == next {
            return;
        }
        if let Some((_, handle)) = self.wake.take() {
            ctx.cancel_future(handle);
        }
        let Some(at) = next else { return };
        if at > self.now() && self.shared.clock.is_manual() {
            // It stands still: an alarm would ring for nothing, again and again. Who moves it tells.
            return;
        }
        let wait_ms = u64::try_from(at.since(self.now())).unwrap_or(0).clamp(1, 60_000);
        let handle = ctx.run_later(Duration::from_millis(wait_ms), |actor, ctx| {
            actor.wake = None;
            actor.open_gates(ctx);
        });
        self.wake = Some((at, handle));
    }

    pub(super) fn open_gates(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        self.queue.wake(now);
        self.pump(ctx);
    }

    /// (queued, reserved or running, reservations under way) of a workspace, as the queue has them.
    pub(crate) fn counts(&self, id: &WorkspaceId) -> (u64, u64, u64) {
        let Some(key) = self.queue.workspace_key(id) else { return (0, 0, 0) };
        let under_way = self.in_flight.values().filter(|at| at.workspace == *id).count();
        (self.queue.workspace_queued(key), self.queue.workspace_running(key).into(), under_way as u64)
    }

    #[cfg(test)]
    pub(super) fn in_flight_len(&self) -> usize {
        self.in_flight.len()
    }

    /// Workspaces that the queue knows, `count_max` of them after the first `from` in no particular order that
    /// stays the same while none is added.
    pub(crate) fn workspaces(&self, from: usize, count_max: usize) -> Vec<WorkspaceId> {
        self.known.keys().skip(from).take(count_max).cloned().collect()
    }

    /// True when a live worker serves the pool.
    pub(crate) fn has_worker(&self, pool: &PoolName) -> bool {
        self.requests.values().any(|request| request.asked.pools.contains(pool))
            || self.shared.leases.serves(pool)
    }
}

fn gate(entry: &QueueEntry) -> Option<Gate> {
    // The first attempt waits because it was asked to, a later one because one was lost.
    let why = if entry.attempts_lost > 0 { GateReason::RetryBackoff } else { GateReason::NotBefore };
    entry.not_before.map(|until| Gate { until, why })
}

impl Actor for DispatcherActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_MAX);
        ctx.run_interval(Duration::from_millis(GAUGE_MS), |actor, _| actor.measure());
    }
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

impl Handler<Lease> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: Lease, ctx: &mut Self::Context) {
        let Lease { id, request, reply } = message;
        let pools = request.pools.iter().filter_map(|pool| self.queue.settings().pool(pool)).collect();
        let request =
            Request { id, asked: request, pools, grants: Vec::new(), in_flight: 0, withdrawn: false, reply };
        self.requests.insert(request.id, request);
        self.fill(id, &mut Vec::new(), ctx);
    }
}

impl Handler<Withdraw> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, Withdraw(id): Withdraw, _: &mut Self::Context) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.withdrawn = true;
        }
        self.answer_if_complete(id);
    }
}

impl Handler<WithdrawAll> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, _: WithdrawAll, _: &mut Self::Context) {
        let ids: Vec<u64> = self.requests.keys().copied().collect();
        for id in ids {
            if let Some(request) = self.requests.get_mut(&id) {
                request.withdrawn = true;
            }
            self.answer_if_complete(id);
        }
    }
}

impl Handler<LeaseDecided> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: LeaseDecided, ctx: &mut Self::Context) {
        let refused = !matches!(&message.ask, Ask::Done(done) if !matches!(done.answer, Answer::Refused(_)));
        if refused && self.shared.clock.is_manual() {
            // A gate on a clock that stands still would never open: wait in real time instead.
            let wait = Duration::from_millis(RETRY_MS.unsigned_abs());
            ctx.run_later(wait, |actor, ctx| {
                actor.decided(message);
                actor.pump(ctx);
            });
            return;
        }
        self.decided(message);
        self.pump(ctx);
    }
}

#[cfg(test)]
impl Handler<super::message::Tamper> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: super::message::Tamper, _: &mut Self::Context) {
        (message.0)(self);
    }
}

impl Handler<Look> for DispatcherActor {
    type Result = ();

    fn handle(&mut self, message: Look, _: &mut Self::Context) {
        (message.0)(self);
    }
}
