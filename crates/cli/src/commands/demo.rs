//! `reeve demo`: the options; the show itself is in the module `demo`.

use std::path::PathBuf;

use clap::Args;

use crate::demo;
use crate::exit::Failure;

/// Options of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Folder for its data; it must be empty or new [default: a new one below the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave the server running afterwards, with calls to try
    #[arg(long)]
    keep: bool,
}

/// Runs the command.
///
/// # Errors
/// A check does not hold at the end, or the data cannot be written.
pub fn run(args: DemoArgs) -> Result<(), Failure> {
    demo::run(args.data, args.keep)
}
