//! `reeve restore`: a data folder from a backup, checked on the way.

use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use super::verify;
use crate::backup::{FilesMode, Restore, Restored, restore};
use crate::exit::Failure;
use crate::output;

/// Options of `restore`.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// Folder of the backup
    backup: PathBuf,
    /// Data folder to make; one that exists must be empty
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    to: Option<PathBuf>,
    /// Empty database to fill, for a backup of PostgreSQL
    #[arg(long, value_name = "URL", conflicts_with = "dry_run")]
    database: Option<String>,
    /// Only check that the backup is what was backed up; make nothing
    #[arg(long, conflicts_with = "to")]
    dry_run: bool,
    /// Leave out the check of every invariant at the end; the schema stays as old as it is then
    #[arg(long)]
    no_verify: bool,
    /// Say on stderr how far it is, also where that is no terminal
    #[arg(long)]
    progress: bool,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The backup is not what was backed up, or an invariant does not hold: the answer is no. A target that is not empty.
pub fn run(args: RestoreArgs) -> Result<(), Failure> {
    let plan = Restore {
        backup: args.backup,
        to: args.to,
        database: args.database,
        verify: !args.no_verify,
        progress: args.progress,
    };
    let restored = restore(&plan)?;
    if args.json {
        output::json(&restored)?;
    } else {
        show(&restored)?;
    }
    match restored.verify.as_ref().map(|report| report.ok) {
        None | Some(Some(true)) => Ok(()),
        Some(_) => Err(Failure::no("the backup was restored as it is, and a check does not hold")),
    }
}

fn show(restored: &Restored) -> Result<(), Failure> {
    let manifest = &restored.manifest;
    let (count, bytes) = (HumanCount(manifest.files.count), HumanBytes(manifest.files.bytes));
    let from = format!("the backup of {} by {}", manifest.made_at, manifest.version);
    match &restored.folder {
        Some(folder) => output::print(&format!("restored {from} into {folder}"))?,
        None => output::print(&format!("{from} is what was backed up"))?,
    }
    output::print(&format!("  files     {count}, {bytes}, all with their digests"))?;
    let ledger = &manifest.ledger;
    let (rows, workspaces) = (HumanCount(ledger.rows), HumanCount(ledger.workspaces));
    output::print(&format!("  ledger    {rows} rows of {workspaces} workspaces end where they did"))?;
    if manifest.files.outputs == FilesMode::Skip {
        eprintln!("outputs and inputs are not in this backup: put them into the folder `artifacts` yourself");
    }
    restored.verify.as_ref().map_or(Ok(()), |report| verify::show(&report.checks))
}
