//! `reeve submit`: submits a job, and with `--watch` stays until it is done.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use reeve_client::{Client, IdempotencyKey};
use reeve_protocol::{Amount, JobEvent, JobStatus, JobSubmit, JobView, OutputStatus, Params};
use reeve_types::{ActionName, MemberId, WorkspaceId};
use serde_json::Value;

use super::call::amount;
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `submit`.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// Workspace that pays
    workspace: WorkspaceId,
    /// Action of its catalog, such as image.generate
    action: ActionName,
    /// A parameter, as NAME=VALUE; the value is JSON, or else a text. May be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, Value)>,
    /// The member on whose behalf it is
    #[arg(long)]
    member: Option<MemberId>,
    /// Order among the workspace's own jobs, higher first
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Refuse it when it costs more
    #[arg(long, value_name = "CREDITS", value_parser = amount)]
    max_credits: Option<Amount>,
    /// Name of this submission: a repeat under it changes nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Stay until the job is done, with its progress
    #[arg(long)]
    watch: bool,
    /// Save the outputs into this folder; implies --watch
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the API's job as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

fn pair(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as seconds=3")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

/// Runs the command.
///
/// # Errors
/// The job is refused, or it was watched and did not succeed.
pub fn run(args: SubmitArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    system::block_on(submit(&client, args)).map_err(|e| Failure::environment("cannot start threads", e))?
}

async fn submit(client: &Client, args: SubmitArgs) -> Result<(), Failure> {
    let params: Params = args.params.into_iter().collect();
    let body = JobSubmit {
        member: args.member,
        priority: args.priority,
        max_credits: args.max_credits,
        ..JobSubmit::of(args.action, params)
    };
    let key = args.idempotency_key.as_deref().map_or(IdempotencyKey::Fresh, IdempotencyKey::Given);
    let job = client.submit(&args.workspace, &body, key).await?;
    if !args.watch && args.out.is_none() {
        return if args.json { output::json(&job) } else { output::print(&job.id.to_string()) };
    }
    eprintln!("{} admitted: {} credits held", job.id, job.credits.held);
    let job = watch(client, &job).await?;
    if args.json {
        output::json(&job)?;
    } else {
        show(&job)?;
    }
    if let Some(folder) = &args.out {
        save(client, &job, folder).await?;
    }
    if job.status == JobStatus::Succeeded { Ok(()) } else { Err(Failure::no(why_not(&job))) }
}

/// Follows a job to its end, with a bar on stderr when that is a terminal.
async fn watch(client: &Client, job: &JobView) -> Result<JobView, Failure> {
    let bar = ProgressBar::new(1_000).with_style(style());
    bar.set_message("queued");
    let mut feed = client.events(job.id);
    while let Some(event) = feed.next().await {
        match event? {
            JobEvent::Status(event) => bar.set_message(event.status.as_str()),
            JobEvent::Progress(event) => {
                bar.set_position((event.fraction * 1_000.0) as u64);
                bar.set_message(event.stage.unwrap_or_else(|| "running".to_owned()));
            }
            JobEvent::Done(job) => {
                bar.finish_and_clear();
                return Ok(*job);
            }
            JobEvent::Output(_) | JobEvent::Log(_) | JobEvent::Credits(_) => {}
        }
    }
    Ok(client.finished(job.id).await?)
}

fn style() -> ProgressStyle {
    let template = "{elapsed:>4} [{bar:40.cyan/blue}] {percent:>3} % {msg}";
    // The template is ours; the plain bar is what is left if it were wrong.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}

fn show(job: &JobView) -> Result<(), Failure> {
    let credits = &job.credits;
    output::print(&format!(
        "{} {}: quoted {}, settled {}, released {}",
        job.id,
        job.status.as_str(),
        credits.quoted,
        credits.settled,
        credits.released
    ))?;
    for one in &job.outputs {
        let what = match one.status {
            OutputStatus::Landed => one.url.clone().unwrap_or_default(),
            OutputStatus::Filtered => "filtered".to_owned(),
            OutputStatus::Failed => "failed".to_owned(),
            OutputStatus::Pending => "none".to_owned(),
        };
        output::print(&format!("  {}  {what}", one.index))?;
    }
    Ok(())
}

async fn save(client: &Client, job: &JobView, folder: &std::path::Path) -> Result<(), Failure> {
    let failed = |e| Failure::environment(&format!("cannot write to `{}`", folder.display()), e);
    std::fs::create_dir_all(folder).map_err(failed)?;
    for one in job.outputs.iter().filter(|one| one.status == OutputStatus::Landed) {
        let got = client.output(job.id, one.index).await?;
        let path =
            folder.join(format!("{}-{}.{}", job.id, one.index, extension(got.content_type.as_deref())));
        std::fs::write(&path, &got.bytes).map_err(failed)?;
        eprintln!("saved {}", path.display());
    }
    Ok(())
}

/// The usual ending of a file's name for its media type.
pub fn extension(content_type: Option<&str>) -> &'static str {
    match content_type {
        Some("image/png") => "png",
        Some("image/apng") => "apng",
        Some("application/json") => "json",
        _ => "bin",
    }
}

fn why_not(job: &JobView) -> String {
    let status = job.status.as_str();
    match &job.error {
        Some(error) => format!("the job is {status}: {} ({})", error.message, error.code),
        None => format!("the job is {status}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_json_or_else_a_text() {
        assert_eq!(pair("seconds=2.5"), Ok(("seconds".to_owned(), json!(2.5))));
        assert_eq!(pair("prompt=a = b"), Ok(("prompt".to_owned(), json!("a = b"))));
        assert_eq!(pair("sketch={\"fail\":true}"), Ok(("sketch".to_owned(), json!({"fail": true}))));
        assert!(pair("seconds").is_err());
    }
}
