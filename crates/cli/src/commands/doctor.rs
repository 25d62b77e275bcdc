//! `reeve doctor`: looks at all that a server needs, and says what is wrong and what to do about it.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::doctor::{self, Finding, Plan};
use crate::exit::Failure;
use crate::{output, system};

/// Options of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Settings of your own, as `serve` gets them
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, as `serve` gets it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database, as `serve` gets it
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Address to listen on, as `serve` gets it
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of a running server to ask [default: the one that listens here, if one does]
    #[arg(long, env = "REEVE_URL", value_name = "URL")]
    url: Option<String>,
    /// Admin key for it: then the workers are looked at too
    #[arg(long, env = "REEVE_KEY", hide_env_values = true, value_name = "KEY")]
    key: Option<String>,
    /// Authorities of an https address, as PEM, instead of those that the system trusts
    #[arg(long, env = "REEVE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A worker counts when it was seen within so many minutes
    #[arg(long, value_name = "N", default_value_t = 10)]
    worker_minutes: u32,
    /// Warnings end with exit code 1, too
    #[arg(long)]
    strict: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// All findings, as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Finding],
}

/// Runs the command.
///
/// # Errors
/// Something is bad: the worst of it decides the exit code. With `--strict` also a warning.
pub fn run(args: DoctorArgs) -> Result<(), Failure> {
    let DoctorArgs { config, data, database, listen, url, key, ca, worker_minutes, strict, json } = args;
    let plan = Plan { config, data, database, listen, url, key, ca, worker_minutes };
    let findings = system::block_on(doctor::examine(&plan));
    let findings = findings.map_err(|e| Failure::environment("cannot start threads", e))?;
    let verdict = doctor::judge(&findings, strict);
    if json {
        output::json(&Report { ok: verdict.is_ok(), checks: &findings })?;
    } else {
        show(&findings)?;
    }
    verdict
}

fn show(findings: &[Finding]) -> Result<(), Failure> {
    let mut table = output::table(&["", "|check", "found"]);
    for finding in findings {
        let text = match &finding.way_out {
            None => finding.found.clone(),
            Some(way_out) => format!("{}\n→ {way_out}", finding.found),
        };
        table.add_row([finding.state.sign().to_owned(), finding.check.to_owned(), text]);
    }
    output::print_table(&table, "nothing was looked at")
}
