//! What can be written on the command line. A new command is one more variant here and one more file of `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    addon, balance, cancel, catalog_remote, clock, demo, import, jobs, key, ledger, member, plan, promotion,
    purchase, serve, submit, usage, verify, webhook, worker, workspace,
};
use crate::exit::explained;

/// Jobs and credits of a generation platform.
#[derive(Debug, Parser)]
#[command(name = "reeve", version = env!("REEVE_VERSION"), long_version = concat!(env!("REEVE_VERSION"), "\n", env!("REEVE_BUILT_BY")), max_term_width = 100, propagate_version = true)]
#[command(after_help = explained())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Watch a server's pools, tiers, jobs and workers
    Top(crate::commands::top::TopArgs),
    /// See which waits a load has on a fleet, before either exists
    Simulate(crate::commands::simulate::SimulateArgs),
    /// Run a sketch worker for a server
    Worker(worker::WorkerArgs),
    /// See it all at work: five platforms, forty jobs, one server, in a minute
    Demo(demo::DemoArgs),
    /// Open, show and change workspaces
    #[command(subcommand)]
    Workspace(workspace::WorkspaceCommand),
    /// Change what a workspace subscribes to
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Start a trial
    Trial(plan::OfArgs),
    /// Buy credits, and tell what became of their payments
    #[command(subcommand)]
    Purchase(purchase::PurchaseCommand),
    /// Buy and cancel units of an add-on
    #[command(subcommand)]
    Addon(addon::AddonCommand),
    /// Limit what a member may spend
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// Sum up what was used
    Usage(usage::UsageArgs),
    /// Print a workspace's ledger as CSV
    Statement(usage::StatementArgs),
    /// Let purchases come with more for a while
    #[command(subcommand)]
    Promotion(promotion::PromotionCommand),
    /// Tell others of what happens
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Open workspaces with the balances of another system
    Import(import::ImportArgs),
    /// Show a server's clock, or move that of a test server
    Clock(clock::ClockArgs),
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
    /// Make, list and revoke keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Ask again for a job that failed, was cancelled or expired
    Retry(crate::commands::retry::RetryArgs),
    /// Compare payments with credits, and charges with deliveries, day by day
    Reconcile(crate::commands::reconcile::ReconcileArgs),
    /// Check every invariant of a store
    Verify(verify::VerifyArgs),
    /// Make a copy of everything while the server runs
    Backup(crate::commands::backup::BackupArgs),
    /// Make a data folder from a backup
    Restore(crate::commands::restore::RestoreArgs),
    /// Bring a database's schema up to date, or say what that would do
    Migrate(crate::commands::migrate::MigrateArgs),
    /// Measure admits and whole lifecycles per second, and check the books afterwards
    Bench(Box<crate::bench::BenchArgs>),
    /// Work with catalogs
    #[command(subcommand)]
    Catalog(catalog_remote::CatalogGroup),
    /// Look for what keeps a server from starting or from working well
    Doctor(crate::commands::doctor::DoctorArgs),
    /// Ask whether a server serves
    Health(crate::commands::health::HealthArgs),
    /// Print what a shell needs to complete commands
    Completions(crate::commands::completions::CompletionsArgs),
    /// Print the manual page, or write the pages of all commands
    Man(crate::commands::man::ManArgs),
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
    /// Authorities of an https address, as PEM, instead of those that the system trusts
    #[arg(long, env = "REEVE_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_whole_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
