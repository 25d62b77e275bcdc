//! `reeve serve`: the server, until a signal.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use reeve_protocol::At;

use crate::config::{self, Settings};
use crate::exit::Failure;
use crate::server::{Blueprint, ClockPlan, Reread, Secrets, Server, bind, run_in_system};
use crate::{logging, output, signals, sketch, system, telemetry};

/// Slots of each of the two embedded workers.
const SLOTS: u32 = 2;
/// How long embedded workers may finish at shutdown before they hand back, in milliseconds.
const FINISH_MS: u64 = 5_000;
/// Fewer files than this are said to be few when the server starts.
const OPEN_FILES_FEW: u64 = 4_096;

/// Options of `serve`; each wins over the configuration.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Folder of outputs, uploads and the SQLite database [default: ./reeve-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database, such as sqlite:PATH or postgres://USER@HOST/NAME [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Also run the sketch renderer inside this process
    #[arg(long)]
    with_worker: bool,
    /// Settings of your own, over those of config/default.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What tells the time
    #[arg(long, value_enum, default_value_t = ClockKind::System)]
    clock: ClockKind,
    /// Where the manual clock starts, RFC 3339; it never starts before the newest instant that is stored [default: that
    /// instant, or now]
    #[arg(long, value_name = "TIME")]
    start_at: Option<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    /// The system's clock
    System,
    /// One that only `POST /v1/clock` moves, for tests
    Manual,
}

/// Runs the command.
///
/// # Errors
/// Settings or data that cannot be used.
pub fn run(args: ServeArgs) -> Result<(), Failure> {
    let clock = match args.clock {
        ClockKind::Manual => ClockPlan::Manual { start_at: args.start_at.map(At::millis) },
        ClockKind::System if args.start_at.is_some() => {
            return Err(Failure::usage("`--start-at` goes with `--clock manual`"));
        }
        ClockKind::System => ClockPlan::System,
    };
    let with_worker = args.with_worker;
    let settings = settings(&args)?;
    let reread: Reread = Arc::new(move || self::settings(&args).map_err(|failure| failure.to_string()));
    logging::to_stderr(&settings.log)?;
    match system::raise_open_files() {
        Some(files) if files < OPEN_FILES_FEW => tracing::warn!(
            files,
            "few files may be open, and each connection is one; `ulimit -n` or `LimitNOFILE` allows more"
        ),
        files => tracing::debug!(?files, "limit of open files"),
    }
    let secrets = Secrets::from_environment()?;
    let listener = bind(&settings.server.listen)?;
    let workers = if with_worker { sketch::plans(SLOTS, FINISH_MS)? } else { Vec::new() };
    run_in_system(serve(Blueprint { settings, listener, secrets, clock, workers, reread: Some(reread) }))
}

/// The configuration with the command line on top.
fn settings(args: &ServeArgs) -> Result<Settings, Failure> {
    let mut settings = config::load(args.config.as_deref()).map_err(|e| Failure::usage(e.to_string()))?;
    if let Some(listen) = &args.listen {
        settings.server.listen.clone_from(listen);
    }
    if let Some(dir) = &args.data {
        settings.data.dir.clone_from(dir);
    }
    if let Some(url) = &args.database {
        settings.database.url.clone_from(url);
    }
    Ok(settings)
}

async fn serve(blueprint: Blueprint) -> Result<(), Failure> {
    let database = blueprint.settings.database_shown();
    // Before the first request, and ended after the last.
    let telemetry = telemetry::start(&blueprint.settings.telemetry)?;
    let mut heard = std::pin::pin!(signals::first());
    let mut server = tokio::select! {
        server = Server::start(blueprint) => server?,
        heard = &mut heard => {
            heard.map_err(|e| Failure::environment("cannot hear signals", e))?;
            tracing::info!("stopped before it was ready");
            return Ok(());
        }
    };
    tracing::info!(addr = %server.addr(), %database, "ready");
    // Scripts wait for this line, which is the only one on stdout.
    output::print(&format!("listening on {}://{}", server.scheme(), server.addr()))?;
    tokio::select! {
        heard = &mut heard => heard.map_err(|e| Failure::environment("cannot hear signals", e))?,
        broken = server.broken() => return Err(broken),
    }
    tracing::info!("stopping; a second signal ends at once");
    let stopped = server.stop().await;
    if let Some(telemetry) = telemetry {
        telemetry.stop().await;
    }
    stopped?;
    tracing::info!("stopped");
    Ok(())
}
