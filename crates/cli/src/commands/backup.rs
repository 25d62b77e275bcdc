//! `reeve backup`: a copy from which a server can begin again elsewhere, made while it runs.

use std::path::PathBuf;

use clap::Args;
use indicatif::{HumanBytes, HumanCount};

use super::place::Place;
use crate::backup::{DatabaseKind, FilesMode, Made, Make, make};
use crate::exit::Failure;
use crate::output;

/// Options of `backup`.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// Folder to make; one that exists must be empty
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    /// What becomes of outputs and uploaded inputs
    #[arg(long, value_enum, default_value_t)]
    files: FilesMode,
    /// Give up when the log of a SQLite database grows by more than so many MiB meanwhile [default: half of what is free
    /// on its disk]
    #[arg(long, value_name = "N")]
    log_mib_max: Option<u64>,
    /// Say on stderr how far it is, also where that is no terminal
    #[arg(long)]
    progress: bool,
    /// Print the manifest as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The folder is not empty, the data cannot be read, or a stored file is not what its name says: the backup is made then,
/// and the answer is no.
pub fn run(args: BackupArgs) -> Result<(), Failure> {
    let plan = Make {
        settings: args.place.settings()?,
        config: args.place.config().cloned(),
        folder: args.folder,
        files: args.files,
        log_bytes_max: args.log_mib_max.map(|mib| mib.saturating_mul(1 << 20)),
        progress: args.progress,
    };
    let made = make(&plan)?;
    if args.json {
        output::json(&made)?;
    } else {
        show(&made)?;
    }
    match made.damaged.len() {
        0 => Ok(()),
        count => Err(Failure::no(format!(
            "{count} stored files have other bytes than their names say, the first is `{}`; the backup has them as they are",
            made.damaged.first().map(String::as_str).unwrap_or_default()
        ))),
    }
}

fn show(made: &Made) -> Result<(), Failure> {
    let Made { folder, manifest, log_grown_bytes, vanished, .. } = made;
    let kind = match manifest.database.kind {
        DatabaseKind::Sqlite => "SQLite",
        DatabaseKind::Postgres => "PostgreSQL",
    };
    output::print(&format!("backed up into {folder}"))?;
    let size = HumanBytes(manifest.database.bytes);
    output::print(&format!("  database  {kind}, {size}, schema {}", manifest.database.schema))?;
    let ledger = &manifest.ledger;
    output::print(&format!(
        "  ledger    {} rows of {} workspaces, heads {}",
        HumanCount(ledger.rows),
        HumanCount(ledger.workspaces),
        output::clip(&ledger.heads_sha256, 17)
    ))?;
    let outputs = match manifest.files.outputs {
        FilesMode::Copy => "outputs copied",
        FilesMode::Link => "outputs linked",
        FilesMode::Skip => "outputs left out",
    };
    let (count, bytes) = (HumanCount(manifest.files.count), HumanBytes(manifest.files.bytes));
    output::print(&format!("  files     {count}, {bytes}, {outputs}"))?;
    if *log_grown_bytes > 0 {
        eprintln!("the log of the database grew by {} meanwhile", HumanBytes(*log_grown_bytes));
    }
    if *vanished > 0 {
        eprintln!("{vanished} files were removed while the backup was made");
    }
    Ok(())
}
