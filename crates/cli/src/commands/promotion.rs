//! `reeve promotion`: for a while, purchases come with more.

use clap::{Args, Subcommand};
use reeve_protocol::{At, PromotionPut, PromotionView, Quantity};
use reeve_types::{CatalogName, SourceName};

use super::call::{Call, amount, wait};
use crate::exit::Failure;
use crate::output;

/// Commands about promotions.
#[derive(Debug, Subcommand)]
pub enum PromotionCommand {
    /// Set a promotion
    Put(PutArgs),
    /// List all promotions
    List(ListArgs),
}

/// Options of `promotion put`.
#[derive(Args, Debug)]
pub struct PutArgs {
    /// Id of one's own choice
    id: String,
    /// Catalog, such as kive
    #[arg(long)]
    catalog: CatalogName,
    /// The catalog's source that the extra lot is of
    #[arg(long, default_value = "promo")]
    source: SourceName,
    /// First instant: RFC 3339
    #[arg(long, value_name = "TIME")]
    from: At,
    /// First instant no longer included
    #[arg(long, value_name = "TIME")]
    to: At,
    /// How many times the purchase the buyer gets in all: 2 doubles it
    #[arg(long, value_parser = factor)]
    factor: Quantity,
    #[command(flatten)]
    call: Call,
}

/// Options of `promotion list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    call: Call,
}

fn factor(text: &str) -> Result<Quantity, String> {
    amount(text).map(|amount| Quantity::from_micros(amount.credits().micros()))
}

/// Runs the command.
///
/// # Errors
/// The server refuses or cannot be reached.
pub fn run(command: PromotionCommand) -> Result<(), Failure> {
    match command {
        PromotionCommand::Put(PutArgs { id, catalog, source, from, to, factor, call }) => {
            let body = PromotionPut { catalog, source, from, to, factor };
            let view = wait(call.client()?.put_promotion(&id, &body))?;
            call.show(&view, |view| table(std::slice::from_ref(view)))
        }
        PromotionCommand::List(ListArgs { call }) => {
            let page = wait(call.client()?.promotions())?;
            call.show(&page.data, |views| table(views))
        }
    }
}

fn table(views: &[PromotionView]) -> Result<(), Failure> {
    let mut table = output::table(&["|promotion", "catalog", "source", ">times", "|from (UTC)", "|to (UTC)"]);
    for view in views {
        table.add_row([
            view.id.clone(),
            view.catalog.to_string(),
            view.source.to_string(),
            view.factor.to_string(),
            output::instant(view.from),
            output::instant(view.to),
        ]);
    }
    output::print_table(&table, "no promotions")
}
