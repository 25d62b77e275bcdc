//! What the command line asks for, and the shape of the load that follows from it.

use std::path::PathBuf;

use reeve_actors::Entropy as _;

use super::pace::{Arrivals, Pace};
use crate::system::SystemEntropy;

/// Jobs of each phase when nothing is said.
const JOBS: u64 = 50_000;
/// Jobs measured at each size of the store when nothing is said: a second or two of work.
const JOBS_OF_STEP: u64 = 5_000;

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
    /// Leases that a worker asks for at once.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub slots: u32,
    /// Workspaces that the jobs are spread over
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub workspaces: u32,
    /// Jobs of each phase [default: 50000; with --scale 5000 at each size].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub jobs: Option<u64>,
    /// Only submit.
    #[arg(long)]
    pub admit_only: bool,
    /// Share of the jobs that go to one workspace, 0 to 1. The started server lets it run all of them at once.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    pub hot_share: f64,
    /// Measure lifecycles once more with one workspace taking them all, and tell the ratio.
    #[arg(long, conflicts_with_all = ["admit_only", "hot_share", "rate", "scale", "bare"])]
    pub compare_hot: bool,
    /// Progress reports per job; one when given without a number.
    #[arg(long, value_name = "REPORTS", default_value_t = 0, num_args = 0..=1, default_missing_value = "1")]
    pub progress: u32,
    /// Clients wait for their job with `GET /v1/jobs/{id}?wait=20` before they submit the next one.
    #[arg(long, conflicts_with_all = ["admit_only", "bare"])]
    pub follow: bool,
    /// Submit this many jobs a second, whatever the server makes of them, to workers that wait for them; latencies
    /// count from the time at which a job was due.
    #[arg(long, value_name = "JOBS_PER_SECOND", value_parser = rate, conflicts_with_all = ["jobs", "scale"])]
    pub rate: Option<f64>,
    /// How long.
    #[arg(long, default_value_t = 10, requires = "rate", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub seconds: u32,
    /// When jobs are due: at equal distances, or by chance as independent callers come.
    #[arg(long, value_enum, default_value_t = Arrivals::Poisson, requires = "rate")]
    pub arrivals: Arrivals,
    /// Measure lifecycles with 1,000, 10,000, ... finished jobs in the store, up to this many.
    #[arg(long, value_name = "JOBS", num_args = 0..=1, default_missing_value = "1000000",
        value_parser = clap::value_parser!(u64).range(1..=100_000_000), conflicts_with = "admit_only")]
    pub scale: Option<u64>,
    /// Begin no further size of the store after this time.
    #[arg(long, default_value_t = 900, requires = "scale", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub scale_seconds: u32,
    /// The other end is the bare handler (`crates/store/examples/bare.rs`): submit only, make and verify nothing.
    #[arg(long, requires = "url", conflicts_with = "scale")]
    pub bare: bool,
    /// Write the figures here as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Leave the started server's folder.
    #[arg(long)]
    pub keep: bool,
}

impl BenchArgs {
    /// One workspace gets so much that its tier's caps would be what is measured.
    pub(super) fn is_hot(&self) -> bool {
        self.hot_share > 0.0 || self.compare_hot || self.workspaces == 1
    }
}

/// How much of what.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Names this run in workspaces and keys, so that it may follow another on the same server.
    pub(super) run: String,
    pub(super) clients: u32,
    pub(super) workers: u32,
    pub(super) slots: u32,
    pub(super) workspaces: u32,
    /// Of each phase.
    pub(super) jobs: u64,
    pub(super) admit_only: bool,
    pub(super) hot_share: f64,
    pub(super) progress: u32,
    pub(super) follow: bool,
    pub(super) mode: Mode,
}

/// What the phases are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// Admit, drain, lifecycles, each as fast as it goes; the last again on one workspace if so wanted.
    Full { compare_hot: bool },
    /// Jobs at their times.
    Paced(Pace),
    /// Lifecycles at growing sizes of the store, up to `jobs_max`.
    Scale { jobs_max: u64, seconds_max: u32 },
}

impl Shape {
    pub(super) fn of(args: &BenchArgs) -> Self {
        let mode = match (args.rate, args.scale) {
            (Some(per_second), _) => {
                Mode::Paced(Pace { per_second, seconds: args.seconds, arrivals: args.arrivals })
            }
            (None, Some(jobs_max)) => Mode::Scale { jobs_max, seconds_max: args.scale_seconds },
            (None, None) => Mode::Full { compare_hot: args.compare_hot },
        };
        let jobs = match mode {
            Mode::Full { .. } => args.jobs.unwrap_or(JOBS),
            Mode::Paced(pace) => pace.jobs(),
            Mode::Scale { .. } => args.jobs.unwrap_or(JOBS_OF_STEP),
        };
        Self {
            run: format!("bench-{:08x}", SystemEntropy.bits() as u32),
            clients: args.clients,
            workers: args.workers,
            slots: args.slots,
            workspaces: args.workspaces,
            jobs,
            admit_only: args.admit_only || args.bare,
            hot_share: args.hot_share,
            progress: args.progress,
            follow: args.follow,
            mode,
        }
    }

    /// Most jobs that all phases may submit: what each workspace has credits for.
    pub(super) const fn jobs_max(&self) -> u64 {
        match self.mode {
            Mode::Full { .. } if self.admit_only => self.jobs,
            Mode::Full { compare_hot } => self.jobs.saturating_mul(if compare_hot { 3 } else { 2 }),
            Mode::Paced(_) => self.jobs,
            // The sizes and what is measured at each; ten times the first is the second, so seven or so of them.
            Mode::Scale { jobs_max, .. } => jobs_max.saturating_add(self.jobs.saturating_mul(16)),
        }
    }

    /// The workspace of the n-th job: the first one for the hot share, evenly spread among the others; the others
    /// in turn.
    pub(super) fn workspace_of(&self, n: u64, hot_share: f64) -> usize {
        let hot_before = (n as f64 * hot_share).floor();
        let hot_after = ((n + 1) as f64 * hot_share).floor();
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

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    let bounds = 0.1..=100_000.0;
    if bounds.contains(&rate) { Ok(rate) } else { Err(format!("`{text}` is not between 0.1 and 100000")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(workspaces: u32) -> Shape {
        Shape {
            run: "r".to_owned(),
            clients: 1,
            workers: 1,
            slots: 1,
            workspaces,
            jobs: 1_000,
            admit_only: false,
            hot_share: 0.0,
            progress: 0,
            follow: false,
            mode: Mode::Full { compare_hot: false },
        }
    }

    #[test]
    fn the_hot_share_goes_to_the_first_workspace_and_the_rest_is_spread() {
        let count = |shape: &Shape, hot_share: f64| {
            let mut jobs = vec![0_u32; shape.workspaces as usize];
            (0..shape.jobs).for_each(|n| jobs[shape.workspace_of(n, hot_share)] += 1);
            jobs
        };
        assert_eq!(count(&shape(4), 0.0), [250; 4]);
        assert_eq!(count(&shape(4), 1.0), [1_000, 0, 0, 0]);
        let half = count(&shape(10), 0.5);
        assert!((500..=600).contains(&half[0]), "{half:?}");
        assert!(half.iter().all(|jobs| *jobs > 0), "{half:?}");
    }

    #[test]
    fn a_share_is_between_nothing_and_everything_and_a_rate_is_positive() {
        assert_eq!(share("0.25"), Ok(0.25));
        for text in ["1.5", "-0.1", "x", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["0", "-1", "x", "inf", "NaN"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
