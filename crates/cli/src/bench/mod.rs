//! `reeve bench`: admits and whole lifecycles per second over HTTP, ending in `verify`.
//!
//! A lifecycle is one single-job `POST` with a key and a fresh idempotency key on a workspace with three
//! live lots, a lease, and a completion with one output given by url. Nothing of the server is switched off.
//! First clients submit alone (durable admits), then workers drain that backlog, then both run at once.

mod clock;
mod figures;
mod http;
mod load;
mod process;
mod server;
mod setup;
mod verify;
mod worker;

use std::path::PathBuf;

use figures::Figures;
use http::{HttpError, Target};
use load::{Load, Outcome, Phase};
use process::Usage;
use reeve_actors::Entropy as _;
use server::Server;

use crate::exit::Failure;
use crate::output::print;
use crate::system::SystemEntropy;

/// What is measured, and against which server.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// Address of a running server; without it one is started on a fresh folder.
    #[arg(long, requires = "key")]
    pub url: Option<String>,
    /// Admin key of that server.
    #[arg(long, requires = "url", env = "REEVE_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Worker key of that server; the admin key when absent.
    #[arg(long, requires = "url")]
    pub worker_key: Option<String>,
    /// Process id of that server, when it runs on this machine: for its processor time and memory.
    #[arg(long, requires = "url")]
    pub pid: Option<u32>,
    /// Folder in which the started server gets its own; the working directory when absent.
    #[arg(long, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// Database of the started server; SQLite in its folder when absent.
    #[arg(long)]
    pub database: Option<String>,
    /// Connections that submit.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub clients: u32,
    /// Connections that lease and complete.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub workers: u32,
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub workspaces: u32,
    /// Jobs of each phase.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub jobs: u64,
    /// Only submit.
    #[arg(long)]
    pub admit_only: bool,
    /// Share of the jobs that go to one workspace, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub hot_share: f64,
    /// Progress reports per job; one when given without a number.
    #[arg(long, value_name = "REPORTS", default_value_t = 0, num_args = 0..=1, default_missing_value = "1")]
    pub progress: u32,
    /// Write the figures here as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Leave the started server's folder.
    #[arg(long)]
    pub keep: bool,
}

/// Why a run came to no figures.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the server refused with status {status}: {body}")]
    Refused { status: u16, body: String },
    #[error("the server's answer is not what was asked for: {0}")]
    Answer(String),
    #[error("nothing moves any more: {0}")]
    Stalled(String),
    #[error("the server cannot be started or watched: {0}")]
    Process(#[source] std::io::Error),
    #[error("the started server does not listen; `{log}` may tell why", log = log.display())]
    NotReady { log: PathBuf },
    #[error("the started server did not end well: {0}")]
    Stopped(String),
    #[error("`{folder}` cannot be made: {source}", folder = folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("`{file}` cannot be written: {source}", file = file.display())]
    Json { file: PathBuf, source: std::io::Error },
    #[error("a bug of the benchmark: {0}")]
    Bug(String),
}

impl BenchError {
    /// Longest part of an answer that is shown, in characters.
    const BODY_CHARS_MAX: usize = 500;
    const NO_WORKSPACE: Self = Self::Bug(String::new());

    fn refused(status: u16, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body).chars().take(Self::BODY_CHARS_MAX).collect();
        Self::Refused { status, body }
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Usage(what) => Self::usage(what),
            other => Self::environment("the benchmark came to no figures", other),
        }
    }
}

/// How much of what.
#[derive(Clone, Debug)]
struct Shape {
    /// Names this run in workspaces and keys, so that it may follow another on the same server.
    run: String,
    clients: u32,
    workers: u32,
    workspaces: u32,
    jobs: u64,
    admit_only: bool,
    hot_share: f64,
    progress: u32,
}

impl Shape {
    fn of(args: &BenchArgs) -> Self {
        Self {
            run: format!("bench-{:08x}", SystemEntropy.bits() as u32),
            clients: args.clients,
            workers: args.workers,
            workspaces: args.workspaces,
            jobs: args.jobs,
            admit_only: args.admit_only,
            hot_share: args.hot_share,
            progress: args.progress,
        }
    }

    /// Jobs of all phases.
    const fn jobs_total(&self) -> u64 {
        self.jobs.saturating_mul(if self.admit_only { 1 } else { 2 })
    }

    /// The workspace of the n-th job: the first one for the hot share, evenly spread among the others; the others
    /// in turn.
    fn workspace_of(&self, n: u64) -> usize {
        let hot_before = (n as f64 * self.hot_share).floor();
        let hot_after = ((n + 1) as f64 * self.hot_share).floor();
        if hot_after > hot_before {
            return 0;
        }
        let cold = n.saturating_sub(hot_before as u64);
        usize::try_from(cold % u64::from(self.workspaces)).unwrap_or(0)
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(format!("`{text}` is not between 0 and 1")) }
}

