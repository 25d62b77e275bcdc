//! Calls about workspaces: their settings, members, balance and ledger.

use reeve_protocol::{
    BalanceQuery, BalanceView, CatalogMove, ImportAnswer, ImportRow, LedgerQuery, LedgerRow, ListQuery,
    MemberPut, MemberView, Page, UsageQuery, UsageRow, WorkspaceCreate, WorkspacePatch, WorkspaceView,
};
use reeve_types::{MemberId, WorkspaceId};
use reqwest::Method;
use reqwest::header::ACCEPT;

use crate::{Client, ClientError, Download, IdempotencyKey};

/// Largest statement that is taken in one piece: some two million rows.
const STATEMENT_BYTES_MAX: usize = 1 << 30;

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

    /// The ledger as a statement in CSV; the query's limit and cursor do not count.
    pub async fn statement(
        &self,
        workspace: &WorkspaceId,
        query: &LedgerQuery,
    ) -> Result<Download, ClientError> {
        let request = self.to(Method::GET, &["v1", "workspaces", workspace.as_str(), "ledger"]);
        // As long as it takes: a statement has no bound but the workspace's history.
        let request = request.query(query).header(ACCEPT, "text/csv").timeout(self.patience(3_600));
        self.download(request, STATEMENT_BYTES_MAX).await
    }

    /// Sets or lifts a member's limit.
    pub async fn put_member(
        &self,
        workspace: &WorkspaceId,
        member: &MemberId,
        body: &MemberPut,
    ) -> Result<MemberView, ClientError> {
        self.change(Method::PUT, &["v1", "workspaces", workspace.as_str(), "members", member.as_str()], body)
            .await
    }

    /// Members who have, or had, a limit.
    pub async fn members(&self, workspace: &WorkspaceId) -> Result<Page<MemberView>, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "members"], &()).await
    }

    /// Moves a workspace to another version, or to another catalog that has its plan.
    pub async fn move_catalog(
        &self,
        workspace: &WorkspaceId,
        body: &CatalogMove,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "catalog"], body, key).await
    }

    /// Opens workspaces with the balances of another system. The same rows again are safe.
    pub async fn import(&self, rows: &[ImportRow]) -> Result<ImportAnswer, ClientError> {
        let request = self.to(Method::POST, &["v1", "workspaces", "import"]).json(rows);
        self.repeat(request.timeout(self.patience(600))).await
    }
}
