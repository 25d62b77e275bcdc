//! `reeve cancel`: cancels jobs by id.

use clap::Args;
use reeve_client::IdempotencyKey;
use reeve_types::JobId;

use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Jobs
    #[arg(required = true)]
    jobs: Vec<JobId>,
    /// Print the API's jobs as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
///
/// # Errors
/// The server refuses one of them or cannot be reached; those before it are cancelled.
pub fn run(args: CancelArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    let cancelled = system::block_on(async {
        let mut cancelled = Vec::with_capacity(args.jobs.len());
        for job in &args.jobs {
            let view = client.cancel(*job, IdempotencyKey::Fresh).await?;
            if !args.json {
                output::print(&format!("{} {}", view.id, view.status.as_str()))?;
            }
            cancelled.push(view);
        }
        Ok::<_, Failure>(cancelled)
    });
    let cancelled = cancelled.map_err(|e| Failure::environment("cannot start threads", e))??;
    if args.json { output::json(&cancelled) } else { Ok(()) }
}
