//! Which slot a job has: a table of slot numbers that keeps no ids, because the slots have them.
//!
//! Eight bytes an entry and one cache line a look-up, against 33 bytes and two lines of a map from id to
//! slot. Part of the hash stands beside the slot, so growing touches no slot and a look-up touches the
//! right one only.

use std::hash::BuildHasher as _;

use reeve_types::JobId;
use rustc_hash::FxBuildHasher;

use crate::arena::{Arena, NIL};

/// Fewest entries of a table that is not empty.
const LEN_MIN: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Cell {
    hash: u32,
    /// [`NIL`] when free.
    at: u32,
}

const FREE: Cell = Cell { hash: 0, at: NIL };

/// Slots by job.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Open addressing with linear steps; its length is 0 or a power of two, at most three quarters full.
    cells: Vec<Cell>,
    len: usize,
}

fn hash(job: JobId) -> u32 {
    // The hasher's good bits do not stand where a power of two takes them from.
    (FxBuildHasher.hash_one(job).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

impl Places {
    /// Jobs in it.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Makes room for that many more jobs.
    pub(crate) fn reserve(&mut self, jobs: usize) {
        let wanted = ((self.len + jobs) * 4 / 3 + 1).next_power_of_two().max(LEN_MIN);
        if wanted > self.cells.len() {
            self.resize(wanted);
        }
    }

    /// The slot of a job.
    pub(crate) fn get(&self, job: JobId, jobs: &Arena) -> Option<u32> {
        self.find(job, jobs).map(|cell| self.cells[cell].at)
    }

    /// Asks for the memory in which a job is, or will be, ahead of its use.
    pub(crate) fn approach(&self, job: JobId) {
        let mask = self.cells.len().wrapping_sub(1);
        if let Some(cell) = self.cells.get(hash(job) as usize & mask) {
            crate::work::approach(&cell.at);
        }
    }

    /// Adds a job that is not in it.
    pub(crate) fn insert(&mut self, job: JobId, at: u32) {
        if (self.len + 1) * 4 > self.cells.len() * 3 {
            self.resize((self.cells.len() * 2).max(LEN_MIN));
        }
        self.len += 1;
        self.put(Cell { hash: hash(job), at });
    }

    /// Takes a job out, while its slot still has its id.
    pub(crate) fn remove(&mut self, job: JobId, jobs: &Arena) {
        let Some(mut gap) = self.find(job, jobs) else { return };
        let mask = self.cells.len() - 1;
        let mut at = gap;
        // Closes the gap with the entries behind it that do not stand at home, so that no marks stay.
        loop {
            at = (at + 1) & mask;
            let cell = self.cells[at];
            if cell.at == NIL {
                break;
            }
            let home = cell.hash as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                self.cells[gap] = cell;
                gap = at;
            }
        }
        self.cells[gap] = FREE;
        self.len -= 1;
        if self.len * 8 < self.cells.len() && self.cells.len() > LEN_MIN {
            self.resize(self.cells.len() / 2);
        }
    }

    fn find(&self, job: JobId, jobs: &Arena) -> Option<usize> {
        if self.cells.is_empty() {
            return None;
        }
        let mask = self.cells.len() - 1;
        let hash = hash(job);
        let mut at = hash as usize & mask;
        while self.cells[at].at != NIL {
            crate::work::tick();
            if self.cells[at].hash == hash && jobs.get(self.cells[at].at).job == job {
                return Some(at);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn put(&mut self, cell: Cell) {
        let mask = self.cells.len() - 1;
        let mut at = cell.hash as usize & mask;
        while self.cells[at].at != NIL {
            at = (at + 1) & mask;
        }
        self.cells[at] = cell;
    }

    fn resize(&mut self, len: usize) {
        let old = std::mem::replace(&mut self.cells, vec![FREE; len]);
        old.into_iter().filter(|cell| cell.at != NIL).for_each(|cell| self.put(cell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Node;
    use crate::{Entry, PoolIndex, Sequence, WorkspaceKey};
    use proptest::prelude::*;
    use reeve_types::Millis;
    use std::collections::BTreeMap;

    fn entry(id: u128) -> Entry {
        Entry {
            job: JobId::from_parts(Millis::from_millis(0), id),
            workspace: WorkspaceKey(0),
            pool: PoolIndex(0),
            cost_ms: None,
            action: 0,
            priority: 0,
            sequence: Sequence { admitted_at: Millis::from_millis(0), n: 0 },
            gate: None,
        }
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_a_map(steps in prop::collection::vec((0_u128..300, any::<bool>()), 1..900)) {
            let (mut arena, mut places, mut model) = (Arena::default(), Places::default(), BTreeMap::new());
            for (id, is_removal) in steps {
                let entry = entry(id);
                match (model.get(&id).copied(), is_removal) {
                    (Some(at), true) => {
                        places.remove(entry.job, &arena);
                        arena.release(at);
                        model.remove(&id);
                    }
                    (None, false) => {
                        let at = arena.insert(Node::new(&entry, 0));
                        places.insert(entry.job, at);
                        model.insert(id, at);
                    }
                    _ => {}
                }
                prop_assert_eq!(places.len(), model.len());
            }
            for id in 0..300 {
                prop_assert_eq!(places.get(entry(id).job, &arena), model.get(&id).copied());
            }
        }
    }

    #[test]
    fn a_burst_gives_its_memory_back() {
        let (mut arena, mut places) = (Arena::default(), Places::default());
        for id in 0..10_000 {
            places.insert(entry(id).job, arena.insert(Node::new(&entry(id), 0)));
        }
        (0..10_000).for_each(|id| places.remove(entry(id).job, &arena));
        assert_eq!((places.len(), places.cells.len()), (0, LEN_MIN));
    }
}
