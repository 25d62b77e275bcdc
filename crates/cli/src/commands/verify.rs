//! `reeve verify`: checks every invariant, of a store on this machine or through a running server.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use reeve_protocol::{VerifyCheck, VerifyReport, VerifyStatus};
use reeve_store::FatalHook;

use crate::args::Remote;
use crate::exit::Failure;
use crate::server::{check, open_store};
use crate::{config, output, remote, system};

/// How long one question waits for the end of a check, in seconds.
const WAIT_SECONDS: u64 = 60;

/// Options of `verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// Data folder of a server that is not running
    #[arg(long, value_name = "DIR", conflicts_with = "database")]
    data: Option<PathBuf>,
    /// Database of a server that is not running
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Address of a running server
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "database"])]
    url: Option<String>,
    /// Admin key for it
    #[arg(long, env = "REEVE_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// Authorities of an https address, as PEM, instead of those that the system trusts
    #[arg(long, env = "REEVE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A check does not hold, or the store cannot be read.
pub fn run(args: VerifyArgs) -> Result<(), Failure> {
    let json = args.json;
    let report = match (args.data, args.database, args.url) {
        (_, _, Some(url)) => of_server(&Remote { url, key: args.key, ca: args.ca })?,
        (data, database, None) => of_store(data, database)?,
    };
    if json {
        output::json(&report)?;
    } else {
        show(&report.checks)?;
    }
    match report.ok {
        Some(true) => Ok(()),
        _ => Err(Failure::no("a check does not hold")),
    }
}

fn of_store(data: Option<PathBuf>, database: Option<String>) -> Result<VerifyReport, Failure> {
    let mut settings = config::load(None).map_err(|e| Failure::usage(e.to_string()))?;
    if let Some(dir) = data {
        settings.data.dir = dir;
        settings.database.url = String::new();
    }
    if let Some(url) = database {
        settings.database.url = url;
    }
    if let Some(path) = settings.database_missing() {
        return Err(Failure::environment("there is no database to check", path.display()));
    }
    let checks = system::block_on(async {
        let store = open_store(&settings, quiet_hook()).await.map_err(|failure| match failure {
            Failure::Environment(why) => Failure::Environment(format!("{why}, or ask its server with --url")),
            other => other,
        })?;
        let checks = check(&store.verifier()).await;
        store.close().await;
        checks
    });
    let checks = checks.map_err(|e| Failure::environment("cannot start threads", e))??;
    let ok = checks.iter().all(|check| check.ok);
    Ok(VerifyReport { status: VerifyStatus::Done, progress: 1.0, ok: Some(ok), checks })
}

/// Nothing is written here, so nothing can fail to be.
fn quiet_hook() -> FatalHook {
    Arc::new(|why| eprintln!("error: {why}"))
}

fn of_server(remote: &Remote) -> Result<VerifyReport, Failure> {
    let client = remote::client(remote)?;
    let report = system::block_on(async {
        let mut report = client.verify(Some(WAIT_SECONDS)).await?;
        while report.status == VerifyStatus::Running {
            system::pause_ms(1_000).await;
            report = client.verify_status().await?;
        }
        Ok::<_, Failure>(report)
    });
    report.map_err(|e| Failure::environment("cannot start threads", e))?
}

/// A table of checks.
///
/// # Errors
/// Stdout cannot be written to.
pub fn show(checks: &[VerifyCheck]) -> Result<(), Failure> {
    let mut table = output::table(&["", "|check", ">checked", "promise, or what breaks it"]);
    for check in checks {
        table.add_row([
            if check.ok { "✓" } else { "✗" }.to_owned(),
            check.name.clone(),
            check.checked.to_string(),
            check.detail.clone().unwrap_or_default(),
        ]);
    }
    output::print_table(&table, "no checks")
}
