//! The `reeve` binary: the one place where the parts are put together, and a command line over the HTTP API.
//!
//! Each command is a file of `commands`. Data goes to stdout and everything else to stderr. The process ends with
//! 0 when it is done, 1 when the answer is no, 2 on wrong usage, 3 when the environment failed and 4 when a server's
//! database was taken over by another one.

mod args;
mod backup;
mod bench;
mod catalogs;
mod chart;
#[cfg(test)]
mod cli_page;
mod commands;
mod config;
mod demo;
mod doctor;
mod exit;
mod logging;
mod output;
mod progress;
mod remote;
mod server;
mod signals;
mod sketch;
mod system;
mod telemetry;
mod top;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::exit::Failure;

// Every `malloc` of the program is mimalloc's (its feature `override`), SQLite's and Rust's alike. glibc's own costs a sixth of
// the server's time: batches free large blocks again and again, and it tidies up each time. The package's type for
// `#[global_allocator]` is not used: it asks for each piece by its alignment, and for sizes that are no power of two
// mimalloc 3 then makes it larger and never takes its short way.
use mimalloc as _;

/// What the process does, whichever of the two programs it is: `reeve`, or `reeve-faulty` of the crash tests.
pub fn main() -> std::process::ExitCode {
    output::settle_colours();
    let args: Vec<_> = std::env::args_os().collect();
    let json = exit::wants_json(args.iter().skip(1).map(|arg| arg.as_os_str()));
    let command = match Cli::try_parse_from(args) {
        Ok(cli) => cli.command,
        Err(error) => return exit::told_by_parser(&error, json),
    };
    let result = run(command);
    if let Err(failure) = &result {
        failure.tell(json);
    }
    exit::code_of(&result)
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Top(args) => commands::top::run(args),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Worker(args) => commands::worker::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Submit(args) => commands::submit::run(args),
        Command::Balance(args) => commands::balance::run(args),
        Command::Ledger(args) => commands::ledger::run(args),
        Command::Jobs(args) => commands::jobs::run(args),
        Command::Cancel(args) => commands::cancel::run(args),
        Command::Key(command) => commands::key::run(command),
        Command::Retry(args) => commands::retry::run(args),
        Command::Reconcile(args) => commands::reconcile::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Backup(args) => commands::backup::run(args),
        Command::Restore(args) => commands::restore::run(args),
        Command::Migrate(args) => commands::migrate::run(args),
        Command::Bench(args) => bench::run(&args),
        Command::Catalog(group) => commands::catalog_remote::run(group),
        Command::Workspace(command) => commands::workspace::run(command),
        Command::Plan(command) => commands::plan::run(command),
        Command::Trial(args) => commands::plan::trial(args),
        Command::Purchase(command) => commands::purchase::run(command),
        Command::Addon(command) => commands::addon::run(command),
        Command::Member(command) => commands::member::run(command),
        Command::Usage(args) => commands::usage::run(args),
        Command::Statement(args) => commands::usage::statement(args),
        Command::Promotion(command) => commands::promotion::run(command),
        Command::Import(args) => commands::import::run(args),
        Command::Webhook(command) => commands::webhook::run(command),
        Command::Clock(args) => commands::clock::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Health(args) => commands::health::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    }
}
