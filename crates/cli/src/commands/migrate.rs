//! `reeve migrate`: brings a database's schema up to date, or says what that would do.

use clap::Args;
use reeve_store::steps::{Pending, Standing, standing};
use serde::Serialize;

use super::place::Place;
use super::verify::quiet_hook;
use crate::config::Settings;
use crate::exit::Failure;
use crate::server::open_store;
use crate::{output, system};

/// Options of `migrate`.
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// Only say which steps are pending; not a byte of the database changes, and its server may run
    #[arg(long)]
    dry_run: bool,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What was found and done, as JSON.
#[derive(Debug, Serialize)]
struct Report {
    database: String,
    bytes: u64,
    /// Steps that it had before.
    applied: usize,
    /// Steps that it lacked.
    pending: Vec<Line>,
    /// Whether they were applied now.
    done: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    number: usize,
    name: &'static str,
    about: &'static str,
    /// Rows that it reads or copies.
    rows: u64,
    can_be_undone: bool,
}

impl From<&Pending> for Line {
    fn from(step: &Pending) -> Self {
        let Pending { number, name, about, rows } = *step;
        // Steps only go forward: the way back is a backup.
        Self { number, name, about, rows, can_be_undone: false }
    }
}

/// Runs the command.
///
/// # Errors
/// The database cannot be read, was written by a newer version, or is in use while steps are to be applied.
pub fn run(args: MigrateArgs) -> Result<(), Failure> {
    let settings = args.place.settings()?;
    let dry_run = args.dry_run;
    let work = async {
        let found = look(&settings).await?;
        if !dry_run && !found.pending.is_empty() {
            let store = open_store(&settings, quiet_hook()).await?;
            store.close().await;
            let left = look(&settings).await?.pending.len();
            if left > 0 {
                return Err(Failure::environment(
                    "the schema is not up to date",
                    format!("{left} steps are pending"),
                ));
            }
        }
        Ok(found)
    };
    let found = system::block_on(work).map_err(|e| Failure::environment("cannot start threads", e))??;
    let report = Report {
        database: settings.database_shown(),
        bytes: found.bytes,
        applied: found.applied.len(),
        pending: found.pending.iter().map(Line::from).collect(),
        done: !dry_run,
    };
    if args.json { output::json(&report) } else { show(&report) }
}

async fn look(settings: &Settings) -> Result<Standing, Failure> {
    let store = settings.store().map_err(|e| Failure::usage(e.to_string()))?;
    standing(&store).await.map_err(|e| Failure::environment("cannot look at the database", e))
}

fn show(report: &Report) -> Result<(), Failure> {
    let size = indicatif::HumanBytes(report.bytes);
    let place = format!("{} ({size})", report.database);
    if report.pending.is_empty() {
        return output::print(&format!("{place} is up to date: {} steps", report.applied));
    }
    let mut table = output::table(&["", ">step", "|name", "what it does", ">rows"]);
    for line in &report.pending {
        table.add_row([
            if report.done { "✓" } else { "·" }.to_owned(),
            line.number.to_string(),
            line.name.to_owned(),
            line.about.to_owned(),
            if line.rows == 0 { String::new() } else { indicatif::HumanCount(line.rows).to_string() },
        ]);
    }
    output::print_table(&table, "")?;
    let count = report.pending.len();
    if report.done {
        output::print(&format!("{place}: {count} steps were applied"))
    } else {
        output::print(&format!(
            "{place}: {count} steps are pending. None can be undone: make a backup before you apply them"
        ))
    }
}
