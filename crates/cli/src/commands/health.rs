//! `reeve health`: whether a server serves, for supervisors and container engines that can only run a command.

use clap::Args;
use reeve_client::ClientSettings;

use super::call::wait;
use crate::args::Remote;
use crate::exit::Failure;
use crate::{output, remote};

/// Longest time to connect, and then to answer, in milliseconds: an answer that comes later is no health.
const ANSWER_MS_MAX: u64 = 2_000;
/// Both paths are open; the client wants a key all the same.
const NO_KEY: &str = "none";

/// Options of `health`.
#[derive(Args, Debug)]
pub struct HealthArgs {
    #[command(flatten)]
    remote: Remote,
    /// Ask whether the process lives, not whether it serves: true also of one that stands by
    #[arg(long)]
    live: bool,
    /// Print the API's JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The server does not serve, or cannot be reached.
pub fn run(args: &HealthArgs) -> Result<(), Failure> {
    let patience = ClientSettings {
        connect_ms_max: ANSWER_MS_MAX,
        answer_ms_max: ANSWER_MS_MAX,
        ..ClientSettings::default()
    };
    // A key of the environment is not sent where none is needed.
    let remote = Remote { key: Some(NO_KEY.to_owned()), ..args.remote.clone() };
    let client = remote::client_with(&remote, patience)?;
    let health = if args.live { wait(client.healthz())? } else { wait(client.readyz())? };
    if args.json {
        return output::json(&health);
    }
    output::print(&format!("{} {}", health.status, health.version))
}
