//! Measures the queue: operations a second, and bytes a queued job, at three sizes.
//!
//! `cargo run --release -p reeve-queue --example cost`, or with other sizes as arguments. Every size has
//! the same 100,000 workspaces and all of them send jobs, so that a short queue is not flattered by a
//! small working set: with fewer jobs than workspaces most lanes are empty at any one moment, but each
//! comes up again. A steady mix, one round of it:
//!
//! - a job is enqueued for a random workspace;
//! - a job is taken and confirmed (one operation);
//! - the longest running job is finished;
//! - in every eighth round a job that waits is cancelled, and another enqueued in its place.
//!
//! The number of queued jobs stays what it is. Only calls that did what they name are counted: a look at
//! a job that turns out not to wait any longer costs time and counts for nothing.
//!
//! The sizes take turns, pass by pass, so that a noisy neighbour hits all of them; what is printed are
//! medians over the passes, of the processor time that this thread was given where the system says it.

#![expect(clippy::unwrap_used, reason = "an example may stop at what cannot happen")]
#![expect(clippy::disallowed_methods, reason = "measuring needs the system's clock")]

use std::collections::VecDeque;
use std::time::Instant;

use reeve_queue::{
    Entry, FairQueue, PoolIndex, PoolSettings, Sequence, Settings, TierIndex, TierSettings, WorkspaceFacts,
    WorkspaceKey,
};
use reeve_types::{JobId, Millis, PoolName, TierName, WorkspaceId};

// The server's own allocator, in the same way.
use mimalloc as _;

const WORKSPACES: u64 = 100_000;
const RUNNING: usize = 1_000;
/// Rounds before the first pass: enough for nearly every workspace to have had its turn.
const WARM_ROUNDS: u64 = 500_000;
const PASSES: usize = 9;
const PASS_ROUNDS: u64 = 200_000;

fn main() {
    let asked: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![10_000, 100_000, 1_000_000] } else { asked };
    let mut lines: Vec<Line> = sizes.into_iter().map(Line::new).collect();
    for _ in 0..PASSES {
        lines.iter_mut().for_each(Line::pass);
    }
    println!(
        "{:>10} {:>12} {:>12} {:>12} {:>10} {:>22} {:>12} {:>10}",
        "queued", "workspaces", "with ready", "ops/s", "ns/op", "fastest-slowest", "fill ns/job", "bytes/job"
    );
    lines.iter().for_each(Line::print);
    let medians = lines.iter().map(Line::median);
    let (least, most) = medians.fold((f64::MAX, f64::MIN), |(least, most), ns| (least.min(ns), most.max(ns)));
    println!("slowest line / fastest line, of the medians: {:.2}", most / least);
}

/// One size.
struct Line {
    bench: Bench,
    queued: u64,
    /// Nanoseconds an operation took, of each pass.
    passes_ns: Vec<f64>,
    fill_ns: u64,
    bytes: u64,
}

impl Line {
    fn new(queued: u64) -> Self {
        let mut bench = Bench::new();
        let before = resident_bytes();
        let start = Stopwatch::start();
        for _ in 0..queued {
            bench.enqueue();
        }
        let fill_ns = start.elapsed_ns() / queued.max(1);
        let bytes = resident_bytes().saturating_sub(before) / queued.max(1);
        while bench.running.len() < RUNNING {
            bench.start();
            bench.enqueue();
        }
        (0..WARM_ROUNDS).for_each(|round| bench.round(round));
        Self { bench, queued, passes_ns: Vec::new(), fill_ns, bytes }
    }

    fn pass(&mut self) {
        self.bench.operations = 0;
        let start = Stopwatch::start();
        (0..PASS_ROUNDS).for_each(|round| self.bench.round(round));
        self.passes_ns.push(start.elapsed_ns() as f64 / self.bench.operations as f64);
        assert_eq!(self.bench.operations, 3 * PASS_ROUNDS + PASS_ROUNDS / 4, "every call did what it names");
    }

    fn sorted_ns(&self) -> Vec<f64> {
        let mut sorted = self.passes_ns.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    }

    fn median(&self) -> f64 {
        self.sorted_ns()[PASSES / 2]
    }

    fn print(&self) {
        let stats = self.bench.queue.stats(PoolIndex(0)).unwrap();
        let eligible: u64 = stats.tiers.iter().map(|tier| tier.workspaces_eligible).sum();
        let (sorted, median) = (self.sorted_ns(), self.median());
        let spread = format!("{:.0}-{:.0} ns", sorted[0], sorted[PASSES - 1]);
        let rate = 1e9 / median;
        println!(
            "{:>10} {WORKSPACES:>12} {eligible:>12} {rate:>12.0} {median:>10.0} {spread:>22} {:>12} {:>10}",
            self.queued, self.fill_ns, self.bytes
        );
    }
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
        if self.jobs.is_multiple_of(4) {
            self.cancellable.push_back(entry.job);
        }
    }

    fn start(&mut self) {
        let taken = self.queue.take(PoolIndex(0), 1, Millis::from_millis(0)).unwrap();
        self.operations += 1;
        assert!(self.queue.confirm(taken.ticket));
        self.running.push_back((taken.job, taken.cost_ms));
    }

    fn round(&mut self, round: u64) {
        self.enqueue();
        self.start();
        let (job, cost_ms) = self.running.pop_front().unwrap();
        let actual_ms = u64::from(cost_ms) + self.dice() % 400 - 200;
        assert!(self.queue.finish(job, actual_ms));
        self.operations += 1;
        if round.is_multiple_of(8) {
            self.cancel();
            self.enqueue();
        }
    }

    /// Cancels the oldest of the remembered jobs that still waits.
    fn cancel(&mut self) {
        while let Some(job) = self.cancellable.pop_front() {
            if self.queue.remove(job) {
                self.operations += 1;
                return;
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

/// What a stretch of work took.
struct Stopwatch {
    wall: Instant,
    processor_ns: Option<u64>,
}

impl Stopwatch {
    fn start() -> Self {
        Self { wall: Instant::now(), processor_ns: processor_ns() }
    }

    /// Processor time, or that of the clock on the wall where the system does not say.
    fn elapsed_ns(&self) -> u64 {
        let wall_ns = self.wall.elapsed().as_nanos() as u64;
        self.processor_ns.zip(processor_ns()).map_or(wall_ns, |(start, now)| now - start)
    }
}

/// Nanoseconds that this thread has run, which is all of the process; late by a few milliseconds.
fn processor_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// Resident memory of this process; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}
