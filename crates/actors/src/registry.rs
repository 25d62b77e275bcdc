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
use crate::footprint::{Footprint, Total};
use crate::shared::{Shared, lock};
use crate::task;
use crate::time::Monotonic;
use crate::workspace::{Retire, WorkspaceActor};

/// How long an actor may be idle when there is hardly no room.
const PATIENCE_MS_MAX: u64 = 60_000;
/// Actors looked at when one was built although there is no room.
const BUILD_PROBES: usize = 4;
/// The same of a sweep, so that the lock is held for a millisecond at most.
const SWEEP_PROBES: usize = 10_000;

/// Where an actor is reached. Shared, because a copy of the address itself is two pieces of memory for who asks to wait.
pub(crate) type Reached = Arc<Addr<WorkspaceActor>>;

type Found = Result<Reached, Unavailable>;

enum Slot {
    /// Being loaded; these wait for it.
    Building(Vec<oneshot::Sender<Found>>),
    Ready {
        addr: Reached,
        epoch: u64,
        footprint: Arc<Footprint>,
    },
}

/// An actor in the ring.
struct Candidate {
    id: WorkspaceId,
    epoch: u64,
}

/// How many actors there may be, and what they may take together, in bytes. Actors at work, and large ones that have
/// just been, stay above it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub actors_max: usize,
    pub bytes_max: usize,
}

/// An actor just built.
struct Built {
    addr: Reached,
    epoch: u64,
    footprint: Arc<Footprint>,
}

/// How long an actor may be idle when there is `over` too much of `most`: less and less, and from a quarter on not at
/// all. A fixed time, or another round for whoever was asked for meanwhile, would keep everything when each of a hundred
/// thousand workspaces is asked for now and then.
fn patience_ms(over: usize, most: usize) -> u64 {
    let quarter = (most / 4).max(1) as u64;
    PATIENCE_MS_MAX * quarter.saturating_sub(over as u64) / quarter
}

#[derive(Default)]
struct Inner {
    slots: FxHashMap<WorkspaceId, Slot>,
    /// Who is looked at next when there is no room: each actor once.
    ring: VecDeque<Candidate>,
    /// Workspaces whose last actor died: change sets of it may still be in flight.
    died: FxHashSet<WorkspaceId>,
}

pub(crate) struct Registry {
    inner: Mutex<Inner>,
    epochs: AtomicU64,
    arbiters: Vec<ArbiterHandle>,
    room: Room,
    total: Arc<Total>,
    monotonic: Monotonic,
}

impl Registry {
    pub(crate) fn new(arbiters: Vec<ArbiterHandle>, room: Room, monotonic: Monotonic) -> Self {
        Self {
            inner: Mutex::default(),
            epochs: AtomicU64::new(1),
            arbiters,
            room,
            total: Arc::default(),
            monotonic,
        }
    }

    /// The actor, when there is one.
    pub(crate) fn get(&self, id: &WorkspaceId) -> Option<Reached> {
        match lock(&self.inner).slots.get(id) {
            Some(Slot::Ready { addr, footprint, .. }) if addr.connected() => {
                footprint.touch(self.monotonic.now_ms());
                Some(addr.clone())
            }
            _ => None,
        }
    }

    /// The actor, built from the store when needed.
    pub(crate) async fn find(&self, shared: &Arc<Shared>, id: &WorkspaceId) -> Found {
        let built = {
            let mut inner = lock(&self.inner);
            match inner.slots.get_mut(id) {
                Some(Slot::Ready { addr, footprint, .. }) if addr.connected() => {
                    footprint.touch(self.monotonic.now_ms());
                    return Ok(addr.clone());
                }
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
                self.start_actor(shared, &id, (epoch, died), loaded)
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
    ) -> Result<Built, Unavailable> {
        let arbiter = self.arbiter(id).ok_or(Unavailable::STOPPING)?;
        let (shared, id) = (shared.clone(), id.clone());
        let footprint = Arc::new(Footprint::new(self.total.clone(), self.monotonic.now_ms()));
        let its = footprint.clone();
        let addr = WorkspaceActor::start_in_arbiter(&arbiter, move |_| {
            WorkspaceActor::new(shared, id, (epoch, died, its), loaded)
        });
        Ok(Built { addr: Arc::new(addr), epoch, footprint })
    }

    fn built(&self, id: &WorkspaceId, built: Result<Built, Unavailable>) {
        let mut inner = lock(&self.inner);
        let (old, found) = match built {
            Ok(Built { addr, epoch, footprint }) => {
                inner.ring.push_back(Candidate { id: id.clone(), epoch });
                let slot = Slot::Ready { addr: addr.clone(), epoch, footprint };
                (inner.slots.insert(id.clone(), slot), Ok(addr))
            }
            Err(unavailable) => (inner.slots.remove(id), Err(unavailable)),
        };
        drop(inner);
        if let Some(Slot::Building(waiting)) = old {
            for sender in waiting {
                let _ = sender.send(found.clone());
            }
        }
        self.make_room(&mut lock(&self.inner), BUILD_PROBES);
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

    /// Asks idle actors to retire while there is no room.
    pub(crate) fn trim(&self) {
        self.make_room(&mut lock(&self.inner), SWEEP_PROBES);
    }

    /// Looks at a few of the ring, and asks those to retire that nobody asked for in a while.
    fn make_room(&self, inner: &mut Inner, probes: usize) {
        let Room { actors_max, bytes_max } = self.room;
        let (actors, bytes) = (inner.slots.len(), self.total.bytes());
        let (mut actors_over, mut bytes_over) =
            (actors.saturating_sub(actors_max), bytes.saturating_sub(bytes_max));
        let patience_ms = patience_ms(actors_over, actors_max).min(patience_ms(bytes_over, bytes_max));
        let now_ms = self.monotonic.now_ms();
        for _ in 0..probes.min(inner.ring.len()) {
            if actors_over == 0 && bytes_over == 0 {
                return;
            }
            let Some(candidate) = inner.ring.pop_front() else { return };
            let Some(Slot::Ready { addr, epoch, footprint }) = inner.slots.get(&candidate.id) else {
                continue;
            };
            if *epoch != candidate.epoch {
                // Another actor of the same workspace, with a place of its own in the ring.
                continue;
            }
            if footprint.is_worth_freeing(now_ms, patience_ms) {
                // Lost when its mailbox is full: then it is not idle.
                let _ = addr.try_send(Retire);
                actors_over = actors_over.saturating_sub(1);
                bytes_over = bytes_over.saturating_sub(footprint.bytes());
            }
            inner.ring.push_back(candidate);
        }
    }

    /// The thread that runs a workspace's actors: always the same one.
    pub(crate) fn arbiter(&self, id: &WorkspaceId) -> Option<ArbiterHandle> {
        let place = usize::try_from(reeve_journal::key_hash(id.as_str()) % 1_024).unwrap_or(0);
        self.arbiters.get(place % self.arbiters.len().max(1)).cloned()
    }

    /// What all actors take, in bytes, as they estimate it.
    pub(crate) fn bytes(&self) -> usize {
        self.total.bytes()
    }

    /// Actors in memory.
    pub(crate) fn len(&self) -> usize {
        lock(&self.inner).slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_a_quarter_above_the_bound() {
        assert_eq!(patience_ms(0, 400), PATIENCE_MS_MAX);
        assert_eq!(patience_ms(50, 400), PATIENCE_MS_MAX / 2);
        assert_eq!([patience_ms(100, 400), patience_ms(900, 400), patience_ms(1, 0)], [0, 0, 0]);
    }
}
