//! The life of data: jobs asked for again and cancelled in bulk, found and reconciled; workspaces that end; what age
//! takes away, and what stays.

mod ends;
mod files;
mod jobs;
mod reconciliation;
mod retention;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::fixture::{Api, Server};
use serde_json::Value;

/// Settings of an upkeep that looks often.
const OFTEN: (&str, &str) = ("REEVE__RETENTION__TICK_MS", "50");

/// `reeve` with a server and its admin key.
fn cli(server: &Server, args: &[&str]) -> Output {
    let mut command: Command = server.command(args[0]);
    command.args(&args[1..]).args(["--url", &server.url, "--key", "admin-key-of-the-tests-0123456789abcdef"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Files of outputs and assets.
fn stored(server: &Server) -> usize {
    files(&server.data().join("artifacts")).len()
}

async fn job(api: &Api, id: &str) -> Value {
    api.get(&format!("/v1/jobs/{id}")).await.ok(200)
}
