//! `reeve jobs`: lists jobs, of one workspace or of all.

use clap::Args;
use reeve_protocol::{At, JobStatus, JobView, JobsQuery};
use reeve_types::{ActionName, MemberId, WorkspaceId};

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
    /// Only jobs of this member
    #[arg(long)]
    member: Option<MemberId>,
    /// Only jobs that ended with this error, such as content_filtered
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// Only jobs whose metadata has this member, as name:value
    #[arg(long, value_name = "NAME:VALUE")]
    metadata: Option<String>,
    /// Created at or after: RFC 3339
    #[arg(long, value_name = "TIME")]
    since: Option<At>,
    /// Created before
    #[arg(long, value_name = "TIME")]
    until: Option<At>,
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
    let mut query = JobsQuery {
        status: args.status,
        action: args.action,
        member: args.member,
        error: args.error,
        metadata: args.metadata,
        since: args.since,
        until: args.until,
        ..JobsQuery::default()
    };
    let limit = args.limit as usize;
    let mut found: Vec<JobView> = Vec::new();
    loop {
        query.limit = u32::try_from(limit - found.len()).ok();
        let page = system::block_on(async {
            match &args.workspace {
                Some(workspace) => client.workspace_jobs(workspace, &query).await,
                None => client.jobs(&query).await,
            }
        });
        let page = page.map_err(|e| Failure::environment("cannot start threads", e))??;
        found.extend(page.data);
        // A page may end before it is full: a filter that passes over many goes on with the next one.
        if found.len() >= limit || page.next_cursor.is_none() {
            break;
        }
        query.cursor = page.next_cursor;
    }
    if args.json { output::json(&found) } else { show(&found) }
}

fn show(jobs: &[JobView]) -> Result<(), Failure> {
    let mut table = output::table(&[
        "|job",
        "workspace?",
        "action",
        "status",
        ">quoted??",
        ">settled",
        "|created (UTC)???",
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
