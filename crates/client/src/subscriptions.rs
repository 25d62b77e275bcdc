//! Calls about subscriptions: plans, renewals, trials, add-ons, referrals.

use reeve_protocol::{
    AddonPut, ReferralCreate, ReferralView, RefundProposalView, RenewalCreate, SubscriptionChange,
    SubscriptionRefund, WorkspaceView,
};
use reeve_types::WorkspaceId;
use reqwest::Method;

use crate::{Client, ClientError, IdempotencyKey};

impl Client {
    /// Changes the plan, the allotment, the interval or the seats (X22).
    pub async fn change_subscription(
        &self,
        workspace: &WorkspaceId,
        body: &SubscriptionChange,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "subscription"], body, key).await
    }

    /// Cancels at the period's end.
    pub async fn cancel_subscription(&self, workspace: &WorkspaceId) -> Result<WorkspaceView, ClientError> {
        self.repeat(self.to(Method::DELETE, &["v1", "workspaces", workspace.as_str(), "subscription"])).await
    }

    /// Takes a scheduled change or cancel back.
    pub async fn resume_subscription(
        &self,
        workspace: &WorkspaceId,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post_bare(&["v1", "workspaces", workspace.as_str(), "subscription", "resume"], key).await
    }

    /// Says how a renewal's payment went.
    pub async fn renew(
        &self,
        workspace: &WorkspaceId,
        body: &RenewalCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "renewals"], body, key).await
    }

    /// Starts the catalog's trial.
    pub async fn start_trial(
        &self,
        workspace: &WorkspaceId,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post_bare(&["v1", "workspaces", workspace.as_str(), "trial"], key).await
    }

    /// Sets how many units of an add-on the workspace has.
    pub async fn put_addon(
        &self,
        workspace: &WorkspaceId,
        addon: &str,
        body: &AddonPut,
    ) -> Result<WorkspaceView, ClientError> {
        self.change(Method::PUT, &["v1", "workspaces", workspace.as_str(), "addons", addon], body).await
    }

    /// Cancels an add-on at the period's end.
    pub async fn cancel_addon(
        &self,
        workspace: &WorkspaceId,
        addon: &str,
    ) -> Result<WorkspaceView, ClientError> {
        self.repeat(self.to(Method::DELETE, &["v1", "workspaces", workspace.as_str(), "addons", addon])).await
    }

    /// Tells that a friend of this workspace's owner signed up.
    pub async fn refer(
        &self,
        workspace: &WorkspaceId,
        body: &ReferralCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<ReferralView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "referrals"], body, key).await
    }

    /// What a refund of the subscription would be now.
    pub async fn refund_proposal(&self, workspace: &WorkspaceId) -> Result<RefundProposalView, ClientError> {
        let path = ["v1", "workspaces", workspace.as_str(), "subscription", "refund_proposal"];
        self.get(&path, &()).await
    }

    /// Ends the subscription now and takes the rest of its credits.
    pub async fn refund_subscription(
        &self,
        workspace: &WorkspaceId,
        body: &SubscriptionRefund,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "subscription", "refund"], body, key).await
    }
}
