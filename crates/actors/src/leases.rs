//! Live leases of this process: who holds them, when they lapse, which worker sessions there are.
//!
//! Outside the actors, so that a flood of commands never delays a heartbeat.

use std::sync::{Arc, Mutex};

use reeve_jobs::{Due, LeaseSettings, LeaseTable};
use reeve_types::{JobId, LeaseId, Millis, PoolName, WorkerName, WorkspaceId};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::watch;

use crate::call::{Heard, WorkerMode};
use crate::shared::lock;

/// A session is taken for gone this long after it was last heard of.
const SESSION_MS: u64 = 60_000;

/// A worker's process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub worker: WorkerName,
    pub session: Arc<str>,
}

/// What is known of a worker's process.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub pools: Vec<PoolName>,
    pub leases: FxHashSet<LeaseId>,
    pub seen_ms: u64,
    pub seen_at: Millis,
}

struct Holder {
    lease: LeaseId,
    /// The provider's answer is awaited: nobody but the deadline may take it away (X11).
    is_unknown: bool,
    workspace: WorkspaceId,
    session: SessionKey,
    acknowledged: bool,
}

#[derive(Default)]
struct Inner {
    table: LeaseTable,
    holders: FxHashMap<JobId, Holder>,
    sessions: FxHashMap<SessionKey, Session>,
    /// What operators told workers by name; those that were told nothing are not in it.
    orders: FxHashMap<WorkerName, WorkerMode>,
}

/// The table of live leases.
pub(crate) struct Leases {
    inner: Mutex<Inner>,
    /// Counts orders, and wakes requests that are held back.
    ordered: watch::Sender<u64>,
}

/// Who got a lease.
pub(crate) struct Grant {
    pub lease: LeaseId,
    pub workspace: WorkspaceId,
    pub session: SessionKey,
    pub run_ms: u64,
}

impl Leases {
    pub(crate) fn new(settings: LeaseSettings) -> Self {
        let inner = Inner { table: LeaseTable::new(settings), ..Inner::default() };
        Self { inner: Mutex::new(inner), ordered: watch::channel(0).0 }
    }

    /// A lease was granted. Repeating it for a lease that is known changes nothing.
    pub(crate) fn grant(&self, grant: Grant, now_ms: u64) {
        let mut inner = lock(&self.inner);
        if !inner.table.is_live(grant.lease) {
            inner.table.grant(grant.lease, grant.run_ms, now_ms);
            inner.hold(grant, false);
        }
    }

    /// A stored lease after a restart.
    pub(crate) fn restore(&self, grant: Grant, now_ms: u64) {
        let mut inner = lock(&self.inner);
        inner.table.restore(grant.lease, grant.run_ms, now_ms);
        inner.hold(grant, true);
    }

    /// The lease ended.
    pub(crate) fn end(&self, lease: LeaseId) {
        let mut inner = lock(&self.inner);
        inner.table.end(lease);
        if inner.holders.get(&lease.job).is_some_and(|holder| holder.lease == lease)
            && let Some(holder) = inner.holders.remove(&lease.job)
            && let Some(session) = inner.sessions.get_mut(&holder.session)
        {
            session.leases.remove(&lease);
        }
    }

    pub(crate) fn cancel(&self, lease: LeaseId) {
        lock(&self.inner).table.cancel(lease);
    }

    pub(crate) fn await_fate(&self, lease: LeaseId) {
        let mut inner = lock(&self.inner);
        inner.table.await_fate(lease);
        if let Some(holder) = inner.holders.get_mut(&lease.job).filter(|holder| holder.lease == lease) {
            holder.is_unknown = true;
        }
    }

    /// What a worker was last told.
    pub(crate) fn mode(&self, worker: &WorkerName) -> WorkerMode {
        lock(&self.inner).orders.get(worker).copied().unwrap_or_default()
    }

    /// Tells a worker by name; false for one that was never heard of. An order outlives the worker's processes and
    /// ends by a release, or with this process.
    pub(crate) fn order(&self, worker: &WorkerName, mode: WorkerMode) -> bool {
        let mut inner = lock(&self.inner);
        let is_known =
            inner.orders.contains_key(worker) || inner.sessions.keys().any(|key| key.worker == *worker);
        if !is_known {
            return false;
        }
        if mode == WorkerMode::Active {
            inner.orders.remove(worker);
        } else {
            inner.orders.insert(worker.clone(), mode);
        }
        drop(inner);
        self.wake_held();
        true
    }

