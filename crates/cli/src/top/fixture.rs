//! Answers of a server that the tests make up, as JSON: fields that the API gains later do not break them.

use reeve_protocol::{JobView, QueueReport, WorkerView};
use reeve_types::{JobId, Millis, PoolName, TierName};
use serde_json::{Value, json};

use super::look::Look;

/// The server's clock in all looks.
const NOW: &str = "2026-03-01T12:00:00.000Z";

pub fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

pub fn tier(name: &str) -> TierName {
    TierName::new(name).unwrap()
}

/// The job with this number; higher ones are newer.
pub fn job_id(n: u32) -> JobId {
    JobId::from_parts(Millis::from_millis(1_700_000_000_000 + i64::from(n)), u128::from(n))
}

/// A running job of the pool `image` that is `percent` done and has run for `seconds`.
pub fn job(n: u32, percent: u32, seconds: u32) -> JobView {
    let started = format!("2026-03-01T11:{:02}:{:02}.000Z", 59 - seconds / 60, 60 - seconds % 60 - 1);
    let value = json!({
        "id": job_id(n).to_string(), "workspace": format!("studio-{n}"), "member": null,
        "action": "image.generate", "params": {}, "pool": "image", "tier": "standard", "status": "running",
        "attempt": 1, "max_attempts": 3,
        "credits": {"quoted": 4, "held": 4, "settled": 0, "released": 0, "lines": []},
        "progress": {"fraction": f64::from(percent) / 100.0, "stage": "sampling", "message": null, "at": null},
        "outputs": [], "queue": null, "error": null, "metadata": null,
        "created_at": "2026-03-01T11:00:00.000Z", "started_at": started, "finished_at": null,
        "deadline_at": null, "urls": {"self": "/", "events": "/", "cancel": "/"},
    });
    serde_json::from_value(value).unwrap()
}

fn report(tiers: &[Value]) -> QueueReport {
    let pools = json!({"pools": [
        {"pool": "image", "paused": false, "workers": 2, "slots": 8, "busy": 6, "tiers": tiers},
        {"pool": "video", "paused": true, "workers": 0, "slots": 0, "busy": 0, "tiers": []},
    ], "finished": {
        "since": "2026-02-28T00:00:00.000Z", "succeeded": 0, "failed": 0, "content_filtered": 0, "cancelled": 0,
        "expired": 0,
    }, "jain_window_seconds": 60});
    serde_json::from_value(pools).unwrap()
}

fn tier_json(name: &str, oldest: Option<f64>) -> Value {
    json!({
        "tier": name, "depth": 12, "running": 3, "oldest_wait_seconds": oldest, "p50_wait_seconds": null,
        "p99_wait_seconds": 725.0, "floor_lag": 0.0, "share": 0.25, "jain_permille": 987, "jain_workspaces": 40,
    })
}

/// A look with these jobs running, and nothing else.
pub fn look_of(running: &[u32]) -> Look {
    Look {
        at: NOW.parse().unwrap(),
        queue: report(&[tier_json("standard", None)]),
        workers: Vec::new(),
        workers_more: false,
        running: running.iter().map(|n| job(*n, 50, 10)).collect(),
        running_more: false,
    }
}

/// A look at a server on which so many jobs have succeeded.
pub fn look_with_finished(succeeded: u64) -> Look {
    let mut look = look_of(&[]);
    look.queue.finished.succeeded = succeeded;
    look
}

/// A look in which the tiers of the pool `image` have waited so long.
pub fn look_with_waits(tiers: &[(&str, Option<f64>)]) -> Look {
    let tiers: Vec<Value> = tiers.iter().map(|(name, oldest)| tier_json(name, *oldest)).collect();
    Look { queue: report(&tiers), ..look_of(&[]) }
}

/// A busy server: four tiers, `jobs` running jobs and `workers` workers.
pub fn busy(jobs: u32, workers: u32) -> Look {
    let tiers = [("free", Some(310.0)), ("standard", Some(42.0)), ("pro", Some(7.5)), ("instant", None)];
    let mut look = look_with_waits(&tiers);
    look.running = (1..=jobs).map(|n| job(n, n * 7 % 101, 30 + n % 29)).collect();
    look.workers = (1..=workers).map(worker).collect();
    look
}

fn worker(n: u32) -> WorkerView {
    let session = json!({
        "session": "s", "pools": ["image", "video"], "wanted": 1, "leases": [],
        "last_seen_at": "2026-03-01T11:59:58.000Z",
    });
    let value = json!({"worker": format!("gpu-{n}"), "state": "draining", "sessions": [session]});
    serde_json::from_value(value).unwrap()
}
