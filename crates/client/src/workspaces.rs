//! Calls about workspaces and their subscriptions.

use reeve_protocol::{
    AddonPut, BalanceQuery, BalanceView, LedgerQuery, LedgerRow, ListQuery, MemberPut, Page, ReferralCreate,
    RenewalCreate, SubscriptionChange, UsageQuery, UsageRow, WorkspaceCreate, WorkspacePatch, WorkspaceView,
};
use reeve_types::{MemberId, WorkspaceId};
use reqwest::Method;

use crate::{Client, ClientError, IdempotencyKey};

impl Client {
    /// Makes a workspace and grants what its catalog says.
    pub async fn create_workspace(
        &self,
        body: &WorkspaceCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces"], body, key).await
    }

    /// One workspace.
    pub async fn workspace(&self, workspace: &WorkspaceId) -> Result<WorkspaceView, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str()], &()).await
    }

    /// One page of all workspaces.
    pub async fn workspaces(&self, query: &ListQuery) -> Result<Page<WorkspaceView>, ClientError> {
        self.get(&["v1", "workspaces"], query).await
    }

    /// Changes what is named in `body`.
    pub async fn patch_workspace(
        &self,
        workspace: &WorkspaceId,
        body: &WorkspacePatch,
    ) -> Result<WorkspaceView, ClientError> {
        self.change(Method::PATCH, &["v1", "workspaces", workspace.as_str()], body).await
    }

    /// What a workspace has; a forecast when the query names a future instant.
    pub async fn balance(
        &self,
        workspace: &WorkspaceId,
        query: &BalanceQuery,
    ) -> Result<BalanceView, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "balance"], query).await
    }

    /// One page of ledger rows.
    pub async fn ledger(
        &self,
        workspace: &WorkspaceId,
        query: &LedgerQuery,
    ) -> Result<Page<LedgerRow>, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "ledger"], query).await
    }

    /// All rows from the query's cursor on, page after page.
    pub async fn ledger_to_end(
        &self,
        workspace: &WorkspaceId,
        mut query: LedgerQuery,
    ) -> Result<Vec<LedgerRow>, ClientError> {
        let mut rows = Vec::new();
        loop {
            let page = self.ledger(workspace, &query).await?;
            rows.extend(page.data);
            match page.next_cursor {
                Some(cursor) if query.cursor.as_ref() != Some(&cursor) => query.cursor = Some(cursor),
                _ => return Ok(rows),
            }
        }
    }

    /// Totals of what was settled, released and refunded.
    pub async fn usage(
        &self,
        workspace: &WorkspaceId,
        query: &UsageQuery,
    ) -> Result<Page<UsageRow>, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "usage"], query).await
    }

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
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "referrals"], body, key).await
    }

    /// Sets or lifts a member's limit.
    pub async fn put_member(
        &self,
        workspace: &WorkspaceId,
        member: &MemberId,
        body: &MemberPut,
    ) -> Result<MemberPut, ClientError> {
        self.change(Method::PUT, &["v1", "workspaces", workspace.as_str(), "members", member.as_str()], body)
            .await
    }
}
