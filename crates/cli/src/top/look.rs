//! One look at a server: what the public API answers at about one instant.
//!
//! The only module of `top` that calls the server. What it returns is plain data, so that everything after it can be
//! tested without one.

use reeve_client::{Client, ClientError};
use reeve_protocol::{At, JobStatus, JobView, JobsQuery, ListQuery, QueueReport, WorkerView};
use serde::Serialize;

/// Most running jobs and workers that one look fetches: a page of the API.
const ROWS_MAX: u32 = 500;

/// The answers of one look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Look {
    /// The server's own clock; ages are counted from it, since that of this machine may differ.
    pub at: At,
    pub queue: QueueReport,
    pub workers: Vec<WorkerView>,
    /// There are more workers than were fetched.
    pub workers_more: bool,
    /// Newest first.
    pub running: Vec<JobView>,
    /// There are more running jobs than were fetched.
    pub running_more: bool,
}

/// Asks for everything at once.
///
/// # Errors
/// The first call that fails.
pub async fn look(client: &Client) -> Result<Look, ClientError> {
    let list = ListQuery { limit: Some(ROWS_MAX), cursor: None };
    let running =
        JobsQuery { status: Some(JobStatus::Running), limit: Some(ROWS_MAX), ..JobsQuery::default() };
    let (clock, queue, workers, running) =
        tokio::try_join!(client.clock(), client.queue(), client.workers(&list), client.jobs(&running))?;
    Ok(Look {
        at: clock.now,
        queue,
        workers: workers.data,
        workers_more: workers.next_cursor.is_some(),
        running: running.data,
        running_more: running.next_cursor.is_some(),
    })
}
