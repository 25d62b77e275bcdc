//! `reeve man`: manual pages, made from the same words as `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::args::Cli;
use crate::exit::Failure;
use crate::output;

/// Options of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Write the pages of all commands into this folder, instead of the first page to stdout
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// The folder or stdout cannot be written to.
pub fn run(args: &ManArgs) -> Result<(), Failure> {
    let command = Cli::command();
    if let Some(dir) = &args.dir {
        let failed =
            |error| Failure::environment(&format!("cannot write pages to `{}`", dir.display()), error);
        std::fs::create_dir_all(dir).map_err(failed)?;
        return clap_mangen::generate_to(command, dir).map_err(failed);
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|e| Failure::environment("cannot make the page", e))?;
    output::print(String::from_utf8_lossy(&page).trim_end())
}
