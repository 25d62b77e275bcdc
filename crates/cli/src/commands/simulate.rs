//! `reeve simulate`: which waits a load has on a fleet, under the server's own queue and under others.

use std::path::{Path, PathBuf};

use clap::Args;
use reeve_simulate::{
    Base, BaseLeases, BaseQueue, BaseRetry, BaseTier, Bug, Description, Load, PolicyKind, Refusal, Report,
    Sweep, compare, pack, picture, run as run_load, table,
};
use serde::Serialize;

use crate::exit::Failure;
use crate::{config, output};

/// What stands for stdout where a file is named.
const STDOUT: &str = "-";

/// Options of `simulate`.
#[derive(Args, Debug)]
pub struct SimulateArgs {
    /// The load, such as config/simulations/platform.toml
    #[arg(value_name = "LOAD")]
    load: PathBuf,
    /// Settings of your own, over those of config/default.toml: tiers, retries, leases
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Run under this policy: reeve, strict, fifo, aging, round-robin or flat
    #[arg(long, value_name = "POLICY", default_value = "reeve", value_parser = policy)]
    policy: PolicyKind,
    /// Run under every policy, and with every variant that the load names
    #[arg(long, conflicts_with_all = ["policy", "workers"])]
    compare: bool,
    /// Run with fleets of these sizes: N..M, N..M:STEP or NAME=N..M:STEP
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["svg", "png"])]
    workers: Option<String>,
    /// Other dice than the load's
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Another length than the load's
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Multiply all arrival rates; recorded arrivals stay as they are
    #[arg(long, value_name = "FACTOR")]
    rate: Option<f64>,
    /// Draw the arrivals even if the load names recorded ones
    #[arg(long)]
    draw: bool,
    /// Write the arrivals, packed with gzip, and end
    #[arg(long, value_name = "FILE")]
    write_arrivals: Option<PathBuf>,
    /// Write the figures as JSON; without a file they go to stdout, instead of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    json: Option<PathBuf>,
    /// Draw the waits over time as an SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Draw the waits over time as a PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

fn policy(word: &str) -> Result<PolicyKind, String> {
    let words = || PolicyKind::ALL.map(PolicyKind::word).join(", ");
    PolicyKind::of_word(word).ok_or_else(|| format!("the policies are {}", words()))
}

/// Runs the command.
///
/// # Errors
/// The load cannot be read or run, or a file cannot be written.
pub fn run(args: SimulateArgs) -> Result<(), Failure> {
    let mut load = load(&args)?;
    if let Some(path) = &args.write_arrivals {
        let bytes = pack(&load).map_err(|e| Failure::environment("cannot pack the arrivals", e))?;
        return write(path, &bytes);
    }
    if let Some(span) = &args.workers {
        let sweep = Sweep::parse(span).map_err(refused)?;
        let at = sweep.of(&load).map_err(refused)?;
        let rows = sweep.run(&mut load, at, args.policy).map_err(broken)?;
        write_json(&args, &rows)?;
        return print(&args, &table::of_sweep(&load, &rows));
    }
    let (text, reports) = if args.compare {
        let reports = compare(&mut load).map_err(broken)?;
        (table::of_comparison(&load, &reports), reports)
    } else {
        let report = Report::new(&load, &run_load(&load, args.policy).map_err(broken)?);
        (table::of_run(&load, &report), vec![report])
    };
    match reports.as_slice() {
        [report] => write_json(&args, report)?,
        _ => write_json(&args, &reports)?,
    }
    draw(&args, &load.title, &reports)?;
    print(&args, &text)
}

/// Figures as a person reads them, unless stdout has them as JSON already.
fn print(args: &SimulateArgs, text: &str) -> Result<(), Failure> {
    if is_stdout(args.json.as_deref()) { Ok(()) } else { output::print(text.trim_end()) }
}

fn is_stdout(path: Option<&Path>) -> bool {
    path == Some(Path::new(STDOUT))
}

fn load(args: &SimulateArgs) -> Result<Load, Failure> {
    let text = String::from_utf8(read(&args.load)?);
    let text = text.map_err(|_| Failure::usage(format!("`{}` is no text", args.load.display())))?;
    let mut description = Description::from_toml(&text).map_err(refused)?;
    let run = &mut description.run;
    run.seed = args.seed.unwrap_or(run.seed);
    run.seconds = args.seconds.unwrap_or(run.seconds);
    run.rate_factor = args.rate.unwrap_or(run.rate_factor);
    let file = description.recorded.as_ref().map(|recorded| beside(&args.load, &recorded.file));
    let recorded = file.filter(|_| !args.draw).map(|file| read(&file)).transpose()?;
    Load::new(&base(args.config.as_deref())?, &description, recorded.as_deref()).map_err(refused)
}

fn beside(load: &Path, file: &str) -> PathBuf {
    load.parent().unwrap_or(Path::new("")).join(file)
}

/// The server's settings.
fn base(path: Option<&Path>) -> Result<Base, Failure> {
    let settings = config::load(path).map_err(|e| Failure::usage(e.to_string()))?;
    let tiers = settings.tiers.iter().map(|(name, tier)| {
        let tier = BaseTier {
            rank: tier.rank,
            weight: tier.weight,
            floor_permille: tier.floor_permille,
            express_permille: tier.express_permille,
            running_max: tier.running_max,
            queued_max: tier.queued_max,
        };
        (name.clone(), tier)
    });
    Ok(Base {
        tiers: tiers.collect(),
        queue: BaseQueue {
            cost_ms_max: settings.queue.cost_ms_max,
            cost_ms_default: settings.queue.cost_ms_default,
        },
        leases: BaseLeases { lease_ms: settings.leases.lease_ms },
        retry: BaseRetry {
            attempts_max: settings.retry.attempts_max,
            backoff_ms: settings.retry.backoff_ms,
            backoff_ms_max: settings.retry.backoff_ms_max,
        },
    })
}

fn draw(args: &SimulateArgs, title: &str, reports: &[Report]) -> Result<(), Failure> {
    let failed = |e| Failure::environment("cannot draw the picture", e);
    if let Some(path) = &args.svg {
        write(path, picture::svg(title, reports).map_err(failed)?.as_bytes())?;
    }
    if let Some(path) = &args.png {
        write(path, &picture::png(title, reports).map_err(failed)?)?;
    }
    Ok(())
}

fn write_json(args: &SimulateArgs, value: &impl Serialize) -> Result<(), Failure> {
    let Some(path) = &args.json else { return Ok(()) };
    if is_stdout(Some(path)) {
        return output::json(value);
    }
    let text = serde_json::to_vec_pretty(value).map_err(|e| Failure::environment("cannot write JSON", e))?;
    write(path, &text)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::environment(&format!("cannot read `{}`", path.display()), e))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|e| Failure::environment(&format!("cannot write `{}`", path.display()), e))
}

fn refused(refusal: Refusal) -> Failure {
    Failure::usage(refusal.to_string())
}

fn broken(bug: Bug) -> Failure {
    Failure::Environment(bug.to_string())
}