    /// Every worker that was told to stop.
    pub(crate) fn orders(&self) -> Vec<(WorkerName, WorkerMode)> {
        lock(&self.inner).orders.iter().map(|(worker, mode)| (worker.clone(), *mode)).collect()
    }

    /// Makes requests that are held back look again.
    pub(crate) fn wake_held(&self) {
        self.ordered.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Hears of orders from now on.
    pub(crate) fn hear_orders(&self) -> watch::Receiver<u64> {
        self.ordered.subscribe()
    }

    /// Live leases of a worker that may be taken back, with their workspaces.
    pub(crate) fn held_by(&self, worker: &WorkerName) -> Vec<(LeaseId, WorkspaceId)> {
        let inner = lock(&self.inner);
        let holders = inner.holders.values();
        let mine = holders.filter(|holder| holder.session.worker == *worker && !holder.is_unknown);
        mine.map(|holder| (holder.lease, holder.workspace.clone())).collect()
    }

    pub(crate) fn is_live(&self, lease: LeaseId) -> bool {
        lock(&self.inner).table.is_live(lease)
    }

    /// The workspace of a live lease.
    pub(crate) fn workspace(&self, lease: LeaseId) -> Option<WorkspaceId> {
        let inner = lock(&self.inner);
        let holder = inner.holders.get(&lease.job).filter(|holder| holder.lease == lease)?;
        Some(holder.workspace.clone())
    }

    /// One sign of life; `Some((cancel, remaining ms))` while it is live.
    pub(crate) fn renew(&self, lease: LeaseId, now_ms: u64) -> Option<(bool, u64)> {
        let mut inner = lock(&self.inner);
        let cancel = inner.table.renew(lease, now_ms)?;
        inner.acknowledge(lease);
        Some((cancel, inner.table.remaining_ms(lease, now_ms).unwrap_or(0)))
    }

    /// A session lists what it holds. Answers, and the leases that it no longer lists: those come back.
    ///
    /// A lease that the session was never heard to hold is not missed: its grant may still be under way.
    pub(crate) fn heartbeat(
        &self,
        key: &SessionKey,
        listed: &[LeaseId],
        (now_ms, now): (u64, Millis),
    ) -> (Heard, Vec<(LeaseId, WorkspaceId)>) {
        let mut inner = lock(&self.inner);
        let mut heard = Heard::default();
        for lease in listed {
            let mine = inner.holders.get(&lease.job).is_some_and(|h| h.lease == *lease && h.session == *key);
            match mine.then(|| inner.table.renew(*lease, now_ms)).flatten() {
                None => heard.lost.push(*lease),
                Some(cancel) => {
                    inner.acknowledge(*lease);
                    heard.renewed.push(*lease);
                    if cancel {
                        heard.cancel.push(*lease);
                    }
                }
            }
        }
        let session = inner.session(key, now_ms, now);
        let unlisted: Vec<LeaseId> =
            session.leases.iter().filter(|lease| !listed.contains(lease)).copied().collect();
        let dropped = unlisted.into_iter().filter_map(|lease| {
            let holder = inner.holders.get(&lease.job)?;
            (holder.lease == lease && holder.acknowledged).then(|| (lease, holder.workspace.clone()))
        });
        let dropped = dropped.collect();
        (heard, dropped)
    }

    /// A session asks for work.
    pub(crate) fn seen(&self, key: &SessionKey, pools: &[PoolName], (now_ms, now): (u64, Millis)) {
        let mut inner = lock(&self.inner);
        inner.session(key, now_ms, now).pools = pools.to_vec();
    }

    /// Leases that are due, with their workspaces.
    pub(crate) fn due(&self, now_ms: u64, count_max: usize) -> Vec<(Due, WorkspaceId)> {
        let mut inner = lock(&self.inner);
        let due = inner.table.due(now_ms, count_max);
        due.into_iter()
            .filter_map(|due| inner.holders.get(&due.lease.job).map(|holder| (due, holder.workspace.clone())))
            .collect()
    }

    pub(crate) fn extend_all(&self, ms: u64) {
        lock(&self.inner).table.extend_all(ms);
    }

    /// Forgets sessions that hold nothing and were not heard of for long.
    pub(crate) fn sweep(&self, now_ms: u64) {
        let gone = |session: &Session| {
            session.leases.is_empty() && now_ms.saturating_sub(session.seen_ms) > SESSION_MS
        };
        lock(&self.inner).sessions.retain(|_, session| !gone(session));
    }

    /// True when a session that asked for this pool is known.
    pub(crate) fn serves(&self, pool: &PoolName) -> bool {
        lock(&self.inner).sessions.values().any(|session| session.pools.contains(pool))
    }

    /// Every session.
    pub(crate) fn sessions(&self) -> Vec<(SessionKey, Session)> {
        lock(&self.inner).sessions.iter().map(|(key, session)| (key.clone(), session.clone())).collect()
    }

    /// Live leases that lapse within this time unless their worker is heard of.
    pub(crate) fn expiring(&self, now_ms: u64, within_ms: u64) -> usize {
        lock(&self.inner).table.expiring(now_ms, within_ms)
    }

    /// Live leases.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inner).table.len()
    }
}

