//! Who is let in under load: new work and looks up to a bound, what was begun always.
//!
//! The mailboxes of actors are no bound: in actix every copy of an address may send once more than the capacity says,
//! and each request has a copy of its own. So the bound is counted here, before a command is sent, and held until
//! its caller is answered: then it bounds memory, and the wait of whoever is let in, whichever part is slow.
//!
//! Submits are shed first, looks (quotes, balances) a little later. Leases need no pass, since slots bound them, and
//! commands that finish what was begun need none either: leases and connections bound those.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use reeve_journal::key_hash;
use reeve_types::WorkspaceId;

/// Counters that workspaces share by the hash of their name. Two large ones that meet in one share its bound.
const PLACES: u64 = 1_024;

/// What asks to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    NewWork,
    Look,
}

/// Counts what is under way.
#[derive(Debug)]
pub(crate) struct Gate {
    all: AtomicUsize,
    places: Box<[AtomicUsize]>,
    new_work_max: usize,
    refused: AtomicU64,
}

/// Let in; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Arc<Gate>,
    place: usize,
}

impl Gate {
    /// At most so many commands of new work under way at once, half of them for one workspace.
    pub(crate) fn new(new_work_max: usize) -> Arc<Self> {
        let places = (0..PLACES).map(|_| AtomicUsize::new(0)).collect();
        let (all, refused) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { all, places, new_work_max: new_work_max.max(1), refused })
    }

    /// A place among what is under way, or `None`: then it is to be shed.
    pub(crate) fn enter(self: &Arc<Self>, workspace: &WorkspaceId, asks: Asks) -> Option<Pass> {
        let max = match asks {
            Asks::NewWork => self.new_work_max,
            // A quarter more, so that prices and balances are still told when submits are shed.
            Asks::Look => self.new_work_max.saturating_add(self.new_work_max / 4).saturating_add(1),
        };
        let place = usize::try_from(key_hash(workspace.as_str()) % PLACES).unwrap_or(0);
        let of_one = self.places.get(place)?;
        // Taken before it is looked at: two that meet may both be refused, but never both be one too many.
        let (all, one) = (self.all.fetch_add(1, Ordering::Relaxed), of_one.fetch_add(1, Ordering::Relaxed));
        let pass = Pass { gate: self.clone(), place };
        if all >= max || one >= max.div_ceil(2) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(pass)
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// How many were refused since start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.all.fetch_sub(1, Ordering::Relaxed);
        if let Some(place) = self.gate.places.get(self.place) {
            place.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(gate: &Arc<Gate>, name: &str, asks: Asks) -> Vec<Pass> {
        let id = WorkspaceId::new(name).unwrap();
        std::iter::from_fn(|| gate.enter(&id, asks)).collect()
    }

    #[test]
    fn one_workspace_leaves_half_to_the_others_and_room_comes_back() {
        let gate = Gate::new(8);
        let hot = fill(&gate, "hot", Asks::NewWork);
        let other = fill(&gate, "other", Asks::NewWork);
        assert_eq!((hot.len(), other.len(), gate.under_way()), (4, 4, 8));
        assert_eq!(fill(&gate, "third", Asks::NewWork).len(), 0);
        drop(hot);
        assert_eq!(fill(&gate, "third", Asks::NewWork).len(), 4);
        drop(other);
        assert_eq!((gate.under_way(), gate.refused()), (0, 4));
    }

    #[test]
    fn looks_are_shed_after_new_work() {
        let gate = Gate::new(8);
        let _work = (fill(&gate, "one", Asks::NewWork), fill(&gate, "two", Asks::NewWork));
        assert_eq!(fill(&gate, "three", Asks::NewWork).len(), 0);
        assert_eq!(fill(&gate, "three", Asks::Look).len(), 3);
    }
}
