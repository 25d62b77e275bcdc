//! The server under measurement: started here on a fresh folder, or running elsewhere.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use reeve_actors::Entropy as _;
use rustix::process::{Pid, Signal, kill_process};

use super::args::{BenchArgs, Shape};
use super::error::BenchError;
use super::process::{Usage, folder_bytes, usage};
use crate::system::{SystemEntropy, pause_ms};

/// Longest time until a started server says that it listens.
const READY_SECONDS_MAX: u64 = 60;
/// Longest time of an orderly stop; then the process is killed.
const STOP_MS_MAX: u64 = 30_000;
const STOP_LOOK_MS: u64 = 50;
/// Jobs that one workspace may run at once where a share of the load goes to a hot one: its tier's own cap would be
/// what is measured.
pub(super) const HOT_RUNNING_MAX: u32 = 100_000;
/// Jobs of one workspace that may wait, as the shipped configuration has it for the tier of the benchmark's plan. A
/// backlog beyond it would be refused for ever, so the started server is told a bound that the run stays below.
const QUEUED_MAX: u64 = 100_000;

/// Where the load goes and what may be learnt about the other end.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: String,
    pub(super) admin_key: String,
    pub(super) worker_key: String,
    /// What its figures call its database.
    pub(super) database: String,
    pid: Option<u32>,
    started: Option<Started>,
}

/// A process of ours with a folder of ours; dropping it kills the one and removes the other.
#[derive(Debug)]
struct Started {
    child: Child,
    folder: PathBuf,
    keep: bool,
}

impl Server {
    /// The server that the arguments ask for.
    pub(super) fn of(args: &BenchArgs, shape: &Shape) -> Result<Self, BenchError> {
        let Some(url) = &args.url else { return start(args, shape) };
        let missing = |what| BenchError::Usage(format!("`--url` needs `{what}`"));
        let admin_key = args.key.clone().ok_or_else(|| missing("--key"))?;
        let worker_key = args.worker_key.clone().unwrap_or_else(|| admin_key.clone());
        let database = args.database.as_deref().map_or("unknown", kind_of).to_owned();
        Ok(Self { url: url.clone(), admin_key, worker_key, database, pid: args.pid, started: None })
    }

    /// What the process has used; `None` when it runs elsewhere.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.pid.and_then(usage)
    }

    /// Where its data is; `None` when it runs elsewhere.
    pub(super) fn data_folder(&self) -> Option<PathBuf> {
        self.started.as_ref().map(|started| data(&started.folder))
    }

    /// Size of its data folder; `None` when it runs elsewhere.
    pub(super) fn data_bytes(&self) -> Option<u64> {
        self.data_folder().map(|folder| folder_bytes(&folder))
    }

    /// Stops a server that was started here, in order, and removes its folder.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        let Some(started) = &mut self.started else { return Ok(()) };
        let pid = i32::try_from(started.child.id()).ok().and_then(Pid::from_raw);
        let told = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let mut waited_ms = 0;
        while told && waited_ms < STOP_MS_MAX {
            if let Some(status) = started.child.try_wait().map_err(BenchError::Process)? {
                if status.success() {
                    return Ok(());
                }
                return Err(BenchError::Stopped(status.to_string()));
            }
            pause_ms(STOP_LOOK_MS).await;
            waited_ms += STOP_LOOK_MS;
        }
        Err(BenchError::Stopped("it did not stop when it was told to, and was killed".to_owned()))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only when there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.keep {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// The scheme of a database's address: all else in it may be secret.
fn kind_of(database: &str) -> &str {
    database.split(':').next().unwrap_or_default()
}

/// Starts this very program as a server on a fresh folder and a free port.
fn start(args: &BenchArgs, shape: &Shape) -> Result<Server, BenchError> {
    let folder = fresh_folder(args.data.as_deref())?;
    let (admin_key, worker_key) = (secret(), secret());
    let program = std::env::current_exe().map_err(BenchError::Process)?;
    let log = File::create(folder.join("server.log")).map_err(BenchError::Process)?;
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data(&folder));
    if let Some(url) = &args.database {
        command.args(["--database", url]);
    }
    if shape.jobs > QUEUED_MAX {
        command.env("REEVE__TIERS__INSTANT__QUEUED_MAX", shape.jobs.to_string());
    }
    if args.is_hot() {
        command.env("REEVE__TIERS__INSTANT__RUNNING_MAX", HOT_RUNNING_MAX.to_string());
    }
    command
        .env("REEVE_ADMIN_KEY", &admin_key)
        .env("REEVE_WORKER_KEY", &worker_key)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log);
    let child = command.spawn().map_err(BenchError::Process)?;
    let mut started = Started { child, folder, keep: args.keep };
    let url = listening(&mut started)?;
    let database = args.database.as_deref().map_or("sqlite", kind_of).to_owned();
    let pid = Some(started.child.id());
    Ok(Server { url, admin_key, worker_key, database, pid, started: Some(started) })
}

/// A folder that was not there before. It lies where the caller works and not where temporary files do: those
/// often live in memory, where a commit costs nothing and measures nothing.
fn fresh_folder(parent: Option<&Path>) -> Result<PathBuf, BenchError> {
    let name = format!("reeve-bench-{:032x}", SystemEntropy.bits());
    let folder = parent.unwrap_or(Path::new(".")).join(name);
    fs::create_dir_all(data(&folder))
        .map_err(|source| BenchError::Folder { folder: folder.clone(), source })?;
    Ok(folder)
}

fn secret() -> String {
    format!("{:032x}", SystemEntropy.bits())
}

/// Waits for the line that tells the address; what the server prints later is read and dropped.
fn listening(started: &mut Started) -> Result<String, BenchError> {
    let log = started.folder.join("server.log");
    let silent = || BenchError::NotReady { log: log.clone() };
    let stdout = started.child.stdout.take().ok_or_else(silent)?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("listening on ") {
                let _ = sender.send(url.trim().to_owned());
            }
        }
    });
    let url = lines.recv_timeout(Duration::from_secs(READY_SECONDS_MAX));
    url.map_err(|_| {
        // The log says why; it must outlive this process.
        started.keep = true;
        silent()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_name_a_database_without_its_password() {
        assert_eq!(kind_of("postgres://user:secret@host/db"), "postgres");
        assert_eq!(kind_of("sqlite::memory:"), "sqlite");
    }
}
