//! Operators: pausing pools, telling workers, and figures about the process.

use std::sync::atomic::{AtomicU64, Ordering};

use reeve_jobs::LapseCause;
use reeve_types::{PoolName, WorkerName};
use reeve_workspace::{Command, Lapse};
use rustc_hash::FxHashMap;

use super::Engine;
use crate::call::{Call, Unavailable, WorkerMode};
use crate::dispatcher::{PausePool, WithdrawWorker, WorkerSession};
use crate::{shelves, task};

impl Engine {
    /// Those of some pools that no catalog names, in their order; empty for most.
    pub fn unknown_pools(&self, pools: &[PoolName]) -> Vec<PoolName> {
        let shelf = self.shelf();
        pools.iter().filter(|pool| !shelves::names_pool(&shelf, pool)).cloned().collect()
    }

    /// Every pool that a catalog names, in order of name.
    pub fn pools(&self) -> Vec<PoolName> {
        shelves::pools(&self.shelf()).into_iter().collect()
    }

    /// Leases nothing of a pool any more, or leases it again; what runs goes on. False for a pool that no catalog
    /// names. Kept in memory: a restart resumes every pool.
    ///
    /// # Errors
    /// While stopping.
    pub async fn pause_pool(&self, pool: PoolName, paused: bool) -> Result<bool, Unavailable> {
        let dispatcher = self.shared.dispatcher.get().ok_or(Unavailable::STOPPING)?;
        dispatcher.send(PausePool { pool, paused }).await.map_err(|_| Unavailable::STOPPING)
    }

    /// Tells a worker, by name and so all of its processes. False for one that was never heard of.
    ///
    /// Quarantine also takes back what it holds, without costing an attempt; what awaits a provider's answer stays
    /// (X11). An order outlives the worker's processes; it ends with a release or a restart of the server.
    pub fn order_worker(&self, worker: &WorkerName, mode: WorkerMode) -> bool {
        let leases = &self.shared.leases;
        if !leases.order(worker, mode) {
            return false;
        }
        if mode != WorkerMode::Active
            && let Some(dispatcher) = self.shared.dispatcher.get()
        {
            let _ = dispatcher.try_send(WithdrawWorker(worker.clone()));
        }
        if mode == WorkerMode::Quarantined {
            self.take_back(worker);
        }
        true
    }

    fn take_back(&self, worker: &WorkerName) {
        for (lease, workspace) in self.shared.leases.held_by(worker) {
            let lapse = Command::Lapse(Lapse { lease, cause: LapseCause::Unacknowledged });
            let engine = self.clone();
            task::spawn(&self.shared.runtime, async move {
                // If it fails, the lease ends as leases do: by a report, or by silence.
                let _ = engine.execute(&workspace, lapse, Call::default()).await;
            });
        }
    }

    /// What a worker was last told.
    pub fn worker_mode(&self, worker: &WorkerName) -> WorkerMode {
        self.shared.leases.mode(worker)
    }

    /// Workers that were told something, also those of which no process is left.
    pub fn worker_orders(&self) -> Vec<(WorkerName, WorkerMode)> {
        self.shared.leases.orders()
    }

    /// Every worker session known.
    pub async fn workers(&self) -> Vec<WorkerSession> {
        let wanted: FxHashMap<(WorkerName, std::sync::Arc<str>), u32> =
            self.look(|dispatcher| dispatcher.wanted()).await.unwrap_or_default();
        let now_ms = self.shared.leases_now_ms();
        let lease_ms = self.shared.settings.leases.lease_ms;
        let sessions = self.shared.leases.sessions().into_iter().map(|(key, session)| {
            let silent_ms = now_ms.saturating_sub(session.seen_ms);
            let wanted = wanted.get(&(key.worker.clone(), key.session.clone())).copied();
            WorkerSession {
                name: key.worker,
                session: key.session,
                pools: session.pools,
                leases: session.leases.len(),
                wanted: wanted.unwrap_or(0),
                last_seen_at: session.seen_at,
                lost: wanted.is_none() && silent_ms > lease_ms,
            }
        });
        let mut workers: Vec<WorkerSession> = sessions.collect();
        workers.sort_by(|a, b| (&a.name, &a.session).cmp(&(&b.name, &b.session)));
        workers
    }

    /// Leases that lapse within one heartbeat's time: their workers missed what was asked of them.
    fn leases_expiring(&self) -> usize {
        let within_ms = self.shared.settings.leases.heartbeat_ms;
        self.shared.leases.expiring(self.shared.leases_now_ms(), within_ms)
    }

    /// Leases that lapsed since start, by why: `silent`, `unacknowledged` or `run_timeout`.
    pub fn lapses(&self) -> [(&'static str, u64); 3] {
        self.shared.counters.lapses.view()
    }

    /// Figures for operators: what is in memory now, and counts since start of what should be rare.
    pub fn figures(&self) -> [(&'static str, u64); 12] {
        let counters = &self.shared.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("actors", self.shared.registry.len() as u64),
            ("actor_bytes", self.shared.registry.bytes() as u64),
            ("leases", self.shared.leases.len() as u64),
            ("leases_expiring", self.leases_expiring() as u64),
            ("under_way", u64::try_from(self.shared.gate.under_way()).unwrap_or(u64::MAX)),
            ("shed", self.shared.gate.refused()),
            ("rebuilds", get(&counters.rebuilds)),
            ("syncs", get(&counters.syncs)),
            ("give_backs", get(&counters.give_backs)),
            ("audits", get(&counters.audits)),
            ("drifts", get(&counters.drifts)),
            ("drift", get(&counters.drift_now)),
        ]
    }
}
