//! The actor: its state, its clockwork, and looks at it. What comes in is in `hearing`, what goes out in `leasing`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, SpawnHandle};
use reeve_queue::{FairQueue, Ticket};
use reeve_types::{ActionName, Millis, PoolName, WorkspaceId};
use rustc_hash::FxHashMap;

use super::gauges::Gauges;
use super::hearing::Known;
use super::leasing::InFlight;
use super::message::Look;
use super::request::Request;
use crate::shared::Shared;

/// Hints that may wait; beyond it the workspace is marked dirty and synced later.
const MAILBOX_MAX: usize = 65_536;
/// How often rates and idle slots are measured.
const GAUGE_MS: u64 = 250;

/// The queue of all pools, and the requests that wait at it.
pub(crate) struct DispatcherActor {
    pub(super) shared: Arc<Shared>,
    pub(crate) queue: FairQueue,
    pub(super) known: FxHashMap<WorkspaceId, Known>,
    pub(super) actions: FxHashMap<ActionName, u32>,
    pub(super) requests: BTreeMap<u64, Request>,
    pub(super) in_flight: FxHashMap<Ticket, InFlight>,
    wake: Option<(Millis, SpawnHandle)>,
    /// Where answers to it go, once somebody needs to know.
    own: Option<Arc<Addr<Self>>>,
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
            own: None,
            gauges: Gauges::default(),
        }
    }

    /// Its own address; shared, because a copy of one is two pieces of memory.
    pub(super) fn address(&mut self, ctx: &Context<Self>) -> Arc<Addr<Self>> {
        self.own.get_or_insert_with(|| Arc::new(ctx.address())).clone()
    }

    pub(super) fn now(&self) -> Millis {
        self.shared.clock.now()
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

impl Actor for DispatcherActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX_MAX);
        ctx.run_interval(Duration::from_millis(GAUGE_MS), |actor, _| actor.measure());
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
