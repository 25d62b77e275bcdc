//! One heartbeat for all leases of the process.

use std::sync::Arc;

use super::shared::Shared;
use crate::task;

/// Pace of a worker that holds nothing and only waits for the end of a drain.
const IDLE_MS: u64 = 5_000;
/// A heartbeat that failed is tried again after this part of its period, so that a lease outlives several.
const RETRY_PART: u64 = 5;

/// Beats until it is dropped. A failed beat changes nothing here: whether a lease lives is for the server to say.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut last = task::Mark::now();
    let mut failed = false;
    loop {
        let Some(period_ms) = shared.heartbeat_ms(IDLE_MS) else {
            shared.accepted.notified().await;
            last = task::Mark::now();
            continue;
        };
        let due_ms = if failed { period_ms.div_ceil(RETRY_PART) } else { period_ms };
        let left_ms = due_ms.saturating_sub(last.elapsed_ms());
        if left_ms > 0 {
            // New leases may ask for a faster pace: then look again.
            let _ = task::within_ms(left_ms, shared.accepted.notified()).await;
            if last.elapsed_ms() < due_ms {
                continue;
            }
        }
        last = task::Mark::now();
        failed = !beat(&shared, period_ms).await;
    }
}

/// One beat; it gets no longer than its period, or a hanging connection would cost the leases.
async fn beat(shared: &Shared, period_ms: u64) -> bool {
    let request = shared.heartbeat_request();
    match task::within_ms(period_ms, shared.client.heartbeat(&request)).await {
        Some(Ok(answer)) => {
            shared.heard(&answer);
            true
        }
        Some(Err(error)) => {
            tracing::warn!(%error, leases = request.leases.len(), "a heartbeat failed; the work goes on");
            false
        }
        None => {
            tracing::warn!(period_ms, "a heartbeat was not answered in time; the work goes on");
            false
        }
    }
}
