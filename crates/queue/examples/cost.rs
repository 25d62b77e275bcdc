//! Measures the queue: operations a second, and bytes a queued job, at three sizes.
//!
//! `cargo run --release -p reeve-queue --example cost`. A steady mix over 100,000 workspaces: each round
//! enqueues a job, takes and confirms one, closes one of the running, and every eighth round cancels a
//! queued one and puts another in its place, so that the number of queued jobs stays what it is.

#![expect(clippy::unwrap_used, reason = "an example may stop at what cannot happen")]
#![expect(clippy::disallowed_methods, reason = "measuring needs the system's clock")]

use std::collections::VecDeque;
use std::time::Instant;

use reeve_queue::{
    Entry, FairQueue, PoolIndex, PoolSettings, Sequence, Settings, TierIndex, TierSettings, WorkspaceFacts,
    WorkspaceKey,
};
use reeve_types::{JobId, Millis, PoolName, TierName, WorkspaceId};

const WORKSPACES: u64 = 100_000;
const ROUNDS: u64 = 1_000_000;
const RUNNING: usize = 1_000;

fn main() {
    println!("{:>10} {:>12} {:>14} {:>14} {:>12}", "queued", "ops/s", "ns/op", "fill ns/job", "bytes/job");
    for queued in [10_000, 100_000, 1_000_000] {
        measure(queued);
    }
}

fn measure(queued: u64) {
    let mut bench = Bench::new();
    let before = resident_bytes();
    let start = Instant::now();
    for _ in 0..queued {
        bench.enqueue();
    }
    let fill = start.elapsed().as_nanos() as u64 / queued;
    let bytes = resident_bytes().saturating_sub(before) / queued;
    while bench.running.len() < RUNNING {
        bench.start();
        bench.enqueue();
    }
    let start = Instant::now();
    for round in 0..ROUNDS {
        bench.round(round);
    }
    let elapsed = start.elapsed();
    let ns = elapsed.as_nanos() as u64 / bench.operations;
    let rate = bench.operations as f64 / elapsed.as_secs_f64();
    println!("{queued:>10} {rate:>12.0} {ns:>14} {fill:>14} {bytes:>12}");
}

struct Bench {
    queue: FairQueue,
    keys: Vec<WorkspaceKey>,
    running: VecDeque<(JobId, u32)>,
    cancellable: VecDeque<JobId>,
    seed: u64,
    jobs: u64,
    operations: u64,
}

impl Bench {
    fn new() -> Self {
        let mut queue = FairQueue::new(settings()).unwrap();
        let keys = (0..WORKSPACES).map(|n| {
            let tier = TierIndex([0, 0, 0, 0, 0, 0, 1, 1, 2, 3][n as usize % 10]);
            let cap_running = [1, 4, 8, 16][tier.at()];
            let id = WorkspaceId::new(&format!("workspace-{n}")).unwrap();
            queue.set_workspace(&id, WorkspaceFacts { tier, cap_running, paused: false }).unwrap()
        });
        let keys = keys.collect();
        Self {
            queue,
            keys,
            running: VecDeque::new(),
            cancellable: VecDeque::new(),
            seed: 1,
            jobs: 0,
            operations: 0,
        }
    }

    fn dice(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn enqueue(&mut self) {
        let roll = self.dice();
        let now = Millis::from_millis(1_700_000_000_000 + self.jobs as i64 / 10);
        let entry = Entry {
            job: JobId::from_parts(now, u128::from(roll) << 10 | u128::from(self.jobs & 1023)),
            workspace: self.keys[(roll % WORKSPACES) as usize],
            pool: PoolIndex(0),
            cost_ms: Some(500 + (roll >> 40) as u32 % 8_000),
            action: 0,
            priority: 0,
            sequence: Sequence { admitted_at: now, n: self.jobs as u32 },
            gate: None,
        };
        self.jobs += 1;
        self.operations += 1;
        self.queue.enqueue(entry, now).unwrap();
        if self.jobs.is_multiple_of(8) {
            self.cancellable.push_back(entry.job);
        }
    }

    fn start(&mut self) {
        let taken = self.queue.take(PoolIndex(0), 1, Millis::from_millis(0));
        self.operations += 1;
        if let Some(taken) = taken {
            self.queue.confirm(taken.ticket);
            self.running.push_back((taken.job, taken.cost_ms));
        }
    }

    fn round(&mut self, round: u64) {
        self.enqueue();
        self.start();
        if let Some((job, cost_ms)) = self.running.pop_front() {
            let actual_ms = u64::from(cost_ms) + self.dice() % 400 - 200;
            self.queue.finish(job, actual_ms);
            self.operations += 1;
        }
        if round.is_multiple_of(8)
            && let Some(job) = self.cancellable.pop_front()
        {
            self.operations += 1;
            if self.queue.remove(job) {
                self.enqueue();
            }
        }
    }
}

fn settings() -> Settings {
    let tier = |name: &str, weight, floor_permille, express_permille| TierSettings {
        name: TierName::new(name).unwrap(),
        weight,
        floor_permille,
        express_permille,
    };
    let tiers = vec![tier("a", 1, 50, 0), tier("b", 2, 100, 0), tier("c", 4, 150, 0), tier("d", 8, 200, 500)];
    let name = PoolName::new("image").unwrap();
    Settings { tiers, pools: vec![PoolSettings { name, cost_ms_max: 10_000, cost_ms_default: 2_000 }] }
}

/// Resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}
