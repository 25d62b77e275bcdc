//! Calls of workers.
//!
//! None of them takes an idempotency key: the lease names the change, and the server answers a lease
//! that repeats itself as it did first.

use reeve_protocol::{
    CompleteRequest, CompletionsAnswer, CompletionsRequest, FailRequest, HeartbeatAnswer, HeartbeatRequest,
    InputView, JobView, LeaseAnswer, LeaseRequest, ProgressAnswer, ProgressReport, UploadAnswer,
};
use reeve_types::LeaseId;
use reqwest::Method;

use crate::body::carrying;
use crate::{Client, ClientError, Download, Upload};

impl Client {
    /// Asks for jobs. Sent once: a lease whose answer got lost comes back to the queue by itself.
    pub async fn lease(&self, body: &LeaseRequest) -> Result<LeaseAnswer, ClientError> {
        let wait = self.patience(body.wait_seconds.unwrap_or(0));
        self.once(self.to(Method::POST, &["v1", "worker", "leases"]).json(body).timeout(wait)).await
    }

    /// Keeps leases alive. Sent once: the next one says more.
    pub async fn heartbeat(&self, body: &HeartbeatRequest) -> Result<HeartbeatAnswer, ClientError> {
        self.once(self.to(Method::POST, &["v1", "worker", "heartbeat"]).json(body)).await
    }

    /// Tells how far a job is. Sent once: the next one says more.
    pub async fn progress(
        &self,
        lease: LeaseId,
        body: &ProgressReport,
    ) -> Result<ProgressAnswer, ClientError> {
        self.once(
            self.to(Method::POST, &["v1", "worker", "leases", &lease.to_string(), "progress"]).json(body),
        )
        .await
    }

    /// Uploads an output. When this returns `Ok`, its bytes are durable.
    pub async fn put_output(
        &self,
        lease: LeaseId,
        index: u32,
        upload: &Upload,
    ) -> Result<UploadAnswer, ClientError> {
        let segments = ["v1", "worker", "leases", &lease.to_string(), "outputs", &index.to_string()];
        let request = carrying(self.to(Method::PUT, &segments), upload);
        self.repeat(request.timeout(self.patience_for_bytes(upload.bytes.len()))).await
    }

    /// Closes a job with what became of its outputs.
    pub async fn complete(&self, lease: LeaseId, body: &CompleteRequest) -> Result<JobView, ClientError> {
        self.change(Method::POST, &["v1", "worker", "leases", &lease.to_string(), "complete"], body).await
    }

    /// Gives up an attempt.
    pub async fn fail(&self, lease: LeaseId, body: &FailRequest) -> Result<JobView, ClientError> {
        self.change(Method::POST, &["v1", "worker", "leases", &lease.to_string(), "fail"], body).await
    }

    /// Several closings at once, each answered on its own.
    pub async fn completions(&self, body: &CompletionsRequest) -> Result<CompletionsAnswer, ClientError> {
        self.change(Method::POST, &["v1", "worker", "completions"], body).await
    }

    /// The bytes of a leased job's input, from its signed address, which is not shown this client's key.
    pub async fn input(&self, input: &InputView, bytes_max: usize) -> Result<Download, ClientError> {
        let request = self.signed(&input.url)?.timeout(self.patience_for_bytes(bytes_max));
        self.download(request, bytes_max).await
    }
}
