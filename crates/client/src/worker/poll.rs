//! Asks for leases while slots are free.

use std::sync::Arc;

use reeve_protocol::{LeaseRequest, LeaseView};
use reeve_types::limits;
use tokio::sync::{mpsc, watch};

use super::Stop;
use super::shared::Shared;
use crate::retry::RetryPolicy;
use crate::{ClientError, entropy, task};

/// What the poller tells the worker.
pub(super) enum Polled {
    Leases(Vec<(LeaseView, watch::Receiver<Option<Stop>>)>),
    /// The very first request was refused for good.
    Refused(ClientError),
}

/// Pauses between requests that failed: for ever, because a server that comes back wants its workers back.
const PATIENCE: RetryPolicy = RetryPolicy { deadline_ms: u64::MAX, first_ms: 200, pause_ms_max: 5_000 };

/// Least time that an empty answer takes: a server that answers at once is not asked in a circle.
const EMPTY_MS_MIN: u64 = 500;

/// Polls until it is dropped. Leases are in the table before anything else happens, so that the next heartbeat lists them.
pub(super) async fn run(shared: Arc<Shared>, polled: mpsc::Sender<Polled>) {
    let mut failures = 0_u32;
    let mut heard_once = false;
    loop {
        let wanted = shared.wanted();
        if wanted == 0 {
            shared.slot_freed.notified().await;
            continue;
        }
        let asked = task::Mark::now();
        match shared.client.lease(&request(&shared, wanted)).await {
            Ok(answer) => {
                (failures, heard_once) = (0, true);
                if answer.leases.is_empty() {
                    task::sleep_ms(EMPTY_MS_MIN.saturating_sub(asked.elapsed_ms())).await;
                } else if polled.send(Polled::Leases(shared.accept(answer.leases))).await.is_err() {
                    return;
                }
            }
            Err(error) if error.unknown_pools().is_some() => {
                // Not final: a worker may be started before its catalog is published. Each time it is said again,
                // since with a name that is only misspelt nobody gets any work from this process.
                failures = 0;
                let pause_ms = shared.settings.unknown_pool_pause_ms;
                tracing::warn!(%error, pause_ms, "the server does not know these pools; asking again");
                task::sleep_ms(pause_ms).await;
            }
            Err(error) if !heard_once && !error.is_retryable() => {
                // The receiver being gone means that the worker ends anyway.
                let _ = polled.send(Polled::Refused(error)).await;
                return;
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::warn!(%error, failures, "leasing failed; trying again");
                pause(failures, &error).await;
            }
        }
    }
}

fn request(shared: &Shared, slots: u32) -> LeaseRequest {
    LeaseRequest {
        worker: shared.settings.name.clone(),
        session: shared.settings.session.clone(),
        pools: shared.settings.pools.clone(),
        slots,
        wait_seconds: Some(shared.settings.wait_seconds.min(limits::WAIT_SECONDS_MAX)),
    }
}

async fn pause(failures: u32, error: &ClientError) {
    let asked_ms = error.retry_after_seconds().map(|s| s.saturating_mul(1_000));
    if let Some(pause_ms) = PATIENCE.pause_ms(failures, 0, asked_ms, entropy::jitter_permille()) {
        task::sleep_ms(pause_ms).await;
    }
}
