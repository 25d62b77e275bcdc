//! `reeve plan` and `reeve trial`: what a workspace subscribes to.

use clap::{Args, Subcommand};
use reeve_client::IdempotencyKey;
use reeve_protocol::{Amount, Interval, SubscriptionChange, SubscriptionRefund};
use reeve_types::{PlanName, WorkspaceId};

use super::call::{Call, Named, amount, wait, word};
use super::workspace::show;
use crate::exit::Failure;
use crate::output;

/// Commands about subscriptions.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Change plan, allotment, interval or seats: up at once, down at the end of what is paid
    Set(SetArgs),
    /// Cancel at the end of what is paid
    Cancel(OfArgs),
    /// Take a scheduled change or cancel back
    Resume(OfArgs),
    /// Give the payment back and end the subscription now; without --payment it only says what that would be
    Refund(RefundArgs),
}

/// Options of `plan set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    workspace: WorkspaceId,
    /// Plan; the present one takes a scheduled change back
    plan: PlanName,
    /// Credits per period, where the plan has a choice
    #[arg(long, value_parser = amount)]
    allotment: Option<Amount>,
    /// month or year
    #[arg(long, value_parser = word::<Interval>)]
    interval: Option<Interval>,
    /// Seats, where the plan is sold by the seat
    #[arg(long)]
    seats: Option<u32>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Options of commands that name a workspace and nothing else.
#[derive(Args, Debug)]
pub struct OfArgs {
    workspace: WorkspaceId,
    #[command(flatten)]
    call: Call,
}

/// Options of `plan refund`.
#[derive(Args, Debug)]
pub struct RefundArgs {
    workspace: WorkspaceId,
    /// Reference of the payment that goes back
    #[arg(long, requires = "reason")]
    payment: Option<String>,
    /// Why; it stands in the ledger for good
    #[arg(long, requires = "payment")]
    reason: Option<String>,
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    call: Call,
}

/// Runs `plan`.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: PlanCommand) -> Result<(), Failure> {
    match command {
        PlanCommand::Set(args) => {
            let SetArgs { workspace, plan, allotment, interval, seats, named, call } = args;
            let body = SubscriptionChange { plan, allotment, interval, seats };
            let view = wait(call.client()?.change_subscription(&workspace, &body, named.key()))?;
            call.show(&view, show)
        }
        PlanCommand::Cancel(OfArgs { workspace, call }) => {
            let view = wait(call.client()?.cancel_subscription(&workspace))?;
            call.show(&view, show)
        }
        PlanCommand::Resume(OfArgs { workspace, call }) => {
            let view = wait(call.client()?.resume_subscription(&workspace, IdempotencyKey::Fresh))?;
            call.show(&view, show)
        }
        PlanCommand::Refund(args) => refund(args),
    }
}

fn refund(args: RefundArgs) -> Result<(), Failure> {
    let RefundArgs { workspace, payment, reason, named, call } = args;
    if let (Some(payment), Some(reason)) = (payment, reason) {
        let body = SubscriptionRefund { payment, reason };
        let view = wait(call.client()?.refund_subscription(&workspace, &body, named.key()))?;
        return call.show(&view, show);
    }
    let proposal = wait(call.client()?.refund_proposal(&workspace))?;
    call.show(&proposal, |proposal| {
        let what = match (proposal.in_full, proposal.unused_months) {
            (true, _) => "the whole payment",
            (false, 0) => "nothing of the payment",
            (false, _) => "a share of the payment",
        };
        output::print(&format!(
            "{what}: {} of {} months are unused, {} credits would go",
            proposal.unused_months, proposal.of_months, proposal.credits_to_retire
        ))
    })
}

/// Runs `trial`.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn trial(args: OfArgs) -> Result<(), Failure> {
    let OfArgs { workspace, call } = args;
    let view = wait(call.client()?.start_trial(&workspace, IdempotencyKey::Fresh))?;
    call.show(&view, show)
}
