//! `reeve member`: how much of a workspace's credits one person may spend.

use clap::{Args, Subcommand};
use reeve_protocol::{Amount, MemberLimit, MemberPut, MemberView, MemberWindow};
use reeve_types::{MemberId, WorkspaceId};

use super::call::{Call, amount, say, wait, word};
use crate::exit::Failure;
use crate::output;

/// Commands about members.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Set a member's limit, or lift it by leaving the amount out
    Limit(LimitArgs),
    /// List members who have, or had, a limit
    List(ListArgs),
}

/// Options of `member limit`.
#[derive(Args, Debug)]
pub struct LimitArgs {
    workspace: WorkspaceId,
    member: MemberId,
    /// Most credits in a window; no limit when left out
    #[arg(value_parser = amount)]
    amount: Option<Amount>,
    /// day, month or billing_month
    #[arg(long, value_parser = word::<MemberWindow>, default_value = "billing_month")]
    window: MemberWindow,
    #[command(flatten)]
    call: Call,
}

/// Options of `member list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    workspace: WorkspaceId,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::Limit(LimitArgs { workspace, member, amount, window, call }) => {
            let limit = amount.map(|amount| MemberLimit { amount, window });
            let view = wait(call.client()?.put_member(&workspace, &member, &MemberPut { limit }))?;
            call.show(&view, |view| table(std::slice::from_ref(view)))
        }
        MemberCommand::List(ListArgs { workspace, call }) => {
            let page = wait(call.client()?.members(&workspace))?;
            call.show(&page.data, |views| table(views))
        }
    }
}

fn table(views: &[MemberView]) -> Result<(), Failure> {
    let mut table = output::table(&["|member", ">limit", "window", ">used", ">held", "|resets (UTC)"]);
    for view in views {
        table.add_row([
            view.member.to_string(),
            view.limit.map_or_else(|| "none".to_owned(), |limit| limit.amount.to_string()),
            view.limit.map_or_else(String::new, |limit| say(&limit.window)),
            view.used.to_string(),
            view.held.to_string(),
            view.resets_at.map_or_else(String::new, output::instant),
        ]);
    }
    output::print_table(&table, "no member has a limit")
}
