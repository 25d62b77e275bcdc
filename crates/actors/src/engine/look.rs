//! Looking at what actors own: places in the queue, workers, streams.

use actix::Addr;
use reeve_queue::{PoolIndex, Position, TierStats, WaitingFor, WorkspaceKey};
use reeve_types::{JobId, PoolName, WorkspaceId};
use reeve_workspace::State;
use tokio::sync::oneshot;

use super::Engine;
use super::credits::folded;
use crate::call::{Progress, QueuePlace, Unavailable};
use crate::dispatcher::{DispatcherActor, JAIN_WINDOW_MS, Look, PoolView, QueueView, TierView};
use crate::gate::Asks;
use crate::hub::Subscription;
use crate::workspace::{Inspect, WorkspaceActor};

impl Engine {
    /// Looks at a workspace's state once everything it has seen is durable. `None` when it does not exist.
    ///
    /// A look that is lost with its actor is repeated on the next one: it changes nothing.
    pub(crate) async fn inspect<T: Send + 'static>(
        &self,
        workspace: &WorkspaceId,
        look: impl Fn(&State) -> T + Clone + Send + 'static,
    ) -> Result<Option<T>, Unavailable> {
        for _ in 0..super::ROUTES_MAX {
            let pass = self.pass(workspace, Asks::Look)?;
            let addr = self.shared.registry.find(&self.shared, workspace).await?;
            let (reply, answer) = oneshot::channel();
            let look = look.clone();
            let inspect = move |state: Option<&State>| {
                drop(pass);
                drop(reply.send(state.map(look)));
            };
            addr.do_send(Inspect(Box::new(inspect)));
            if let Ok(seen) = answer.await {
                return Ok(seen);
            }
        }
        Err(Unavailable::NOT_COMMITTED)
    }

    /// One look at the state of one actor, answered once everything decided before it is durable. The state may show
    /// what was decided meanwhile. `None` when the actor ends first, `Some(None)` when there is no such workspace.
    pub(crate) async fn inspect_at<T: Send + 'static>(
        actor: &Addr<WorkspaceActor>,
        look: impl Fn(&State) -> T + Send + 'static,
    ) -> Option<Option<T>> {
        let (reply, answer) = oneshot::channel();
        let inspect = Inspect(Box::new(move |state| drop(reply.send(state.map(look)))));
        actor.try_send(inspect).ok()?;
        answer.await.ok()
    }

    /// Lets somebody hear every report of progress, as it comes. It must not wait; the first one who asks is heard.
    pub fn on_progress(&self, tap: impl Fn(&WorkspaceId, JobId, &Progress) + Send + Sync + 'static) {
        self.shared.hub.tap(Box::new(tap));
    }

    /// The latest progress of a running job.
    pub fn progress_of(&self, job: JobId) -> Option<Progress> {
        self.shared.hub.progress(job)
    }

    /// Where a waiting job stands; `None` when it does not wait.
    pub async fn queue_place(&self, job: JobId) -> Option<QueuePlace> {
        let intro = self.introduced(job).await.ok()??;
        let (pool, workspace, now) = (intro.pool.clone(), Some(intro.workspace.clone()), self.now());
        self.look(move |dispatcher| {
            let position = dispatcher.queue.position(job)?;
            let waiting_for = dispatcher.queue.waiting_for(job, dispatcher.has_worker(&pool))?;
            let index = dispatcher.queue.settings().pool(&pool)?;
            let key = workspace.and_then(|workspace| dispatcher.queue.workspace_key(&workspace));
            let gate = dispatcher.queue.gate_until(job);
            let gate_ms = gate.and_then(|until| u64::try_from(until.since(now)).ok()).unwrap_or(0);
            Some(place(dispatcher, (key, index, position), waiting_for, gate_ms))
        })
        .await?
    }

    /// Where a job of this pool would stand if it were submitted now.
    pub async fn queue_preview(&self, workspace: &WorkspaceId, pool: &PoolName) -> Option<QueuePlace> {
        let shared = self.shared.clone();
        let tier = move |state: &State| folded(&shared, state, state.now(shared.clock.now())).profile.tier;
        let tier = self.inspect(workspace, tier).await.ok()??;
        let (workspace, pool) = (workspace.clone(), pool.clone());
        self.look(move |dispatcher| {
            let settings = dispatcher.queue.settings();
            let (tier, index) = (settings.tier(&tier)?, settings.pool(&pool)?);
            let key = dispatcher.queue.workspace_key(&workspace);
            let position = dispatcher.queue.position_if_enqueued(key, tier, index, 0)?;
            let has_worker = dispatcher.has_worker(&pool);
            let waiting_for = dispatcher.queue.waiting_for_if_enqueued(key, index, has_worker)?;
            Some(place(dispatcher, (key, index, position), waiting_for, 0))
        })
        .await?
    }

    /// All pools and tiers.
    pub async fn queue_stats(&self) -> QueueView {
        let now = self.shared.clock.now();
        let sessions = self.shared.leases.sessions();
        let finished = self.shared.counters.finished.view(self.shared.started_at);
        let view = self.look(move |dispatcher| {
            let settings = dispatcher.queue.settings();
            let pools = settings.pools.iter().filter_map(|pool| {
                let index = settings.pool(&pool.name)?;
                let stats = dispatcher.queue.stats(index)?;
                let has_worker = dispatcher.has_worker(&pool.name);
                let is_paused = stats.is_paused;
                let tiers = settings.tiers.iter().zip(&stats.tiers).map(|(tier, stats)| TierView {
                    waits: settings.tier(&tier.name).and_then(|at| dispatcher.gauges.waits(index, at)),
                    jain: settings.tier(&tier.name).and_then(|at| dispatcher.gauges.jain(index, at)),
                    waiting: waiting(stats, is_paused, has_worker),
                    name: tier.name.clone(),
                    depth: stats.depth(),
                    running: stats.running,
                    oldest_wait_ms: stats.oldest_admitted_at.and_then(|at| u64::try_from(now.since(at)).ok()),
                    floor_lag_ms: stats.floor_lag_ms,
                    served_ms: stats.served_ms,
                });
                Some(PoolView {
                    name: pool.name.clone(),
                    paused: stats.is_paused,
                    workers: sessions
                        .iter()
                        .filter(|(_, session)| session.pools.contains(&pool.name))
                        .count(),
                    slots_open: dispatcher.slots_open(index),
                    running: stats.running,
                    tiers: tiers.collect(),
                    eta_errors: dispatcher.gauges.eta_errors(index),
                    idle_eligible_ms: dispatcher.gauges.idle_eligible_ms(index),
                })
            });
            QueueView { pools: pools.collect(), finished, jain_window_ms: JAIN_WINDOW_MS }
        });
        view.await.unwrap_or_default()
    }

    /// Events of one job.
    pub fn subscribe_job(&self, job: JobId, after: Option<(u64, u64)>) -> Subscription {
        self.shared.hub.subscribe_job(job, after, self.now())
    }

    /// Ready once a job is final; never, if it is already: ask before looking at the job.
    pub fn hear_end(&self, job: JobId) -> oneshot::Receiver<()> {
        self.shared.ends.hear(job)
    }

    /// Events of all jobs of a workspace, and of its balance.
    pub fn subscribe_workspace(&self, workspace: WorkspaceId, after: Option<(u64, u64)>) -> Subscription {
        self.shared.hub.subscribe_workspace(workspace, after, self.now())
    }

    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&DispatcherActor) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let dispatcher = self.shared.dispatcher.get()?;
        dispatcher.try_send(Look(Box::new(move |dispatcher| drop(reply.send(look(dispatcher)))))).ok()?;
        answer.await.ok()
    }
}

