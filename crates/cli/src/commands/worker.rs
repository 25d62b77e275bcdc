//! `reeve worker`: the sketch renderer as a process of its own.

use clap::Args;
use reeve_client::ClientSettings;
use reeve_types::{PoolName, WorkerName};

use crate::args::Remote;
use crate::exit::Failure;
use crate::{config, logging, remote, signals, sketch, system};

/// How long jobs may finish after Ctrl-C before they are handed back, in milliseconds.
const FINISH_MS: u64 = 30_000;

/// Options of `worker`.
#[derive(Args, Debug)]
pub struct WorkerArgs {
    #[command(flatten)]
    remote: Remote,
    /// Pools to serve, asked in this order
    #[arg(long, value_delimiter = ',', default_value = "image,video", value_name = "POOL,...")]
    pools: Vec<PoolName>,
    /// Jobs at once [default: one for each core]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(reeve_types::limits::SLOTS_MAX)))]
    slots: Option<u32>,
    /// Name of this worker; two processes should not share one [default: sketch-PID]
    #[arg(long, value_name = "W")]
    name: Option<WorkerName>,
}

/// Runs the command.
///
/// # Errors
/// The server refuses this worker, such as for a wrong key.
pub fn run(args: WorkerArgs) -> Result<(), Failure> {
    let settings = config::load(None).map_err(|e| Failure::usage(e.to_string()))?;
    logging::to_stderr(&settings.log)?;
    // Shipped patience: a worker outlives an outage of its server.
    let client = remote::client_with(&args.remote, ClientSettings::default())?;
    let plan = plan(&args)?;
    eprintln!(
        "worker {} serves {} with {} slots; Ctrl-C drains it",
        plan.name,
        join(&plan.pools),
        plan.slots
    );
    let work = async {
        let told = async {
            if let Err(error) = signals::first().await {
                tracing::error!(%error, "signals cannot be heard; end this worker with SIGKILL");
                std::future::pending::<()>().await;
            }
            tracing::info!("draining; a second signal ends at once");
        };
        sketch::worker(client, plan).run(told).await
    };
    let report = system::block_on(work).map_err(|e| Failure::environment("cannot start threads", e))?;
    let report = report.map_err(|error| Failure::from(error.0))?;
    let (done, failed, back) = (report.completed, report.failed, report.handed_back);
    eprintln!("worker ended: {done} completed, {failed} failed, {back} handed back");
    Ok(())
}

fn plan(args: &WorkerArgs) -> Result<sketch::Plan, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let slots = args.slots.unwrap_or_else(|| u32::try_from(cores).unwrap_or(1));
    let name = match &args.name {
        Some(name) => name.clone(),
        None => WorkerName::new(&format!("sketch-{}", std::process::id()))
            .map_err(|e| Failure::environment("cannot name the worker", e))?,
    };
    Ok(sketch::Plan { name, pools: args.pools.clone(), slots, finish_ms: FINISH_MS })
}

fn join(pools: &[PoolName]) -> String {
    pools.iter().map(PoolName::as_str).collect::<Vec<_>>().join(", ")
}
