//! What waits and what runs, per pool and tier.

use actix_web::web::Data;
use reeve_actors::{FinishedJobs, PoolView, TierView};
use reeve_protocol::{FinishedReport, PoolReport, QueueReport, TierReport};

use crate::error::Answer;
use crate::json::ok;
use crate::state::ApiState;

/// Pools and tiers.
#[utoipa::path(get, path = "/v1/queue", tag = "operating",
    responses((status = 200, description = "The queue", body = QueueReport)))]
pub(crate) async fn get(state: Data<ApiState>) -> Answer {
    let stats = state.engine.queue_stats().await;
    ok(&QueueReport {
        pools: stats.pools.iter().map(pool).collect(),
        finished: finished(&stats.finished),
        jain_window_seconds: stats.jain_window_ms / 1_000,
    })
}

fn finished(jobs: &FinishedJobs) -> FinishedReport {
    let FinishedJobs { since, succeeded, failed, content_filtered, cancelled, expired } = *jobs;
    FinishedReport { since: since.into(), succeeded, failed, content_filtered, cancelled, expired }
}

pub(crate) fn pool(pool: &PoolView) -> PoolReport {
    let busy = u32::try_from(pool.running).unwrap_or(u32::MAX);
    let served: u64 = pool.tiers.iter().map(|tier| tier.served_ms).sum();
    PoolReport {
        pool: pool.name.clone(),
        paused: pool.paused,
        workers: u32::try_from(pool.workers).unwrap_or(u32::MAX),
        slots: busy.saturating_add(pool.slots_open),
        busy,
        tiers: pool.tiers.iter().map(|of| tier(of, served)).collect(),
    }
}

fn tier(tier: &TierView, served_ms: u64) -> TierReport {
    TierReport {
        tier: tier.name.clone(),
        depth: tier.depth,
        running: tier.running,
        oldest_wait_seconds: tier.oldest_wait_ms.map(seconds),
        p50_wait_seconds: tier.waits.map(|waits| seconds(waits.p50_ms)),
        p99_wait_seconds: tier.waits.map(|waits| seconds(waits.p99_ms)),
        floor_lag: seconds(tier.floor_lag_ms),
        share: if served_ms == 0 { 0.0 } else { tier.served_ms as f64 / served_ms as f64 },
        jain_permille: tier.jain.map(|jain| jain.permille),
        jain_workspaces: tier.jain.map_or(0, |jain| jain.workspaces),
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}