/// A place with its estimate: none while paused or without a worker, since nobody knows for how long.
fn place(
    dispatcher: &DispatcherActor,
    (key, pool, position): (Option<WorkspaceKey>, PoolIndex, Position),
    waiting_for: WaitingFor,
    gate_ms: u64,
) -> QueuePlace {
    let is_known = !matches!(waiting_for, WaitingFor::Paused | WaitingFor::Worker);
    let eta = if is_known { dispatcher.eta_ms(key, pool, position) } else { None };
    let seconds = |ms: u64| ms.max(gate_ms).div_ceil(1_000);
    QueuePlace {
        position: position.ahead,
        eta_seconds: eta.map(|(p50_ms, _)| seconds(p50_ms)),
        eta_p90_seconds: eta.map(|(_, p90_ms)| seconds(p90_ms)),
        waiting_for: waiting_for.code(),
    }
}

/// Waiting jobs of a tier by what they wait for: the same order of reasons as for one job.
fn waiting(stats: &TierStats, is_paused: bool, has_worker: bool) -> [(&'static str, u64); 6] {
    let count = |reason: WaitingFor| match reason {
        WaitingFor::Paused if is_paused => stats.depth(),
        WaitingFor::Paused => stats.ready_paused,
        _ if is_paused => 0,
        WaitingFor::NotBefore => stats.gated_not_before,
        WaitingFor::RetryBackoff => stats.gated_backoff,
        WaitingFor::Worker if !has_worker => stats.ready + stats.ready_limited,
        WaitingFor::WorkspaceLimit if has_worker => stats.ready_limited,
        WaitingFor::Turn if has_worker => stats.ready,
        WaitingFor::Worker | WaitingFor::WorkspaceLimit | WaitingFor::Turn => 0,
    };
    WaitingFor::ALL.map(|reason| (reason.code(), count(reason)))
}