impl Inner {
    fn hold(&mut self, grant: Grant, acknowledged: bool) {
        let Grant { lease, workspace, session, .. } = grant;
        let entry = self.sessions.entry(session.clone()).or_insert_with(Session::new);
        entry.leases.insert(lease);
        let holder = Holder { lease, is_unknown: false, workspace, session, acknowledged };
        self.holders.insert(lease.job, holder);
    }

    fn acknowledge(&mut self, lease: LeaseId) {
        if let Some(holder) = self.holders.get_mut(&lease.job) {
            holder.acknowledged = true;
        }
    }

    fn session(&mut self, key: &SessionKey, now_ms: u64, now: Millis) -> &mut Session {
        let session = self.sessions.entry(key.clone()).or_insert_with(Session::new);
        session.seen_ms = now_ms;
        session.seen_at = now;
        session
    }
}

impl Session {
    fn new() -> Self {
        Self { pools: Vec::new(), leases: FxHashSet::default(), seen_ms: 0, seen_at: Millis::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Millis = Millis::from_millis(0);

    fn lease(n: u128) -> LeaseId {
        LeaseId { job: JobId::from_parts(T0, n), attempt: 1 }
    }

    fn key(session: &str) -> SessionKey {
        SessionKey { worker: WorkerName::new("w").unwrap(), session: session.into() }
    }

    fn granted(leases: &Leases, n: u128, session: &str) {
        let workspace = WorkspaceId::new("ws").unwrap();
        leases.grant(Grant { lease: lease(n), workspace, session: key(session), run_ms: 9_000_000 }, 0);
    }

    #[test]
    fn a_lease_that_its_session_no_longer_lists_comes_back() {
        let leases = Leases::new(LeaseSettings::default());
        granted(&leases, 1, "a");
        granted(&leases, 2, "a");
        let (_, dropped) = leases.heartbeat(&key("a"), &[lease(1)], (1, T0));
        assert!(dropped.is_empty(), "the second grant may still be under way");
        leases.heartbeat(&key("a"), &[lease(1), lease(2)], (2, T0));
        let (heard, dropped) = leases.heartbeat(&key("a"), &[lease(2)], (3, T0));
        assert_eq!((heard.renewed, dropped.len()), (vec![lease(2)], 1));
    }

    #[test]
    fn an_order_needs_a_worker_that_was_heard_of_and_stays_until_it_is_released() {
        let leases = Leases::new(LeaseSettings::default());
        let worker = WorkerName::new("w").unwrap();
        assert!(!leases.order(&worker, WorkerMode::Draining));
        granted(&leases, 1, "a");
        assert!(leases.order(&worker, WorkerMode::Draining));
        assert!(leases.order(&worker, WorkerMode::Quarantined), "again and harder");
        leases.end(lease(1));
        leases.sweep(1_000_000);
        assert_eq!((leases.sessions().len(), leases.mode(&worker)), (0, WorkerMode::Quarantined));
        assert!(leases.order(&worker, WorkerMode::Active));
        assert_eq!(leases.mode(&worker), WorkerMode::Active);
    }

    #[test]
    fn a_lease_whose_fate_is_awaited_is_not_taken_from_its_worker() {
        let leases = Leases::new(LeaseSettings::default());
        granted(&leases, 1, "a");
        granted(&leases, 2, "b");
        leases.await_fate(lease(1));
        let held = leases.held_by(&WorkerName::new("w").unwrap());
        assert_eq!(held.into_iter().map(|(lease, _)| lease).collect::<Vec<_>>(), [lease(2)]);
    }

    #[test]
    fn another_session_cannot_renew_a_lease() {
        let leases = Leases::new(LeaseSettings::default());
        granted(&leases, 1, "a");
        let (heard, dropped) = leases.heartbeat(&key("b"), &[lease(1)], (1, T0));
        assert_eq!((heard.lost, dropped.len()), (vec![lease(1)], 0));
    }
}
