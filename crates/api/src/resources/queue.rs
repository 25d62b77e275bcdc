//! What waits, what runs, and who works.

use std::collections::BTreeMap;

use actix_web::web::Data;
use reeve_actors::{PoolView, TierView};
use reeve_protocol::{Page, PoolReport, QueueReport, SessionView, TierReport, WorkerState, WorkerView};
use reeve_types::{LeaseId, WorkerName};

use crate::error::Answer;
use crate::json::ok;
use crate::state::ApiState;

/// Pools and tiers.
#[utoipa::path(get, path = "/v1/queue", tag = "operating",
    responses((status = 200, description = "The queue", body = QueueReport)))]
pub(crate) async fn get(state: Data<ApiState>) -> Answer {
    let stats = state.engine.queue_stats().await;
    ok(&QueueReport { pools: stats.pools.iter().map(pool).collect() })
}

fn pool(pool: &PoolView) -> PoolReport {
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
        p50_wait_seconds: None,
        p99_wait_seconds: None,
        floor_lag: seconds(tier.floor_lag_ms),
        share: if served_ms == 0 { 0.0 } else { tier.served_ms as f64 / served_ms as f64 },
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// Workers with their sessions and leases.
#[utoipa::path(get, path = "/v1/workers", tag = "operating",
    responses((status = 200, description = "All that were heard of lately", body = Page<WorkerView>)))]
pub(crate) async fn workers(state: Data<ApiState>) -> Answer {
    let leased = state.engine.reader().leased().await?;
    let mut workers: BTreeMap<WorkerName, Vec<SessionView>> = BTreeMap::new();
    for session in state.engine.workers() {
        let mine = leased
            .iter()
            .filter(|row| *row.worker == *session.name.as_str() && row.session == session.session);
        let leases: Vec<LeaseId> = mine.map(|row| row.lease).collect();
        workers.entry(session.name).or_default().push(SessionView {
            session: session.session.to_string(),
            pools: session.pools,
            wanted: 0,
            leases,
            last_seen_at: session.last_seen_at.into(),
        });
    }
    let view = |(worker, sessions)| WorkerView { worker, state: WorkerState::Active, sessions };
    ok(&Page::only(workers.into_iter().map(view).collect()))
}
