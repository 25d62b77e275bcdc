//! `reeve verify`: checks every invariant, of a store on this machine or through a running server.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use reeve_protocol::{VerifyCheck, VerifyReport, VerifyStatus};
use reeve_store::{FatalHook, Store};

use crate::args::Remote;
use crate::exit::Failure;
use crate::progress::{Progress, Unit};
use crate::server::{check, open_store};
use crate::{config, output, remote, system};

/// How long the first question waits for the end of a check, in seconds; then it is asked how far it is.
const WAIT_SECONDS: u64 = 2;
/// Between two of those questions, in milliseconds.
const LOOK_MS: u64 = 500;
/// Parts of a server's check: it tells the share that is done.
const PARTS: f64 = 1_000.0;

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
    /// Say on stderr how far it is, also where that is no terminal
    #[arg(long)]
    progress: bool,
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
    let progress = |unit| Progress::of("verify", unit, args.progress);
    let report = match (args.data, args.database, args.url) {
        (_, _, Some(url)) => of_server(&Remote { url, key: args.key, ca: args.ca }, progress(Unit::Share))?,
        (data, database, None) => of_store(data, database, progress(Unit::Rows))?,
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

fn of_store(
    data: Option<PathBuf>,
    database: Option<String>,
    progress: Progress,
) -> Result<VerifyReport, Failure> {
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
        let checks = check_telling(&store, progress).await;
        store.close().await;
        checks
    });
    let checks = checks.map_err(|e| Failure::environment("cannot start threads", e))??;
    Ok(report_of(checks))
}

/// Runs every check and shows how far it is.
///
/// # Errors
/// The store cannot be read to the end.
pub async fn check_telling(store: &Store, progress: Progress) -> Result<Vec<VerifyCheck>, Failure> {
    let shown = Mutex::new(progress);
    let told = |at: reeve_store::verify::Progress| {
        shown.lock().unwrap_or_else(PoisonError::into_inner).at(at.rows_done, at.rows);
    };
    let checks = check(&store.verifier(), told).await;
    shown.into_inner().unwrap_or_else(PoisonError::into_inner).end();
    checks
}

/// A run that is done, as the API shows it.
pub fn report_of(checks: Vec<VerifyCheck>) -> VerifyReport {
    let ok = checks.iter().all(|check| check.ok);
    VerifyReport { status: VerifyStatus::Done, progress: 1.0, ok: Some(ok), checks }
}

/// Nothing is written here, so nothing can fail to be.
pub fn quiet_hook() -> FatalHook {
    Arc::new(|why| eprintln!("error: {why}"))
}

fn of_server(remote: &Remote, mut progress: Progress) -> Result<VerifyReport, Failure> {
    let client = remote::client(remote)?;
    let report = system::block_on(async {
        let mut report = client.verify(Some(WAIT_SECONDS)).await?;
        while report.status == VerifyStatus::Running {
            progress.at((report.progress * PARTS) as u64, PARTS as u64);
            system::pause_ms(LOOK_MS).await;
            report = client.verify_status().await?;
        }
        progress.end();
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
