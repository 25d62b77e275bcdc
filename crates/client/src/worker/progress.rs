//! Sends the latest progress of one job, a few times a second at most.

use std::sync::Arc;

use reeve_protocol::ProgressReport;
use reeve_types::LeaseId;
use tokio::sync::watch;

use super::Stop;
use super::deliver::is_gone;
use super::shared::Shared;
use crate::task;

/// Reports until it is dropped or the performer's end is gone. Failures are passed over: the next report says more.
pub(super) async fn run(shared: Arc<Shared>, lease: LeaseId, mut reports: watch::Receiver<ProgressReport>) {
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        match shared.client.progress(lease, &report).await {
            Ok(answer) if answer.cancel => shared.stop(lease, Stop::Cancelled),
            Ok(_) => {}
            Err(error) if is_gone(&error) => return shared.stop(lease, Stop::Lost),
            Err(error) => tracing::debug!(%error, %lease, "progress was not heard"),
        }
        task::sleep_ms(shared.settings.progress_pause_ms).await;
    }
}
