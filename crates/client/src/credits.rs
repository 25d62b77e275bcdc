//! Calls about credits that come by payment or by hand.

use reeve_protocol::{
    AdjustmentCreate, AdjustmentView, ListQuery, Page, PurchaseCreate, PurchaseView, RefundRequest,
};
use reeve_types::{PurchaseId, WorkspaceId};

use crate::{Client, ClientError, IdempotencyKey};

impl Client {
    /// Gives or takes credits by hand.
    pub async fn adjust(
        &self,
        workspace: &WorkspaceId,
        body: &AdjustmentCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<AdjustmentView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "adjustments"], body, key).await
    }

    /// Buys credits. The same payment never grants twice.
    pub async fn purchase(
        &self,
        workspace: &WorkspaceId,
        body: &PurchaseCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<PurchaseView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "purchases"], body, key).await
    }

    /// One page of a workspace's purchases.
    pub async fn purchases(
        &self,
        workspace: &WorkspaceId,
        query: &ListQuery,
    ) -> Result<Page<PurchaseView>, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "purchases"], query).await
    }

    /// The payment of a pending purchase arrived.
    pub async fn confirm_purchase(
        &self,
        purchase: PurchaseId,
        key: IdempotencyKey<'_>,
    ) -> Result<PurchaseView, ClientError> {
        self.post_bare(&["v1", "purchases", &purchase.to_string(), "confirm"], key).await
    }

    /// The payment of a pending purchase failed.
    pub async fn fail_purchase(
        &self,
        purchase: PurchaseId,
        key: IdempotencyKey<'_>,
    ) -> Result<PurchaseView, ClientError> {
        self.post_bare(&["v1", "purchases", &purchase.to_string(), "fail"], key).await
    }

    /// Takes a purchase back.
    pub async fn refund_purchase(
        &self,
        purchase: PurchaseId,
        body: &RefundRequest,
        key: IdempotencyKey<'_>,
    ) -> Result<PurchaseView, ClientError> {
        self.post(&["v1", "purchases", &purchase.to_string(), "refund"], body, key).await
    }

    /// A dispute was won: restores what the chargeback took, once.
    pub async fn win_dispute(
        &self,
        purchase: PurchaseId,
        key: IdempotencyKey<'_>,
    ) -> Result<PurchaseView, ClientError> {
        self.post_bare(&["v1", "purchases", &purchase.to_string(), "dispute_won"], key).await
    }
}
