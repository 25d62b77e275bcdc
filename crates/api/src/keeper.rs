//! What is done beside requests: keys that expire are ended, uses of keys are written down, old counts are forgotten.
//!
//! Run by the server for as long as it serves. Uses reach the store in batches, each key at most once a minute and
//! never in the way of a request; the last ones when the server stops.

use std::time::Duration;

use crate::state::ApiState;
use crate::task;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks between two batches of uses.
const LOOKS_PER_BATCH: u32 = 60;
/// Most keys in one statement.
const BATCH_MAX: usize = 500;
/// How long a server that stops waits for its last batch: uses of a minute are not worth more.
const LAST_BATCH_MAX: Duration = Duration::from_secs(2);

/// Never ends.
pub(crate) async fn keep(state: &ApiState) {
    let mut looks = 0;
    loop {
        task::sleep(LOOK_EVERY).await;
        state.keys.end_expired(state.engine.now());
        state.peers.tidy();
        looks = (looks + 1) % LOOKS_PER_BATCH;
        if looks == 0 {
            store_uses(state).await;
        }
    }
}

/// The batch of a server that stops.
pub(crate) async fn finish(state: &ApiState) {
    if tokio::time::timeout(LAST_BATCH_MAX, store_uses(state)).await.is_err() {
        tracing::info!("the last uses of keys are not written down: the store takes too long");
    }
}

/// What the store does not take is tried again with the next batch.
async fn store_uses(state: &ApiState) {
    for (minute, keys) in state.keys.uses_to_store() {
        for batch in keys.chunks(BATCH_MAX) {
            match state.engine.touch_keys(batch.to_vec(), minute).await {
                Ok(()) => state.keys.uses_are_stored(minute, batch),
                Err(_) => {
                    return tracing::debug!(keys = batch.len(), "uses of keys are not written down yet");
                }
            }
        }
    }
}
