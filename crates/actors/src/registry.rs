//! Which actor serves a workspace; builds missing ones, rebuilds dead ones at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actix::{Actor, Addr};
use actix_rt::ArbiterHandle;
use reeve_types::WorkspaceId;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::oneshot;

use crate::call::Unavailable;
use crate::shared::{Shared, lock};
use crate::task;
use crate::workspace::{Retire, WorkspaceActor};

/// Candidates asked to retire when one actor too many was built.
const RETIRE_PROBES: usize = 4;

type Found = Result<Addr<WorkspaceActor>, Unavailable>;

enum Slot {
    /// Being loaded; these wait for it.
    Building(Vec<oneshot::Sender<Found>>),
    Ready {
        addr: Addr<WorkspaceActor>,
        epoch: u64,
    },
}

#[derive(Default)]
struct Inner {
    slots: FxHashMap<WorkspaceId, Slot>,
    /// In order of building: who is asked first to retire.
    ring: VecDeque<WorkspaceId>,
    /// Workspaces whose last actor died: change sets of it may still be in flight.
    died: FxHashSet<WorkspaceId>,
}

pub(crate) struct Registry {
    inner: Mutex<Inner>,
    epochs: AtomicU64,
    arbiters: Vec<ArbiterHandle>,
}

impl Registry {
    pub(crate) fn new(arbiters: Vec<ArbiterHandle>) -> Self {
        Self { inner: Mutex::default(), epochs: AtomicU64::new(1), arbiters }
    }

    /// The actor, when there is one.
    pub(crate) fn get(&self, id: &WorkspaceId) -> Option<Addr<WorkspaceActor>> {
        match lock(&self.inner).slots.get(id) {
            Some(Slot::Ready { addr, .. }) if addr.connected() => Some(addr.clone()),
            _ => None,
        }
    }

    /// The actor, built from the store when needed.
    pub(crate) async fn find(&self, shared: &Arc<Shared>, id: &WorkspaceId) -> Found {
        let built = {
            let mut inner = lock(&self.inner);
            match inner.slots.get_mut(id) {
                Some(Slot::Ready { addr, .. }) if addr.connected() => return Ok(addr.clone()),
                Some(Slot::Building(waiting)) => {
                    let (sender, built) = oneshot::channel();
                    waiting.push(sender);
                    built
                }
                _ => {
                    let (sender, built) = oneshot::channel();
                    inner.slots.insert(id.clone(), Slot::Building(vec![sender]));
                    self.start_build(shared, id);
                    built
                }
            }
        };
        built.await.unwrap_or(Err(Unavailable::NOT_COMMITTED))
    }

    fn start_build(&self, shared: &Arc<Shared>, id: &WorkspaceId) {
        let (owned, id) = (shared.clone(), id.clone());
        task::spawn(&shared.runtime, async move { owned.registry.build(&owned, id).await });
    }

    async fn build(&self, shared: &Arc<Shared>, id: WorkspaceId) {
        let died = lock(&self.inner).died.contains(&id);
        if died {
            // Its old change sets first get their outcome, or the load would miss them.
            let _ = shared.journal.flush().await;
            lock(&self.inner).died.remove(&id);
        }
        let found = match shared.reader.load(&id).await {
            Err(failure) => Err(Unavailable::from(failure)),
            Ok(loaded) => {
                let epoch = self.epochs.fetch_add(1, Ordering::Relaxed);
                self.start_actor(shared, &id, (epoch, died), loaded).map(|addr| (addr, epoch))
            }
        };
        self.built(&id, found);
    }

    fn start_actor(
        &self,
        shared: &Arc<Shared>,
        id: &WorkspaceId,
        (epoch, died): (u64, bool),
        loaded: Option<reeve_journal::Loaded>,
    ) -> Result<Addr<WorkspaceActor>, Unavailable> {
        let arbiter = self.arbiter(id).ok_or(Unavailable::STOPPING)?;
        let (shared, id) = (shared.clone(), id.clone());
        Ok(WorkspaceActor::start_in_arbiter(&arbiter, move |_| {
            WorkspaceActor::new(shared, id, (epoch, died), loaded)
        }))
    }

    fn built(&self, id: &WorkspaceId, found: Result<(Addr<WorkspaceActor>, u64), Unavailable>) {
        let mut inner = lock(&self.inner);
        let old = match &found {
            Ok((addr, epoch)) => {
                inner.ring.push_back(id.clone());
                inner.slots.insert(id.clone(), Slot::Ready { addr: addr.clone(), epoch: *epoch })
            }
            Err(_) => inner.slots.remove(id),
        };
        drop(inner);
        if let Some(Slot::Building(waiting)) = old {
            for sender in waiting {
                let _ = sender.send(found.as_ref().map(|(addr, _)| addr.clone()).map_err(Clone::clone));
            }
        }
    }

    /// An actor ended without agreement: build the next one now, so that its jobs are queued again
    /// without waiting for traffic.
    pub(crate) fn died(&self, shared: &Arc<Shared>, id: &WorkspaceId, epoch: u64) {
        if shared.is_stopping() {
            return;
        }
        let mut inner = lock(&self.inner);
        if matches!(inner.slots.get(id), Some(Slot::Ready { epoch: current, .. }) if *current == epoch) {
            // Once per death: an actor that gave up says so before it ends, and again when it is dropped.
            inner.died.insert(id.clone());
            inner.slots.insert(id.clone(), Slot::Building(Vec::new()));
            self.start_build(shared, id);
        }
    }

    /// May this idle actor end? True takes it out.
    pub(crate) fn retire(&self, id: &WorkspaceId, epoch: u64) -> bool {
        let mut inner = lock(&self.inner);
        let current =
            matches!(inner.slots.get(id), Some(Slot::Ready { epoch: current, .. }) if *current == epoch);
        if current {
            inner.slots.remove(id);
        }
        current
    }

    /// Asks a few of the oldest actors to retire while there are more than `actors_max`.
    pub(crate) fn trim(&self, actors_max: usize) {
        let mut inner = lock(&self.inner);
        let excess = inner.slots.len().saturating_sub(actors_max);
        for _ in 0..excess.saturating_mul(RETIRE_PROBES).min(inner.ring.len()) {
            let Some(id) = inner.ring.pop_front() else { return };
            if let Some(Slot::Ready { addr, .. }) = inner.slots.get(&id) {
                // Lost when its mailbox is full: then it is not idle.
                let _ = addr.try_send(Retire);
                inner.ring.push_back(id);
            }
        }
    }

    /// The thread that runs a workspace's actors: always the same one.
    pub(crate) fn arbiter(&self, id: &WorkspaceId) -> Option<ArbiterHandle> {
        let place = usize::try_from(reeve_journal::key_hash(id.as_str()) % 1_024).unwrap_or(0);
        self.arbiters.get(place % self.arbiters.len().max(1)).cloned()
    }

    /// Actors in memory.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inner).slots.len()
    }
}
