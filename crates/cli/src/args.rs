//! What can be written on the command line. A new command is one more variant here and one more file of `commands`.

use clap::{Args, Parser, Subcommand};

use crate::commands::{balance, cancel, catalog, demo, jobs, ledger, serve, submit, verify, worker};

/// Jobs and credits of a generation platform.
#[derive(Debug, Parser)]
#[command(name = "reeve", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Run a sketch worker for a server
    Worker(worker::WorkerArgs),
    /// See it all at work: five platforms, forty jobs, one server, in a minute
    Demo(demo::DemoArgs),
    /// Submit a job
    Submit(submit::SubmitArgs),
    /// Show what a workspace has
    Balance(balance::BalanceArgs),
    /// Show what moved a workspace's credits
    Ledger(ledger::LedgerArgs),
    /// List jobs
    Jobs(jobs::JobsArgs),
    /// Cancel jobs
    Cancel(cancel::CancelArgs),
    /// Check every invariant of a store
    Verify(verify::VerifyArgs),
    /// Measure admits and whole lifecycles per second, and check the books afterwards
    Bench(Box<crate::bench::BenchArgs>),
    /// Work with catalogs
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
}

/// Which server, and who asks.
#[derive(Args, Clone, Debug)]
pub struct Remote {
    /// Address of the server
    #[arg(long, env = "REEVE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// Key to call it with
    #[arg(long, env = "REEVE_KEY", hide_env_values = true, value_name = "KEY")]
    pub key: Option<String>,
}
