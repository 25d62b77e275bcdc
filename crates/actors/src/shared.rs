//! What every part of one engine shares. No business state: the store can rebuild all of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use actix::Addr;
use reeve_jobs::{LapseCause, Status};
use reeve_journal::{Journal, Reader};
use reeve_types::{JobId, Millis, WorkspaceId};
use reeve_workspace::{Claim, Shelf, World};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::runtime::Handle;

use crate::clock::ClockSource;
use crate::dispatcher::{DispatcherActor, FinishedJobs};
use crate::ends::Ends;
use crate::entropy::Entropy;
use crate::gate::Gate;
use crate::hub::Hub;
use crate::intro_cache::IntroCache;
use crate::job::JobActor;
use crate::leases::Leases;
use crate::registry::Registry;
use crate::settings::{EngineSettings, Rules};
use crate::time::Monotonic;

pub(crate) struct Shared {
    /// As started with. What may change at run time is read from [`Self::rules`].
    pub settings: EngineSettings,
    /// Replaced whole by a reload, by the dispatcher, so that its queue never goes by other rules.
    pub rules: RwLock<Arc<Rules>>,
    /// Replaced whole when something is published.
    pub shelf: RwLock<Arc<Shelf>>,
    /// One publication at a time: each checks what the one before stored.
    pub publishing: tokio::sync::Mutex<()>,
    /// One move of a manual clock at a time.
    pub advancing: tokio::sync::Mutex<()>,
    pub journal: Arc<dyn Journal>,
    pub reader: Arc<dyn Reader>,
    pub clock: ClockSource,
    pub started_at: Millis,
    pub entropy: Arc<dyn Entropy>,
    pub runtime: Handle,
    pub monotonic: Monotonic,
    pub hub: Hub,
    pub leases: Leases,
    pub intros: IntroCache,
    pub ends: Ends,
    pub registry: Registry,
    pub gate: Arc<Gate>,
    pub dispatcher: OnceLock<Addr<DispatcherActor>>,
    pub job_actors: Mutex<FxHashMap<JobId, Addr<JobActor>>>,
    /// Workspaces whose hints could not be delivered: a `Sync` follows.
    pub dirty: Mutex<FxHashSet<WorkspaceId>>,
    pub ready: AtomicBool,
    pub stopping: AtomicBool,
    pub counters: Counters,
}

/// Counts of what should be rare.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub rebuilds: AtomicU64,
    pub syncs: AtomicU64,
    pub give_backs: AtomicU64,
    pub audits: AtomicU64,
    /// Workspaces that an audit found to differ from their rows, since start.
    pub drifts: AtomicU64,
    /// The same in the last sweep that ended.
    pub drift_now: AtomicU64,
    pub finished: Finished,
    pub lapses: Lapses,
}

/// Leases that the ticker found due, by why. A proposal that is lost is made and counted again.
#[derive(Debug, Default)]
pub(crate) struct Lapses {
    silent: AtomicU64,
    unacknowledged: AtomicU64,
    run_timeout: AtomicU64,
}

impl Lapses {
    /// A lease is due.
    pub(crate) fn count(&self, cause: LapseCause) {
        let counter = match cause {
            LapseCause::Silent => &self.silent,
            LapseCause::Unacknowledged => &self.unacknowledged,
            LapseCause::RunTimeout => &self.run_timeout,
            // Told by a session or by the job's own deadline, never by the table.
            LapseCause::Dropped | LapseCause::FateUnknown => return,
        };
        Counters::add(counter);
    }

    /// The counts by now.
    pub(crate) fn view(&self) -> [(&'static str, u64); 3] {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("silent", get(&self.silent)),
            ("unacknowledged", get(&self.unacknowledged)),
            ("run_timeout", get(&self.run_timeout)),
        ]
    }
}

/// Jobs that ended, each under one of these.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    succeeded: AtomicU64,
    failed: AtomicU64,
    content_filtered: AtomicU64,
    cancelled: AtomicU64,
    expired: AtomicU64,
}

impl Finished {
    /// A job ended.
    pub(crate) fn count(&self, status: Status, is_filtered: bool) {
        let counter = match status {
            Status::Succeeded => &self.succeeded,
            Status::Failed if is_filtered => &self.content_filtered,
            Status::Failed => &self.failed,
            Status::Cancelled => &self.cancelled,
            Status::Expired => &self.expired,
            Status::Queued | Status::Running | Status::Cancelling => return,
        };
        Counters::add(counter);
    }

    /// The counts by now.
    pub(crate) fn view(&self, since: Millis) -> FinishedJobs {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FinishedJobs {
            since,
            succeeded: get(&self.succeeded),
            failed: get(&self.failed),
            content_filtered: get(&self.content_filtered),
            cancelled: get(&self.cancelled),
            expired: get(&self.expired),
        }
    }
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Locks plain data; a panic elsewhere leaves it readable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The catalogs in force now.
    pub(crate) fn shelf(&self) -> Arc<Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn put_shelf(&self, shelf: Shelf) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelf);
    }

    /// The settings in force now that a reload may change.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn put_rules(&self, rules: Arc<Rules>) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// What a decision at `now` may look at beside its workspace.
    pub(crate) fn world<'a>(
        &'a self,
        (shelf, rules): (&'a Shelf, &'a Rules),
        now: Millis,
        taken: &'a [(Claim, WorkspaceId)],
    ) -> World<'a> {
        World {
            now,
            shelf,
            tiers: &rules.tiers,
            retry: &rules.settings.retry,
            defaults: rules.settings.defaults,
            jitter: self.jitter(),
            taken,
            dry: false,
        }
    }

    /// The workspace must tell the dispatcher anew.
    pub(crate) fn mark_dirty(&self, workspace: &WorkspaceId) {
        lock(&self.dirty).insert(workspace.clone());
    }

    /// True while it is known that the workspace must tell the dispatcher anew.
    pub(crate) fn is_dirty(&self, workspace: &WorkspaceId) -> bool {
        lock(&self.dirty).contains(workspace)
    }

    /// Milliseconds on the clock that leases live on.
    pub(crate) fn leases_now_ms(&self) -> u64 {
        self.monotonic.now_ms()
    }

    /// A random number for back-off.
    pub(crate) fn jitter(&self) -> u32 {
        (self.entropy.bits() >> 96) as u32
    }
}
