//! Calls for those who run the platform.

use reeve_protocol::{
    ClockSet, ClockView, Health, KeyCreate, KeyCreated, KeyView, ListQuery, Page, PoolReport, QueueReport,
    ReloadReport, VerifyQuery, VerifyReport, WorkerView, WorkspaceView,
};
use reeve_types::{KeyId, PoolName, WorkerName, WorkspaceId};
use reqwest::Method;

use crate::client::keyed;
use crate::{Client, ClientError, IdempotencyKey};

/// What a worker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerOrder {
    /// Finish what you have.
    Drain,
    /// Get nothing more.
    Quarantine,
    /// Take leases again.
    Release,
}

impl WorkerOrder {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Quarantine => "quarantine",
            Self::Release => "release",
        }
    }
}

impl Client {
    /// Whether the server lives. Asked once: an outage is the answer here.
    pub async fn healthz(&self) -> Result<Health, ClientError> {
        self.once(self.to(Method::GET, &["healthz"])).await
    }

    /// Whether the server serves. Asked once.
    pub async fn readyz(&self) -> Result<Health, ClientError> {
        self.once(self.to(Method::GET, &["readyz"])).await
    }

    /// Starts a verification and waits up to `wait_seconds` (at most 60) for its result.
    pub async fn verify(&self, wait_seconds: Option<u64>) -> Result<VerifyReport, ClientError> {
        let query = VerifyQuery { wait: wait_seconds };
        let request = keyed(self.to(Method::POST, &["v1", "verify"]), IdempotencyKey::Fresh).query(&query);
        self.repeat(request.timeout(self.patience(wait_seconds.unwrap_or(0)))).await
    }

    /// How the last verification stands.
    pub async fn verify_status(&self) -> Result<VerifyReport, ClientError> {
        self.get(&["v1", "verify"], &()).await
    }

    /// How long the queues are and who is served.
    pub async fn queue(&self) -> Result<QueueReport, ClientError> {
        self.get(&["v1", "queue"], &()).await
    }

    /// The workers that were heard of.
    pub async fn workers(&self, query: &ListQuery) -> Result<Page<WorkerView>, ClientError> {
        self.get(&["v1", "workers"], query).await
    }

    /// Tells a worker to finish, to stop or to go on.
    pub async fn order_worker(
        &self,
        worker: &WorkerName,
        order: WorkerOrder,
    ) -> Result<WorkerView, ClientError> {
        self.post_bare(&["v1", "workers", worker.as_str(), order.as_str()], IdempotencyKey::Fresh).await
    }

    /// Stops (`true`) or goes on leasing a pool's jobs.
    pub async fn pause_pool(&self, pool: &PoolName, paused: bool) -> Result<PoolReport, ClientError> {
        let word = if paused { "pause" } else { "resume" };
        let path = ["v1", "pools", pool.as_str(), word];
        self.post_bare(&path, IdempotencyKey::Fresh).await
    }

    /// Stops (`true`) or goes on starting a workspace's jobs.
    pub async fn pause_workspace(
        &self,
        workspace: &WorkspaceId,
        paused: bool,
        key: IdempotencyKey<'_>,
    ) -> Result<WorkspaceView, ClientError> {
        let word = if paused { "pause" } else { "resume" };
        self.post_bare(&["v1", "workspaces", workspace.as_str(), word], key).await
    }

    /// Makes the server read its configuration again.
    pub async fn reload(&self) -> Result<ReloadReport, ClientError> {
        self.post_bare(&["v1", "reload"], IdempotencyKey::Fresh).await
    }

    /// Makes a key; its secret is in this answer only.
    pub async fn create_key(
        &self,
        body: &KeyCreate,
        key: IdempotencyKey<'_>,
    ) -> Result<KeyCreated, ClientError> {
        self.post(&["v1", "keys"], body, key).await
    }

    /// One page of keys, without secrets.
    pub async fn keys(&self, query: &ListQuery) -> Result<Page<KeyView>, ClientError> {
        self.get(&["v1", "keys"], query).await
    }

    /// Takes a key out of use.
    pub async fn delete_key(&self, key: KeyId) -> Result<(), ClientError> {
        let request = self.to(Method::DELETE, &["v1", "keys", &key.to_string()]);
        self.repeat::<serde::de::IgnoredAny>(request).await.map(drop)
    }

    /// What time it is on the server.
    pub async fn clock(&self) -> Result<ClockView, ClientError> {
        self.get(&["v1", "clock"], &()).await
    }

    /// Moves a manual clock forward.
    pub async fn set_clock(
        &self,
        body: &ClockSet,
        key: IdempotencyKey<'_>,
    ) -> Result<ClockView, ClientError> {
        self.post(&["v1", "clock"], body, key).await
    }
}
