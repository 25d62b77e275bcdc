//! `reeve balance`: what a workspace has, lot by lot.

use clap::Args;
use reeve_protocol::{At, BalanceQuery, BalanceView};
use reeve_types::WorkspaceId;

use super::call::say;
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote, system};

/// Options of `balance`.
#[derive(Args, Debug)]
pub struct BalanceArgs {
    /// Workspace
    workspace: WorkspaceId,
    /// As of this instant, which may lie ahead: RFC 3339
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
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
pub fn run(args: BalanceArgs) -> Result<(), Failure> {
    let client = remote::client(&args.remote)?;
    let query = BalanceQuery { at: args.at };
    let balance = system::block_on(client.balance(&args.workspace, &query));
    let balance = balance.map_err(|e| Failure::environment("cannot start threads", e))??;
    if args.json { output::json(&balance) } else { show(&balance) }
}

fn show(balance: &BalanceView) -> Result<(), Failure> {
    output::print(&format!(
        "available {}   held {}   balance {}",
        balance.available, balance.held, balance.balance
    ))?;
    if !balance.debt.credits().is_zero() {
        output::print(&format!("debt {}", balance.debt))?;
    }
    if let Some(next) = &balance.next {
        output::print(&format!("next: {} {} at {}", next.what, next.amount, next.at))?;
    }
    let mut table = output::table(&[
        "source",
        "class??",
        ">granted?",
        ">available",
        ">held",
        ">consumed?",
        ">gone??",
        "|expires (UTC)",
        "for",
    ]);
    for lot in &balance.lots {
        let gone = [lot.expired, lot.forfeited, lot.clawed_back].map(|part| part.credits());
        table.add_row([
            lot.source.to_string(),
            say(&lot.class),
            lot.granted.to_string(),
            lot.available.to_string(),
            lot.held.to_string(),
            lot.consumed.to_string(),
            reeve_types::Credits::checked_sum(gone).map_or_else(String::new, |sum| sum.to_string()),
            lot.expires_at.map_or_else(|| "never".to_owned(), output::instant),
            lot.scope.clone().unwrap_or_else(|| "anything".to_owned()),
        ]);
    }
    output::print("")?;
    output::print_table(&table, "no lots")
}
