//! `reeve usage` and `reeve statement`: what was spent, summed or row by row.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use reeve_protocol::{At, LedgerKind, LedgerQuery, UsageQuery};
use reeve_types::{JobId, MemberId, WorkspaceId};

use super::call::{Call, wait, word};
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote};

/// Rows of one request.
const PAGE: u32 = 200;

/// Options of `usage`.
#[derive(Args, Debug)]
pub struct UsageArgs {
    workspace: WorkspaceId,
    /// Group by member, action or day; several with commas
    #[arg(long, value_name = "KEYS", default_value = "action")]
    by: String,
    /// First instant that counts: RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<At>,
    /// First instant that counts no longer
    #[arg(long, value_name = "TIME")]
    to: Option<At>,
    /// Of this member alone
    #[arg(long)]
    member: Option<MemberId>,
    #[command(flatten)]
    call: Call,
}

/// Runs `usage`.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(args: UsageArgs) -> Result<(), Failure> {
    let query = UsageQuery { group_by: Some(args.by), from: args.from, to: args.to, member: args.member };
    let page = wait(args.call.client()?.usage(&args.workspace, &query))?;
    args.call.show(&page.data, |rows| {
        let heads = ["|day", "member", "action", ">jobs", ">settled", ">released", ">refunded"];
        let mut table = output::table(&heads);
        for row in rows {
            table.add_row([
                row.day.clone().unwrap_or_default(),
                row.member.as_ref().map_or_else(String::new, ToString::to_string),
                row.action.as_ref().map_or_else(String::new, ToString::to_string),
                row.jobs.to_string(),
                row.settled.to_string(),
                row.released.to_string(),
                row.refunded.to_string(),
            ]);
        }
        output::print_table(&table, "nothing was used")
    })
}

/// Options of `statement`.
#[derive(Args, Debug)]
pub struct StatementArgs {
    workspace: WorkspaceId,
    /// As CSV, which it is anyway; for scripts that say what they want
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print the API's rows as JSON instead
    #[arg(long, conflicts_with = "out")]
    json: bool,
    /// Write it to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// First instant that counts: RFC 3339
    #[arg(long, value_name = "TIME")]
    from: Option<At>,
    /// First instant that counts no longer
    #[arg(long, value_name = "TIME")]
    to: Option<At>,
    /// Of this job alone
    #[arg(long)]
    job: Option<JobId>,
    /// Of this member alone
    #[arg(long)]
    member: Option<MemberId>,
    /// Only rows of this kind, such as grant or settle
    #[arg(long, value_parser = word::<LedgerKind>)]
    kind: Option<LedgerKind>,
    #[command(flatten)]
    remote: Remote,
}

/// Runs `statement`.
///
/// # Errors
/// The server refuses or cannot be reached, or the file cannot be written.
pub fn statement(args: StatementArgs) -> Result<(), Failure> {
    let StatementArgs { workspace, csv: _, json, out, from, to, job, member, kind, remote } = args;
    let query = LedgerQuery { job, member, kind, from, to, limit: None, cursor: None };
    if json {
        let query = LedgerQuery { limit: Some(PAGE), ..query };
        return output::json(&wait(remote::client(&remote)?.ledger_to_end(&workspace, query))?);
    }
    let text = wait(remote::client(&remote)?.statement(&workspace, &query))?;
    match out {
        Some(path) => std::fs::write(&path, &text.bytes)
            .map_err(|e| Failure::environment(&format!("cannot write `{}`", path.display()), e)),
        None => match std::io::stdout().lock().write_all(&text.bytes) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::environment("cannot write to stdout", e))
            }
            _ => Ok(()),
        },
    }
}
