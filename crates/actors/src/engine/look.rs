//! Looking at what actors own: places in the queue, workers, streams.

use reeve_types::{JobId, PoolName, WorkspaceId};
use reeve_workspace::State;
use tokio::sync::oneshot;

use super::Engine;
use super::credits::folded;
use crate::call::{Progress, QueuePlace, Unavailable};
use crate::dispatcher::{DispatcherActor, Look, PoolView, QueueView, TierView, WorkerSession};
use crate::hub::Subscription;
use crate::workspace::Inspect;

impl Engine {
    /// Looks at a workspace's state once everything it has seen is durable. `None` when it does not exist.
    ///
    /// A look that is lost with its actor is repeated on the next one: it changes nothing.
    pub(super) async fn inspect<T: Send + 'static>(
        &self,
        workspace: &WorkspaceId,
        look: impl Fn(&State) -> T + Clone + Send + 'static,
    ) -> Result<Option<T>, Unavailable> {
        for _ in 0..super::ROUTES_MAX {
            let addr = self.shared.registry.find(&self.shared, workspace).await?;
            let (reply, answer) = oneshot::channel();
            let look = look.clone();
            let inspect = Inspect(Box::new(move |state| drop(reply.send(state.map(look)))));
            if let Err(actix::prelude::SendError::Full(_)) = addr.try_send(inspect) {
                return Err(Unavailable::OVERLOADED);
            }
            if let Ok(seen) = answer.await {
                return Ok(seen);
            }
        }
        Err(Unavailable::NOT_COMMITTED)
    }

    /// The latest progress of a running job.
    pub fn progress_of(&self, job: JobId) -> Option<Progress> {
        self.shared.hub.progress(job)
    }

    /// Where a waiting job stands; `None` when it does not wait.
    pub async fn queue_place(&self, job: JobId) -> Option<QueuePlace> {
        let pool = match self.intro(job) {
            Some(intro) => intro.pool.clone(),
            None => self.job(job).await.ok()??.intro.pool.clone(),
        };
        self.look(move |dispatcher| {
            let position = dispatcher.queue.position(job)?;
            let waiting_for = dispatcher.queue.waiting_for(job, dispatcher.has_worker(&pool))?;
            let index = dispatcher.queue.settings().pool(&pool)?;
            let eta_seconds = eta_seconds(dispatcher, index, position.ahead);
            Some(QueuePlace { position: position.ahead, eta_seconds, waiting_for: waiting_for.code() })
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
            let eta_seconds = eta_seconds(dispatcher, index, position.ahead);
            Some(QueuePlace { position: position.ahead, eta_seconds, waiting_for: waiting_for.code() })
        })
        .await?
    }

    /// All pools and tiers.
    pub async fn queue_stats(&self) -> QueueView {
        let now = self.shared.clock.now();
        let sessions = self.shared.leases.sessions();
        let view = self.look(move |dispatcher| {
            let settings = dispatcher.queue.settings();
            let pools = settings.pools.iter().filter_map(|pool| {
                let index = settings.pool(&pool.name)?;
                let stats = dispatcher.queue.stats(index)?;
                let tiers = settings.tiers.iter().zip(&stats.tiers).map(|(tier, stats)| TierView {
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
                })
            });
            QueueView { pools: pools.collect() }
        });
        view.await.unwrap_or_default()
    }

    /// Every worker session known.
    pub fn workers(&self) -> Vec<WorkerSession> {
        let sessions = self.shared.leases.sessions().into_iter().map(|(key, session)| WorkerSession {
            name: key.worker,
            session: key.session,
            pools: session.pools,
            leases: session.leases.len(),
            last_seen_at: session.seen_at,
        });
        let mut workers: Vec<WorkerSession> = sessions.collect();
        workers.sort_by(|a, b| (&a.name, &a.session).cmp(&(&b.name, &b.session)));
        workers
    }

    /// Events of one job.
    pub fn subscribe_job(&self, job: JobId, after: Option<(u64, u64)>) -> Subscription {
        self.shared.hub.subscribe_job(job, after, self.now())
    }

    /// Events of all jobs of a workspace, and of its balance.
    pub fn subscribe_workspace(&self, workspace: WorkspaceId, after: Option<(u64, u64)>) -> Subscription {
        self.shared.hub.subscribe_workspace(workspace, after, self.now())
    }

    /// Figures for operators: actors in memory, live leases, rebuilds, syncs.
    pub fn figures(&self) -> [(&'static str, u64); 5] {
        let counters = &self.shared.counters;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(std::sync::atomic::Ordering::Relaxed);
        [
            ("actors", self.shared.registry.len() as u64),
            ("leases", self.shared.leases.len() as u64),
            ("rebuilds", get(&counters.rebuilds)),
            ("syncs", get(&counters.syncs)),
            ("give_backs", get(&counters.give_backs)),
        ]
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&DispatcherActor) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let dispatcher = self.shared.dispatcher.get()?;
        dispatcher.try_send(Look(Box::new(move |dispatcher| drop(reply.send(look(dispatcher)))))).ok()?;
        answer.await.ok()
    }
}

/// A first estimate: the jobs ahead and itself, at the pool's mean length, over the slots in use.
///
/// `None` until a job has ended: nobody can know then.
fn eta_seconds(dispatcher: &DispatcherActor, pool: reeve_queue::PoolIndex, ahead: u64) -> Option<u64> {
    let stats = dispatcher.queue.stats(pool)?;
    let (served, worked) = stats
        .tiers
        .iter()
        .fold((0_u64, 0_u64), |(jobs, ms), tier| (jobs + tier.served_jobs, ms + tier.worked_ms));
    let mean_ms = worked.checked_div(served).filter(|ms| *ms > 0)?;
    let slots = (stats.running + u64::from(dispatcher.slots_open(pool))).max(1);
    Some(mean_ms.saturating_mul(ahead + 1) / slots / 1_000)
}
