//! `reeve jobs`: lists jobs, of one workspace or of all.

use clap::Args;
use reeve_protocol::{JobStatus, JobView, JobsQuery};
use reeve_types::{ActionName, WorkspaceId};

use super::call::word;
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `jobs`.
#[derive(Args, Debug)]
pub struct JobsArgs {
    /// Workspace; all of them when left out, which takes an admin key
    workspace: Option<WorkspaceId>,
    /// Only jobs with this status
    #[arg(long, value_parser = word::<JobStatus>)]
    status: Option<JobStatus>,
    /// Only jobs of this action
    #[arg(long)]
    action: Option<ActionName>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
    /// Print the API's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(args: JobsArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    let query = JobsQuery {
        status: args.status,
        action: args.action,
        limit: Some(args.limit),
        ..JobsQuery::default()
    };
    let page = system::block_on(async {
        match &args.workspace {
            Some(workspace) => client.workspace_jobs(workspace, &query).await,
            None => client.jobs(&query).await,
        }
    });
    let page = page.map_err(|e| Failure::environment("cannot start threads", e))??;
    if args.json { output::json(&page.data) } else { show(&page.data) }
}

fn show(jobs: &[JobView]) -> Result<(), Failure> {
    let mut table = output::table(&[
        "|job",
        "workspace",
        "action",
        "status",
        ">quoted",
        ">settled",
        "created (UTC)",
        "note",
    ]);
    for job in jobs {
        table.add_row([
            job.id.to_string(),
            job.workspace.to_string(),
            job.action.to_string(),
            job.status.as_str().to_owned(),
            job.credits.quoted.to_string(),
            job.credits.settled.to_string(),
            output::instant(job.created_at),
            note(job),
        ]);
    }
    output::print_table(&table, "no jobs")
}

/// What a person would ask next: how far it is, where it stands, or why it ended.
fn note(job: &JobView) -> String {
    if let Some(error) = &job.error {
        return error.code.clone();
    }
    match (job.status, &job.queue) {
        (JobStatus::Running, _) => format!("{:.0} %", job.progress.fraction * 100.0),
        (JobStatus::Queued, Some(queue)) => queue.position.map_or_else(String::new, |n| format!("{n} ahead")),
        _ => String::new(),
    }
}
