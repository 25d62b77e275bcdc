//! What the system says of a server's process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fixture::{pause_ms, spawn};

/// Ticks of the system's clock in a second, as Linux counts CPU time for people.
const TICKS: u64 = 100;

/// Memory of its own, in KiB; pages of files are not in it.
pub fn anonymous_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// CPU time used so far, in milliseconds.
pub fn cpu_ms(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in parentheses may hold anything; user and system time are the 12th and 13th field after it.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).unwrap().parse::<u64>().unwrap();
    (ticks(11) + ticks(12)) * 1_000 / TICKS
}

/// Files it has open.
pub fn open_files(pid: u32) -> u64 {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64
}

/// As many files as the system allows, for this process and those that it starts. How many that is.
pub fn raise_open_files() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Looks at a process's memory until it is told to stop.
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    peak: tokio::task::JoinHandle<u64>,
}

impl MemoryWatch {
    pub fn on(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let peak = spawn(async move {
            let mut peak = 0;
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(anonymous_kib(pid));
                pause_ms(50).await;
            }
            peak
        });
        Self { stop, peak }
    }

    /// The most that was seen, in KiB.
    pub async fn peak_kib(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.peak.await.unwrap()
    }
}
