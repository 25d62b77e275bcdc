//! Workers' requests: given what is eligible, in two phases, and answered once everything reserved for them is decided.

use std::time::Duration;

use actix::{AsyncContext, Context, Handler};
use reeve_queue::{Gate, GateReason, GiveBack, PoolIndex, Taken, Ticket, TierIndex, WorkspaceKey};
use reeve_types::{JobId, LeaseId, Millis, WorkspaceId};
use reeve_workspace::{Command, LeaseJob, Refusal, Reply};

use super::actor::DispatcherActor;
use super::delivery::Delivery;
use super::message::{Lease, LeaseDecided, Reserved, Withdraw, WithdrawAll};
use super::request::Request;
use crate::call::{Answer, Call};
use crate::shared::Counters;
use crate::task;
use crate::trail::Trail;
use crate::workspace::{Ask, Done, Execute, ReplyTo, Work};

/// A job whose workspace could not answer is tried again after this.
const RETRY_MS: i64 = 100;

/// A reservation whose workspace has not answered.
pub(super) struct InFlight {
    pub(super) request: u64,
    pub(super) workspace: WorkspaceId,
    key: WorkspaceKey,
    pub(super) at: (PoolIndex, TierIndex),
    admitted_at: Millis,
    charge_ms: u32,
}

impl DispatcherActor {
    /// `dry` holds the pools that had nothing since something was last taken: thousands of workers that wait would else
    /// each ask anew at every hint.
    pub(super) fn fill(&mut self, id: u64, dry: &mut Vec<PoolIndex>, ctx: &mut Context<Self>) {
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
        loop {
            let pool = *self.requests.get(&id)?.pools.iter().find(|pool| !dry.contains(pool))?;
            let slots_open = self.slots_open(pool);
            match self.queue.take(pool, slots_open, now) {
                None => dry.push(pool),
                taken => return taken,
            }
        }
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
            admitted_at: taken.admitted_at,
            charge_ms: taken.charge_ms,
        };
        self.in_flight.insert(taken.ticket, in_flight);
        let reply = ReplyTo::Dispatcher {
            addr: self.address(ctx),
            ticket: taken.ticket,
            request: id,
            job: taken.job,
        };
        let command = Command::Lease(LeaseJob { job: taken.job, worker, session });
        // The request that the job came with: who follows it sees it leased.
        let trail = Trail::of(self.shared.intros.origin(taken.job));
        let work = Work { command, call: Call::default(), reply, trail };
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
            let id = LeaseId { job, attempt: lease.attempt };
            self.note_start(in_flight.at, id, (in_flight.admitted_at, lease.granted_at));
            return Some(Reserved {
                lease: id,
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
