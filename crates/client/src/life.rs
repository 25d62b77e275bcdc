//! The end of a workspace, and the books of all of them.

use reeve_protocol::{ReconciliationQuery, ReconciliationView, WorkspaceView};
use reeve_types::WorkspaceId;
use reqwest::Method;
use reqwest::header::ACCEPT;

use crate::{Client, ClientError, Download, IdempotencyKey};

/// Largest reconciliation that is taken in one piece: far more than 400 days have.
const RECONCILIATION_BYTES_MAX: usize = 16 << 20;
/// Longest wait for one, in seconds: it looks through the whole ledger.
const RECONCILIATION_SECONDS_MAX: u64 = 3_600;

impl Client {
    /// Closes a workspace for good.
    pub async fn close_workspace(
        &self,
        workspace: &WorkspaceId,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post_bare(&["v1", "workspaces", workspace.as_str(), "close"], key).await
    }

    /// Erases a closed workspace; `erased_at` tells when that is done.
    pub async fn erase_workspace(
        &self,
        workspace: &WorkspaceId,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post_bare(&["v1", "workspaces", workspace.as_str(), "erase"], key).await
    }

    /// Payments against credits and charges against deliveries, per day.
    pub async fn reconciliation(
        &self,
        query: &ReconciliationQuery,
    ) -> Result<ReconciliationView, ClientError> {
        self.get_waiting(&["v1", "reconciliation"], query, RECONCILIATION_SECONDS_MAX).await
    }

    /// The same as CSV.
    pub async fn reconciliation_csv(&self, query: &ReconciliationQuery) -> Result<Download, ClientError> {
        let request = self.to(Method::GET, &["v1", "reconciliation"]).query(query).header(ACCEPT, "text/csv");
        self.download(request.timeout(self.patience(RECONCILIATION_SECONDS_MAX)), RECONCILIATION_BYTES_MAX)
            .await
    }
}
