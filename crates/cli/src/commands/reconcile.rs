//! `reeve reconcile`: payments against credits, and charges against deliveries, day by day.

use std::io::Write as _;

use clap::Args;
use reeve_protocol::{ReconciledSums, ReconciliationQuery, ReconciliationView};

use super::call::{Call, wait};
use crate::exit::Failure;
use crate::output;

/// Options of `reconcile`.
#[derive(Args, Debug)]
pub struct ReconcileArgs {
    /// First date or instant that counts, such as 2026-01-31; thirty days before the end when left out
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// First date or instant that counts no longer; now when left out
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// As CSV, one line a day
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    call: Call,
}

/// Runs the command.
///
/// # Errors
/// A day on which both sides differ: the answer is no. The server refuses or cannot be reached.
pub fn run(args: ReconcileArgs) -> Result<(), Failure> {
    let ReconcileArgs { from, to, csv, call } = args;
    let query = ReconciliationQuery { from, to };
    let client = call.client()?;
    let view = wait(client.reconciliation(&query))?;
    if csv {
        let text = wait(client.reconciliation_csv(&query))?;
        match std::io::stdout().lock().write_all(&text.bytes) {
            Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
                return Err(Failure::environment("cannot write to stdout", e));
            }
            _ => {}
        }
    } else {
        call.show(&view, show)?;
    }
    if view.ok { Ok(()) } else { Err(Failure::no("payments and credits, or charges and deliveries, differ")) }
}

fn show(view: &ReconciliationView) -> Result<(), Failure> {
    let mut table = output::table(&[
        "|day (UTC)",
        ">payments??",
        ">paid",
        ">granted",
        ">differ",
        ">settled",
        ">outputs??",
        ">charged",
        ">differ",
        ">released???",
        ">lost???",
        ">clawed back???",
    ]);
    let mut row = |day: &str, sums: &ReconciledSums| {
        let lost =
            sums.expired.0.checked_add(sums.forfeited.0).map_or_else(String::new, |lost| lost.to_string());
        table.add_row([
            day.to_owned(),
            sums.payments.to_string(),
            sums.paid.to_string(),
            sums.granted_paid.to_string(),
            sums.payments_difference.to_string(),
            sums.settled.to_string(),
            sums.delivered.to_string(),
            sums.charged.to_string(),
            sums.deliveries_difference.to_string(),
            sums.released.to_string(),
            lost,
            sums.clawed_back.to_string(),
        ]);
    };
    view.days.iter().for_each(|day| row(&day.day, &day.sums));
    row("total", &view.total);
    output::print_table(&table, "")
}
