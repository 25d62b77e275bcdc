//! `reeve catalog check|play|replay`: catalogs as files, without a server.

use std::path::Path;

use clap::Subcommand;
use reeve_rehearsal::Draft;
use reeve_types::did_you_mean;

use super::{catalog_check, catalog_play, catalog_replay};
use crate::catalogs::{self, Source};
use crate::exit::Failure;

/// Commands about catalogs as files.
#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Check catalogs and run their examples
    Check(catalog_check::CheckArgs),
    /// Play a script against a catalog: months in a moment, as a table and a picture
    ///
    /// A script is a TOML file with a `title`, what is `given` and the steps of `when`, in the words of a catalog's
    /// examples; the shipped ones are in config/catalogs/scripts. Expectations in it are judged.
    Play(catalog_play::PlayArgs),
    /// What would have been: a real store's purchases and jobs under another catalog
    ///
    /// Reads a store and changes nothing in it; a server may run meanwhile. All that is read is held in memory.
    ///
    /// Replayed, at their own instants: the opening of each workspace on the catalog of this name (or of --of), with
    /// the plan, allotment (or the plan's smallest), term, seats and zone that it has now; the lots that an import brought; paid purchases;
    /// corrections by operators; referrals; jobs with their action and parameters, and what became of each output.
    ///
    /// Not replayed: changes of plan, add-ons, trials, promotions, refunds and members' limits. What the past refused
    /// is not stored, so denials are counted for the new catalog only. A job whose action does not exist there counts
    /// as denied. Both sides are compared as of the last instant that the store has of each workspace.
    Replay(catalog_replay::ReplayArgs),
}

/// Runs the command.
///
/// # Errors
/// What the command's own file says.
pub fn run(command: CatalogCommand) -> Result<(), Failure> {
    match command {
        CatalogCommand::Check(args) => catalog_check::run(&args),
        CatalogCommand::Play(args) => catalog_play::run(&args),
        CatalogCommand::Replay(args) => catalog_replay::run(args),
    }
}

/// A name that is neither a file's nor a built-in catalog's.
fn neither(file: &Path, built_in: &[Source]) -> Failure {
    let names: Vec<&str> = built_in.iter().filter_map(|source| source.file.strip_suffix(".toml")).collect();
    let file = file.display().to_string();
    let near = did_you_mean(&file, names.iter().copied());
    let listed = names.join(", ");
    Failure::usage(format!(
        "there is no file `{file}`, and no catalog of this name is built in: {listed}{near}"
    ))
}

/// A catalog by its file, or by the name of one that is built in.
///
/// # Errors
/// A file that cannot be read, or all that is wrong with the catalog.
pub(super) fn draft(file: &Path) -> Result<Draft, Failure> {
    let named = |source: &Source| Path::new(&source.file).file_stem() == Some(file.as_os_str());
    let built_in = catalogs::built_in();
    let source = match built_in.iter().find(|source| named(source)).filter(|_| !file.exists()) {
        Some(source) => source.clone(),
        None if !file.exists() && file.extension().is_none() => return Err(neither(file, &built_in)),
        None => catalogs::from_file(file)?,
    };
    Draft::parse(&source.file, &source.text).map_err(|error| Failure::no(error.to_string()))
}
