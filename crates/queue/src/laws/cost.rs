//! P9: the steps of a call grow with the logarithm of what is queued, counted and not timed.

use reeve_types::{JobId, Millis};

use super::dice::Dice;
use super::settings::{settings, workspace};
use crate::work::steps;
use crate::{Entry, FairQueue, PoolIndex, Sequence, TierIndex, WorkspaceFacts, WorkspaceKey};

struct Load {
    queue: FairQueue,
    dice: Dice,
    keys: Vec<WorkspaceKey>,
    made: u32,
}

const POOL: PoolIndex = PoolIndex(0);

impl Load {
    fn new(workspaces: u64) -> Self {
        let tiers = [(1, 50, 0), (2, 100, 0), (4, 150, 0), (8, 200, 500)];
        let mut queue = FairQueue::new(settings(&tiers, 1)).unwrap();
        let facts = |n: u64| WorkspaceFacts { tier: TierIndex((n % 4) as u8), cap_running: 2, paused: false };
        let keys = (0..workspaces).map(|n| queue.set_workspace(&workspace(n), facts(n)).unwrap()).collect();
        Self { queue, dice: Dice::new(1), keys, made: 0 }
    }

    fn enqueue(&mut self) -> JobId {
        self.made += 1;
        let at = Millis::from_millis(i64::from(self.made));
        let entry = Entry {
            job: JobId::from_parts(at, u128::from(self.made)),
            workspace: self.keys[self.dice.below(self.keys.len() as u64) as usize],
            pool: POOL,
            cost_ms: Some(self.dice.between(1, 1_000) as u32),
            action: 0,
            priority: self.dice.below(3) as i32,
            sequence: Sequence { admitted_at: at, n: self.made },
            gate: None,
        };
        self.queue.enqueue(entry, at).unwrap();
        entry.job
    }

    /// The most steps that one call of each kind took: enqueue, dispatch, complete, cancel, position.
    fn worst(&mut self, jobs: u64) -> u64 {
        for _ in 0..jobs {
            self.enqueue();
        }
        let mut worst = 0;
        for _ in 0..400 {
            let mut job = None;
            worst = worst.max(count(|| job = Some(self.enqueue())));
            worst = worst.max(count(|| assert!(self.queue.position(job.unwrap()).is_some())));
            let mut taken = None;
            worst = worst.max(count(|| taken = self.queue.take(POOL, 4, Millis::default())));
            let mut is_removed = false;
            worst = worst.max(count(|| is_removed = self.queue.remove(job.unwrap())));
            assert!(is_removed || taken.is_some_and(|taken| Some(taken.job) == job));
            if let Some(taken) = taken {
                worst = worst.max(count(|| assert!(self.queue.finish(taken.job, 300))));
            }
            worst = worst.max(count(|| assert!(self.queue.stats(POOL).is_some())));
        }
        worst
    }
}

fn count(call: impl FnOnce()) -> u64 {
    let before = steps();
    call();
    steps() - before
}

#[test]
fn p9_steps_grow_with_the_logarithm_of_the_workspaces() {
    let (few, many) = (Load::new(100).worst(300), Load::new(6_400).worst(19_200));
    assert!(few > 20, "the counter counts: {few}");
    assert!(many <= 3 * few, "64 times the workspaces took {many} steps instead of {few}");
}

#[test]
fn p9_a_workspace_with_many_jobs_is_no_slower() {
    let (few, many) = (Load::new(1).worst(500), Load::new(1).worst(32_000));
    assert!(many <= 3 * few, "64 times the jobs took {many} steps instead of {few}");
}
