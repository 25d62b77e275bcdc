//! `reeve purchase`: credits bought, and what becomes of their payments.

use clap::{Args, Subcommand};
use reeve_client::IdempotencyKey;
use reeve_protocol::{
    Amount, ListQuery, PurchaseCreate, PurchaseStatus, PurchaseView, RefundKind, RefundRequest,
};
use reeve_types::{PurchaseId, WorkspaceId};

use super::call::{Call, amount, say, wait, word};
use crate::exit::Failure;
use crate::output;

/// Commands about purchases.
#[derive(Debug, Subcommand)]
pub enum PurchaseCommand {
    /// Record a purchase
    Create(CreateArgs),
    /// List a workspace's purchases
    List(ListArgs),
    /// The payment of a pending purchase arrived
    Confirm(OneArgs),
    /// The payment of a pending purchase failed
    Fail(OneArgs),
    /// Take a purchase back
    Refund(RefundArgs),
    /// A dispute was won: what the chargeback took comes back
    DisputeWon(OneArgs),
}

/// Options of `purchase create`.
#[derive(Args, Debug)]
pub struct CreateArgs {
    workspace: WorkspaceId,
    /// Reference of the payment: used once
    #[arg(long)]
    payment: String,
    /// Pack of the catalog
    #[arg(long, conflicts_with = "credits", required_unless_present = "credits")]
    pack: Option<String>,
    /// Number of credits, where the catalog sells them by number
    #[arg(long, value_parser = amount)]
    credits: Option<Amount>,
    /// Not paid yet
    #[arg(long)]
    pending: bool,
    #[command(flatten)]
    call: Call,
}

/// Options of `purchase list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    workspace: WorkspaceId,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u32,
    #[command(flatten)]
    call: Call,
}

/// Options of commands about one purchase.
#[derive(Args, Debug)]
pub struct OneArgs {
    purchase: PurchaseId,
    #[command(flatten)]
    call: Call,
}

/// Options of `purchase refund`.
#[derive(Args, Debug)]
pub struct RefundArgs {
    purchase: PurchaseId,
    /// requested (by the buyer), chargeback (by the bank) or admin (with a reason)
    #[arg(long, value_parser = word::<RefundKind>)]
    kind: RefundKind,
    /// Why; it stands in the ledger for good
    #[arg(long)]
    reason: Option<String>,
    /// A part of the purchase; all of it when left out
    #[arg(long, value_parser = amount)]
    credits: Option<Amount>,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: PurchaseCommand) -> Result<(), Failure> {
    let key = IdempotencyKey::Fresh;
    match command {
        PurchaseCommand::Create(args) => {
            let CreateArgs { workspace, payment, pack, credits, pending, call } = args;
            let status = pending.then_some(PurchaseStatus::Pending);
            let body = PurchaseCreate { pack, credits, payment, status };
            let view = wait(call.client()?.purchase(&workspace, &body, key))?;
            call.show(&view, one)
        }
        PurchaseCommand::List(args) => {
            let query = ListQuery { limit: Some(args.limit), cursor: None };
            let page = wait(args.call.client()?.purchases(&args.workspace, &query))?;
            args.call.show(&page.data, |views| table(views))
        }
        PurchaseCommand::Confirm(OneArgs { purchase, call }) => {
            let view = wait(call.client()?.confirm_purchase(purchase, key))?;
            call.show(&view, one)
        }
        PurchaseCommand::Fail(OneArgs { purchase, call }) => {
            let view = wait(call.client()?.fail_purchase(purchase, key))?;
            call.show(&view, one)
        }
        PurchaseCommand::Refund(args) => {
            let RefundArgs { purchase, kind, reason, credits, call } = args;
            let body = RefundRequest { kind, reason, credits };
            let view = wait(call.client()?.refund_purchase(purchase, &body, key))?;
            call.show(&view, one)
        }
        PurchaseCommand::DisputeWon(OneArgs { purchase, call }) => {
            let view = wait(call.client()?.win_dispute(purchase, key))?;
            call.show(&view, one)
        }
    }
}

fn one(view: &PurchaseView) -> Result<(), Failure> {
    table(std::slice::from_ref(view))
}

fn table(views: &[PurchaseView]) -> Result<(), Failure> {
    let heads =
        ["|purchase", "payment", "pack?", ">credits", "status", ">taken back??", ">lost??", "|made (UTC)???"];
    let mut table = output::table(&heads);
    for view in views {
        table.add_row([
            view.id.to_string(),
            view.payment.clone(),
            view.pack.clone().unwrap_or_default(),
            view.credits.to_string(),
            say(&view.status),
            view.clawed_back.to_string(),
            view.unrecovered.to_string(),
            output::instant(view.created_at),
        ]);
    }
    output::print_table(&table, "no purchases")
}
