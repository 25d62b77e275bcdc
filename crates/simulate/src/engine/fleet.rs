//! Workers and their slots. A slot is free, busy, or gone.

use std::collections::BTreeSet;

use crate::load::Load;

/// How a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    /// It ends what it runs.
    Draining,
    Gone,
}

/// One worker.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) workers: usize,
    pub(super) standing: Standing,
    /// Jobs that it runs.
    pub(super) busy: Vec<u32>,
}

/// Workers that are alike.
#[derive(Debug, Clone)]
struct Kind {
    slots: u32,
    slots_free: u32,
    /// Live workers with a free slot.
    free: BTreeSet<u32>,
}

/// All workers.
#[derive(Debug, Clone)]
pub(super) struct Fleet {
    kinds: Vec<Kind>,
    pub(super) all: Vec<Worker>,
    /// For each pool, the kinds that serve it.
    by_pool: Vec<Vec<usize>>,
    /// Slots of live workers, and busy ones of draining workers.
    pub(super) capacity: u64,
}

impl Fleet {
    pub(super) fn new(load: &Load) -> Self {
        let serves = |pool: usize| {
            let kinds = load.workers.iter().enumerate();
            kinds.filter(|(_, w)| w.pools.iter().any(|p| usize::from(*p) == pool)).map(|(at, _)| at).collect()
        };
        let kind = |slots| Kind { slots, slots_free: 0, free: BTreeSet::new() };
        Self {
            kinds: load.workers.iter().map(|workers| kind(workers.slots)).collect(),
            all: Vec::new(),
            by_pool: (0..load.settings.pools.len()).map(serves).collect(),
            capacity: 0,
        }
    }

    /// A new worker; its number.
    pub(super) fn join(&mut self, workers: usize) -> u32 {
        let kind = &mut self.kinds[workers];
        let number = self.all.len() as u32;
        self.all.push(Worker { workers, standing: Standing::Live, busy: Vec::new() });
        kind.free.insert(number);
        kind.slots_free += kind.slots;
        self.capacity += u64::from(kind.slots);
        number
    }

    /// The latest live workers of a kind.
    pub(super) fn latest(&self, workers: usize, count: u32) -> Vec<u32> {
        let of_kind = |at: &usize| {
            let worker = &self.all[*at];
            worker.workers == workers && worker.standing == Standing::Live
        };
        (0..self.all.len()).rev().filter(of_kind).take(count as usize).map(|at| at as u32).collect()
    }

    /// The worker takes nothing new.
    pub(super) fn drain(&mut self, number: u32) {
        self.retire(number, Standing::Draining);
    }

    /// The worker vanishes; what it ran.
    pub(super) fn lose(&mut self, number: u32) -> Vec<u32> {
        if self.all[number as usize].standing != Standing::Gone {
            self.retire(number, Standing::Gone);
        }
        let jobs = std::mem::take(&mut self.all[number as usize].busy);
        self.capacity -= jobs.len() as u64;
        jobs
    }

    fn retire(&mut self, number: u32, standing: Standing) {
        let worker = &mut self.all[number as usize];
        let kind = &mut self.kinds[worker.workers];
        if worker.standing == Standing::Live {
            let free = kind.slots - worker.busy.len() as u32;
            kind.free.remove(&number);
            kind.slots_free -= free;
            self.capacity -= u64::from(free);
        }
        worker.standing = standing;
    }

    /// Free slots that serve a pool.
    pub(super) fn slots_open(&self, pool: u16) -> u32 {
        self.by_pool[usize::from(pool)].iter().map(|at| self.kinds[*at].slots_free).sum()
    }

    /// True when that kind has a free slot.
    pub(super) fn has_free(&self, workers: usize) -> bool {
        self.kinds[workers].slots_free > 0
    }

    /// Gives a job to a worker of that kind; its number. `None` when all slots are busy.
    pub(super) fn occupy(&mut self, workers: usize, job: u32) -> Option<u32> {
        let kind = &mut self.kinds[workers];
        let number = kind.free.first().copied()?;
        let worker = &mut self.all[number as usize];
        worker.busy.push(job);
        kind.slots_free -= 1;
        if worker.busy.len() as u32 >= kind.slots {
            kind.free.remove(&number);
        }
        Some(number)
    }

    /// A job leaves its worker. False when it is not there.
    pub(super) fn vacate(&mut self, number: u32, job: u32) -> bool {
        let worker = &mut self.all[number as usize];
        let Some(at) = worker.busy.iter().position(|busy| *busy == job) else { return false };
        worker.busy.swap_remove(at);
        match worker.standing {
            Standing::Live => {
                let kind = &mut self.kinds[worker.workers];
                kind.slots_free += 1;
                kind.free.insert(number);
            }
            Standing::Draining => self.capacity -= 1,
            Standing::Gone => return false,
        }
        true
    }
}
