//! Sketch workers: named, given slots, run until told to stop.

use std::sync::Arc;

use reeve_client::Client;
use reeve_client::worker::{Worker, WorkerError, WorkerReport, WorkerSettings};
use reeve_sketch::SketchPerformer;
use reeve_types::{PoolName, WorkerName};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::Failure;
use crate::system;

/// One worker.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: WorkerName,
    pub pools: Vec<PoolName>,
    pub slots: u32,
    /// At shutdown: how long jobs may still finish before they are handed back, in milliseconds.
    pub finish_ms: u64,
}

/// Workers that run on tasks of this process.
pub struct Crew {
    stop: watch::Sender<bool>,
    members: Vec<JoinHandle<Result<WorkerReport, WorkerError>>>,
}

/// A worker that has not started.
pub fn worker(client: Client, plan: Plan) -> Worker {
    let settings = WorkerSettings {
        finish_ms: plan.finish_ms,
        ..WorkerSettings::new(plan.name, plan.pools, plan.slots)
    };
    Worker::new(client, settings, Arc::new(SketchPerformer))
}

/// Two workers, one for each of the two kinds of work: a slow video never keeps an image waiting.
///
/// # Errors
/// Never with these names; the type says otherwise.
pub fn plans(slots: u32, finish_ms: u64) -> Result<Vec<Plan>, Failure> {
    let plan = |pool: &str| {
        let name = WorkerName::new(&format!("embedded-{pool}")).map_err(|e| Failure::usage(e.to_string()))?;
        let pool = PoolName::new(pool).map_err(|e| Failure::usage(e.to_string()))?;
        Ok(Plan { name, pools: vec![pool], slots, finish_ms })
    };
    ["image", "video"].into_iter().map(plan).collect()
}

impl Crew {
    /// Starts them.
    pub fn start(client: &Client, plans: Vec<Plan>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let start = |plan| {
            let (worker, mut stopped) = (worker(client.clone(), plan), stopped.clone());
            system::spawn(async move {
                // An error means that nobody can tell any more, which is as good as being told.
                worker.run(async move { drop(stopped.wait_for(|stop| *stop).await) }).await
            })
        };
        let members = plans.into_iter().map(start).collect();
        Self { stop, members }
    }

    /// Lets them finish or hand back what they hold.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for member in self.members {
            match member.await {
                Ok(Ok(report)) => tracing::info!(?report, "an embedded worker ended"),
                Ok(Err(error)) => tracing::error!(%error, "an embedded worker did not run"),
                Err(error) => tracing::error!(%error, "an embedded worker broke off"),
            }
        }
    }
}
