//! Calls about quotes, jobs, outputs and assets.

use reeve_protocol::{
    AssetView, BulkCancel, BulkCancelled, JobQuery, JobRetry, JobSubmit, JobView, JobsQuery, Page,
    QuoteRequest, QuoteView, ReceiptView,
};
use reeve_types::{JobId, WorkspaceId, limits};
use reqwest::Method;

use crate::body::carrying;
use crate::client::keyed;
use crate::{Client, ClientError, Download, EventFeed, IdempotencyKey, Upload};

impl Client {
    /// What a job would cost; an answer also when it cannot be afforded.
    pub async fn quote(
        &self,
        workspace: &WorkspaceId,
        body: &QuoteRequest,
    ) -> Result<QuoteView, ClientError> {
        // Changes nothing, so it may be repeated without a key.
        self.change(Method::POST, &["v1", "workspaces", workspace.as_str(), "quotes"], body).await
    }

    /// Submits a job. When this returns `Ok`, the job and its hold are durable.
    pub async fn submit(
        &self,
        workspace: &WorkspaceId,
        body: &JobSubmit,
        key: IdempotencyKey<'_>,
    ) -> Result<JobView, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "jobs"], body, key).await
    }

    /// A job; with `wait_seconds` (at most 60) as soon as it is final, else when the time is up.
    pub async fn job(&self, job: JobId, wait_seconds: Option<u64>) -> Result<JobView, ClientError> {
        let query = JobQuery { wait: wait_seconds };
        self.get_waiting(&["v1", "jobs", &job.to_string()], &query, wait_seconds.unwrap_or(0)).await
    }

    /// A job once it is final, however long that takes.
    pub async fn finished(&self, job: JobId) -> Result<JobView, ClientError> {
        loop {
            let view = self.job(job, Some(limits::WAIT_SECONDS_MAX)).await?;
            if view.status.is_final() {
                return Ok(view);
            }
        }
    }

    /// One page of all jobs (admin).
    pub async fn jobs(&self, query: &JobsQuery) -> Result<Page<JobView>, ClientError> {
        self.get(&["v1", "jobs"], query).await
    }

    /// One page of a workspace's jobs.
    pub async fn workspace_jobs(
        &self,
        workspace: &WorkspaceId,
        query: &JobsQuery,
    ) -> Result<Page<JobView>, ClientError> {
        self.get(&["v1", "workspaces", workspace.as_str(), "jobs"], query).await
    }

    /// Cancels a job; again is fine.
    pub async fn cancel(&self, job: JobId, key: IdempotencyKey<'_>) -> Result<JobView, ClientError> {
        self.post_bare(&["v1", "jobs", &job.to_string(), "cancel"], key).await
    }

    /// Cancels all jobs that match.
    pub async fn cancel_jobs(
        &self,
        workspace: &WorkspaceId,
        body: &BulkCancel,
        key: IdempotencyKey<'_>,
    ) -> Result<BulkCancelled, ClientError> {
        self.post(&["v1", "workspaces", workspace.as_str(), "jobs", "cancel"], body, key).await
    }

    /// A new job like one that did not succeed, at today's price.
    pub async fn retry(&self, job: JobId, key: IdempotencyKey<'_>) -> Result<JobView, ClientError> {
        self.post_bare(&["v1", "jobs", &job.to_string(), "retry"], key).await
    }

    /// The same, unless it would cost more than this.
    pub async fn retry_within(
        &self,
        job: JobId,
        body: &JobRetry,
        key: IdempotencyKey<'_>,
    ) -> Result<JobView, ClientError> {
        self.post(&["v1", "jobs", &job.to_string(), "retry"], body, key).await
    }

    /// What a job cost, from which lots.
    pub async fn receipt(&self, job: JobId) -> Result<ReceiptView, ClientError> {
        self.get(&["v1", "jobs", &job.to_string(), "receipt"], &()).await
    }

    /// The bytes of a landed output, checked against the digest that comes with them.
    pub async fn output(&self, job: JobId, index: u32) -> Result<Download, ClientError> {
        let path = self.to(Method::GET, &["v1", "jobs", &job.to_string(), "outputs", &index.to_string()]);
        let request = path.timeout(self.patience_for_bytes(limits::UPLOAD_BYTES_MAX));
        self.download(request, limits::UPLOAD_BYTES_MAX).await
    }

    /// Uploads an input for edits and upscales.
    pub async fn upload_asset(
        &self,
        workspace: &WorkspaceId,
        upload: &Upload,
        key: IdempotencyKey<'_>,
    ) -> Result<AssetView, ClientError> {
        let path = self.to(Method::POST, &["v1", "workspaces", workspace.as_str(), "assets"]);
        let request = carrying(keyed(path, key), upload).timeout(self.patience_for_bytes(upload.bytes.len()));
        self.repeat(request).await
    }

    /// What happens to a job, until it is done.
    pub fn events(&self, job: JobId) -> EventFeed {
        EventFeed::of_job(self.clone(), job)
    }

    /// What happens to all jobs of a workspace and to its balance; it does not end by itself.
    pub fn workspace_events(&self, workspace: &WorkspaceId) -> EventFeed {
        EventFeed::of_workspace(self.clone(), workspace)
    }
}
