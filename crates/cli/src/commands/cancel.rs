//! `reeve cancel`: cancels jobs by id, or all of a workspace that match.

use clap::Args;
use reeve_client::IdempotencyKey;
use reeve_protocol::{BulkCancel, JobStatus};
use reeve_types::{ActionName, JobId, WorkspaceId};

use super::call::{wait, word};
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `cancel`.
#[derive(Args, Debug)]
pub struct CancelArgs {
    /// Jobs
    #[arg(required_unless_present = "workspace", conflicts_with = "workspace")]
    jobs: Vec<JobId>,
    /// All queued and running jobs of this workspace
    #[arg(long, value_name = "ID")]
    workspace: Option<WorkspaceId>,
    /// Of those, only the queued or only the running ones
    #[arg(long, value_parser = word::<JobStatus>, requires = "workspace")]
    status: Option<JobStatus>,
    /// Of those, only jobs of this action
    #[arg(long, requires = "workspace")]
    action: Option<ActionName>,
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
    if let Some(workspace) = &args.workspace {
        let body = BulkCancel { status: args.status, action: args.action };
        let done = wait(client.cancel_jobs(workspace, &body, IdempotencyKey::Fresh))?;
        if args.json {
            return output::json(&done);
        }
        return output::print(&format!("{} cancelled, {} cancelling", done.cancelled, done.cancelling));
    }
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