/// Runs the benchmark and prints its figures.
///
/// # Errors
/// When the server cannot be started or reached, refuses, or stalls; when its books do not hold at the end.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let figures = runtime.map_err(BenchError::Process)?.block_on(measure(args))?;
    figures.lines().iter().try_for_each(|line| print(line))?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&figures).map_err(|e| BenchError::Bug(e.to_string()))?;
        let wrong = |source| BenchError::Json { file: file.clone(), source };
        std::fs::write(file, format!("{text}\n")).map_err(wrong)?;
    }
    if figures.verified { Ok(()) } else { Err(Failure::no("the books of the server do not hold")) }
}

async fn measure(args: &BenchArgs) -> Result<Figures, BenchError> {
    let shape = Shape::of(args);
    let server = Server::of(args)?;
    let target = Target::of(&server.url).await?;
    let workspaces = setup::workspaces(&server, &target, &shape).await?;
    eprintln!("{} workspaces with 3 lots each on {}", shape.workspaces, server.url);
    let hot = workspaces.first().filter(|_| shape.hot_share > 0.0 && !server.cap_is_high);
    if let Some(hot) = hot
        && !setup::raise_cap(&server, &target, hot).await?
    {
        eprintln!("the hot workspace keeps its tier's cap: this server cannot raise it");
    }
    let bytes_before = server.data_bytes();
    let load = Load::new(&server, &target, &shape, &workspaces);
    let mut figures = load_and_count(&load, &server).await?;
    let grown = server.data_bytes().zip(bytes_before).map(|(after, before)| after.saturating_sub(before));
    figures.bytes_per_job = grown.map(|bytes| bytes as f64 / shape.jobs_total() as f64);
    // Before the verification: what that needs is not what serving needs.
    figures.server_peak_rss_bytes = server.usage().map(|usage| usage.rss_peak_bytes);
    figures.verified = verify::verify(&server, &target).await?;
    figures.verify_peak_rss_bytes = server.usage().map(|usage| usage.rss_peak_bytes);
    server.stop().await?;
    Ok(figures)
}

/// The phases, one after the other.
async fn load_and_count(load: &Load<'_>, server: &Server) -> Result<Figures, BenchError> {
    let shape = load.shape;
    let rate = |outcome: &Outcome| shape.jobs as f64 / outcome.seconds.max(1e-9);
    let alone = load.run(Phase::Admit).await?;
    let mut figures = Figures {
        admitted_per_second: rate(&alone),
        admit_ms: alone.admit.spread(),
        admit_alone_ms: alone.admit.spread(),
        jobs: shape.jobs,
        jobs_stored: shape.jobs_total(),
        workspaces: shape.workspaces,
        clients: shape.clients,
        workers: shape.workers,
        hot_share: shape.hot_share,
        progress_reports_per_job: shape.progress,
        put_off: alone.put_off,
        database: server.database.clone(),
        ..Figures::default()
    };
    eprintln!("admitted {} jobs in {:.2} s", shape.jobs, alone.seconds);
    if shape.admit_only {
        return Ok(figures);
    }
    let drained = load.run(Phase::Drain).await?;
    eprintln!("drained them in {:.2} s", drained.seconds);
    let (server_before, own_before) = (server.usage(), process::usage(std::process::id()));
    let whole = load.run(Phase::Lifecycle).await?;
    eprintln!("{} lifecycles in {:.2} s", shape.jobs, whole.seconds);
    let cpu = |before: Option<Usage>, after: Option<Usage>| {
        Some(after?.cpu_ms.saturating_sub(before?.cpu_ms) as f64 / 1_000.0)
    };
    figures.server_cpu_seconds = cpu(server_before, server.usage());
    figures.generator_cpu_seconds = cpu(own_before, process::usage(std::process::id()));
    figures.server_cpu_us_per_lifecycle = figures.server_cpu_seconds.map(|s| s * 1e6 / shape.jobs as f64);
    figures.drained_per_second = Some(rate(&drained));
    figures.lifecycles_per_second = Some(rate(&whole));
    figures.admit_ms = whole.admit.spread();
    figures.lease_ms = whole.lease.spread();
    figures.complete_ms = whole.complete.spread();
    figures.put_off += drained.put_off + whole.put_off;
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(workspaces: u32, hot_share: f64) -> Shape {
        let run = "r".to_owned();
        Shape {
            run,
            clients: 1,
            workers: 1,
            workspaces,
            jobs: 1_000,
            admit_only: false,
            hot_share,
            progress: 0,
        }
    }

    #[test]
    fn the_hot_share_goes_to_the_first_workspace_and_the_rest_is_spread() {
        let count = |shape: &Shape| {
            let mut jobs = vec![0_u32; shape.workspaces as usize];
            (0..shape.jobs).for_each(|n| jobs[shape.workspace_of(n)] += 1);
            jobs
        };
        assert_eq!(count(&shape(4, 0.0)), [250; 4]);
        assert_eq!(count(&shape(4, 1.0)), [1_000, 0, 0, 0]);
        let half = count(&shape(10, 0.5));
        assert!((500..=600).contains(&half[0]), "{half:?}");
        assert!(half.iter().all(|jobs| *jobs > 0), "{half:?}");
    }

    #[test]
    fn a_share_is_between_nothing_and_everything() {
        assert_eq!(share("0.25"), Ok(0.25));
        for text in ["1.5", "-0.1", "x", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
