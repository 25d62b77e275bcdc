//! `reeve ledger`: what moved a workspace's credits, row by row.

use clap::Args;
use reeve_protocol::{LedgerKind, LedgerQuery, LedgerRow};
use reeve_types::{JobId, WorkspaceId};

use super::call::word;
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `ledger`.
#[derive(Args, Debug)]
pub struct LedgerArgs {
    /// Workspace
    workspace: WorkspaceId,
    /// Only rows of this job
    #[arg(long)]
    job: Option<JobId>,
    /// Only rows of this kind, such as grant, hold, settle or release
    #[arg(long, value_parser = word::<LedgerKind>)]
    kind: Option<LedgerKind>,
    /// Only the last so many
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Print the API's rows as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(args: LedgerArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    let query = LedgerQuery { job: args.job, kind: args.kind, limit: Some(200), ..LedgerQuery::default() };
    let rows = system::block_on(client.ledger_to_end(&args.workspace, query));
    let mut rows = rows.map_err(|e| Failure::environment("cannot start threads", e))??;
    if let Some(last) = args.last {
        rows.drain(..rows.len().saturating_sub(last));
    }
    if args.json { output::json(&rows) } else { show(&rows) }
}

fn show(rows: &[LedgerRow]) -> Result<(), Failure> {
    let mut table =
        output::table(&[">seq", "|at (UTC)", "kind", ">amount", "source?", "about", ">available", ">held?"]);
    for row in rows {
        table.add_row([
            row.seq.to_string(),
            output::instant(row.at),
            row.kind.as_str().to_owned(),
            row.amount.to_string(),
            row.source.as_ref().map_or_else(String::new, ToString::to_string),
            about(row),
            row.available_after.to_string(),
            row.held_after.to_string(),
        ]);
    }
    output::print_table(&table, "no rows")
}

/// What a row is about: its action and output, else its reason.
fn about(row: &LedgerRow) -> String {
    match (&row.action, row.output, &row.reason) {
        (Some(action), Some(output), _) => format!("{action} #{output}"),
        (Some(action), None, _) => action.to_string(),
        (None, _, Some(reason)) => output::shown(reason, 40),
        (None, _, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_api() {
        assert_eq!(word("settle"), Ok(LedgerKind::Settle));
        assert!(word::<LedgerKind>("spent").is_err_and(|error| error.contains("clawback")));
    }
}
