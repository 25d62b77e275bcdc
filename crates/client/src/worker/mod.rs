//! The worker: leases jobs, keeps the leases alive, performs the jobs and delivers what they yield.
//!
//! A kind of work is a [`Performer`]; everything else is here. The loop holds at most `slots` leases,
//! sends one heartbeat for all of them, uploads each output as soon as it is made and closes the job
//! when all are durable. While the server cannot be reached it goes on rendering and keeps what it has
//! to deliver: a restarted server gives every stored lease a full period, so nothing is lost. It never
//! ends by itself, except when its very first request is refused; a pool that the server does not know yet is no such
//! refusal, but something to report and to ask again for.

mod attempt;
mod deliver;
mod heartbeat;
mod performer;
mod poll;
mod progress;
mod shared;
mod table;

use std::future::Future;
use std::sync::Arc;

use reeve_protocol::HeartbeatRequest;
use reeve_types::{PoolName, WorkerName, limits};
use tokio::sync::mpsc;

use crate::{Client, ClientError, entropy, task};

pub use performer::{Assignment, Control, Input, Landed, Outcome, PerformError, Performer, Stop};
// A performer speaks of these two; a worker depends on this crate alone.
pub use reeve_protocol::{LeaseView, Quantity};

use poll::Polled;
use shared::Shared;

/// What a worker is called, what it takes and how patient it is.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// How operators see it; sessions may share it.
    pub name: WorkerName,
    /// A random id of this process: leases belong to it and are given back when it is gone.
    pub session: String,
    /// Asked in this order.
    pub pools: Vec<PoolName>,
    /// Most jobs at once.
    pub slots: u32,
    /// Longest wait of one request for leases, in seconds, at most 60.
    pub wait_seconds: u64,
    /// At shutdown: how long jobs may still finish before they are handed back.
    pub finish_ms: u64,
    /// At shutdown: how long handing back may take, including a renderer's way to its next stop.
    pub hand_back_ms: u64,
    /// Least time between two progress reports of one job.
    pub progress_pause_ms: u64,
    /// Pause before a server is asked again that does not know one of the pools: its catalog may be published later.
    pub unknown_pool_pause_ms: u64,
    /// How long results are kept for a server that cannot be reached.
    pub outage_ms_max: u64,
    /// Largest input that is fetched, in bytes.
    pub input_bytes_max: usize,
}

impl WorkerSettings {
    /// Shipped settings with a new session.
    pub fn new(name: WorkerName, pools: Vec<PoolName>, slots: u32) -> Self {
        Self {
            name,
            session: entropy::unique(),
            pools,
            slots: slots.clamp(1, limits::SLOTS_MAX),
            wait_seconds: 30,
            finish_ms: 5_000,
            hand_back_ms: 5_000,
            progress_pause_ms: 200,
            unknown_pool_pause_ms: 5_000,
            outage_ms_max: 3_600_000,
            input_bytes_max: 256 << 20,
        }
    }
}

/// How the attempts of a worker ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerReport {
    /// Jobs that were completed.
    pub completed: u64,
    /// Jobs that were given up, retryable or not.
    pub failed: u64,
    /// Jobs that were stopped because nobody wants them any more.
    pub cancelled: u64,
    /// The lease was gone before the work was delivered.
    pub lost: u64,
    /// Given back at shutdown.
    pub handed_back: u64,
    /// Left without a word ([`PerformError::Crash`]).
    pub abandoned: u64,
}

/// Why a worker did not start.
#[derive(Debug, thiserror::Error)]
#[error("the worker cannot lease jobs: {0}")]
pub struct WorkerError(#[source] pub ClientError);

/// A worker that has not started yet.
pub struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    /// A worker that does `performer`'s kind of work for the server of `client`.
    pub fn new(client: Client, settings: WorkerSettings, performer: Arc<dyn Performer>) -> Self {
        Self { shared: Arc::new(Shared::new(client, settings, performer)) }
    }

    /// Works until `shutdown`, then finishes or hands back what it holds.
    ///
    /// # Errors
    /// When the first request for leases is refused for good, such as with a wrong key.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<WorkerReport, WorkerError> {
        let shared = self.shared;
        let (sender, mut polled) = mpsc::channel(1);
        let heartbeat = task::guarded(heartbeat::run(Arc::clone(&shared)));
        let poller = task::guarded(poll::run(Arc::clone(&shared), sender));
        let mut attempts = Attempts { tasks: task::Tasks::new(), report: WorkerReport::default() };
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(()) = attempts.next() => {}
                news = polled.recv() => match news {
                    Some(Polled::Leases(leases)) => {
                        for (lease, stop) in leases {
                            attempts.tasks.start(attempt::run(Arc::clone(&shared), lease, stop));
                        }
                    }
                    Some(Polled::Refused(error)) => return Err(WorkerError(error)),
                    None => {
                        tracing::error!("the poller broke off; the worker ends");
                        break;
                    }
                },
            }
        }
        drop(poller);
        wind_down(&shared, &mut attempts).await;
        drop(heartbeat);
        let Attempts { tasks, report } = attempts;
        drop(tasks);
        say_farewell(&shared).await;
        Ok(report)
    }
}

/// A last heartbeat that lists nothing: what this process still held goes back at once, such as a lease
/// granted to a request that shutdown cut off.
async fn say_farewell(shared: &Shared) {
    let request = HeartbeatRequest { leases: Vec::new(), ..shared.heartbeat_request() };
    let farewell = shared.client.heartbeat(&request);
    if !matches!(task::within_ms(shared.settings.hand_back_ms, farewell).await, Some(Ok(_))) {
        tracing::debug!("the server did not hear the worker's farewell; what it still holds will lapse");
    }
}

/// The running attempts and how the others ended.
struct Attempts {
    tasks: task::Tasks<attempt::Ended>,
    report: WorkerReport,
}

impl Attempts {
    /// Waits for the next end and counts it; `None` when nothing runs.
    async fn next(&mut self) -> Option<()> {
        let ended = self.tasks.next().await?;
        let counter = match ended {
            Ok(attempt::Ended::Completed) => &mut self.report.completed,
            Ok(attempt::Ended::Cancelled) => &mut self.report.cancelled,
            Ok(attempt::Ended::Lost) => &mut self.report.lost,
            Ok(attempt::Ended::HandedBack) => &mut self.report.handed_back,
            Ok(attempt::Ended::Abandoned) => &mut self.report.abandoned,
            // A panic of the loop itself; the lease lapses.
            Ok(attempt::Ended::Failed) | Err(_) => &mut self.report.failed,
        };
        *counter = counter.saturating_add(1);
        Some(())
    }

    async fn all(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// Lets jobs finish for a while, then tells the rest to stop and waits until they are handed back.
async fn wind_down(shared: &Shared, attempts: &mut Attempts) {
    shared.stop_leasing();
    if task::within_ms(shared.settings.finish_ms, attempts.all()).await.is_some() {
        return;
    }
    shared.stop_all(Stop::ShuttingDown);
    if task::within_ms(shared.settings.hand_back_ms, attempts.all()).await.is_none() {
        tracing::warn!("some jobs could not be handed back in time; their leases will lapse");
    }
}
