//! `reeve bench`: that it runs and tells the truth. How fast it is, no test asserts.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::fixture::{Server, guest_database, reeve};

/// Runs it in a folder of its own with these arguments; what it printed, and its figures.
fn bench(args: &[&str]) -> (Output, Value) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut command = Command::new(reeve());
    command.arg("bench").args(args).args(["--json", "figures.json"]).current_dir(folder.path());
    let database = guest_database();
    command.args(database.iter().flat_map(|database| ["--database".to_owned(), database.url()]));
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["figures.json"], "its folder is gone");
    let figures = figures(&folder.path().join("figures.json"));
    assert_eq!(figures["verified"], true, "{figures:#}");
    assert_eq!(figures["database"], if database.is_some() { "postgres" } else { "sqlite" });
    (output, figures)
}

fn figures(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn assert_positive(figures: &Value, names: &[&str]) {
    for name in names {
        if *name == "bytes_per_job" && figures["database"] == "postgres" {
            continue; // its files are not ours to measure
        }
        let value = figures.pointer(&format!("/{}", name.replace('.', "/"))).and_then(Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "`{name}` in {figures:#}");
    }
}

fn assert_spreads(figures: &Value, names: &[&str]) {
    for name in names {
        let spread = figures.pointer(&format!("/{}", name.replace('.', "/"))).unwrap();
        let ms = |quantile: &str| spread[quantile].as_f64().unwrap();
        assert!(ms("p50") > 0.0 && ms("p50") <= ms("p99") && ms("p99") <= ms("p999"), "{name}: {figures:#}");
    }
}

#[test]
fn a_small_run_ends_with_figures_and_verified_books() {
    let args = ["--jobs", "300", "--clients", "8", "--workspaces", "6", "--hot-share", "0.2", "--progress"];
    let (output, figures) = bench(&args);
    assert_eq!(
        (&figures["jobs"], &figures["clients"], &figures["workspaces"], &figures["jobs_stored"]),
        (&300.into(), &8.into(), &6.into(), &600.into())
    );
    assert_positive(
        &figures,
        &["lifecycles_per_second", "admitted_per_second", "server_peak_rss_bytes", "bytes_per_job"],
    );
    assert_spreads(&figures, &["admit_ms", "lease_ms", "complete_ms", "disk.overwrite_sync_ms"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("eligible to leased") && text.contains("verify                 ok"), "{text}");
}

#[test]
fn costs_of_a_job_are_counted_at_the_server() {
    let (_, figures) = bench(&["--jobs", "200", "--clients", "16", "--workspaces", "8", "--compare-hot"]);
    let of = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap();
    assert_positive(&figures, &["per_job.admit.row_bytes", "per_job.lifecycle.server_cpu_us", "hot.ratio"]);
    // A job is a row of its own, a ledger row and a key, its workspace and lot change, and it is told of.
    assert!(of("/per_job/admit/rows") >= 3.0, "{figures:#}");
    assert!(of("/per_job/lifecycle/rows") > of("/per_job/admit/rows"), "{figures:#}");
    assert!(of("/per_job/admit/commits") < 1.0, "16 clients share commits: {figures:#}");
    assert_eq!(figures["jobs_stored"], 600);
}

#[test]
fn jobs_come_at_their_rate_to_workers_that_wait() {
    let args = ["--rate", "40", "--seconds", "2", "--workers", "1", "--slots", "4", "--workspaces", "3"];
    let (_, figures) = bench(&args);
    assert_eq!((&figures["jobs"], &figures["slots"]), (&80.into(), &4.into()));
    assert_eq!((&figures["paced"]["seconds"], &figures["paced"]["arrivals"]), (&2.into(), &"poisson".into()));
    assert_spreads(
        &figures,
        &["admit_ms", "lease_ms", "complete_ms", "paced.handed_ms", "paced.server_wait_ms", "paced.late_ms"],
    );
    // Open loop: it is not faster than the rate, however fast the server is.
    assert!(figures["admitted_per_second"].as_f64().unwrap() < 80.0, "{figures:#}");
    let at = |name: &str| figures.pointer(name).and_then(Value::as_f64).unwrap();
    assert!(at("/paced/handed_ms/p50") >= at("/lease_ms/p50"), "{figures:#}");
}

#[test]
fn a_growing_store_is_measured_at_each_size() {
    let args = ["--scale", "1200", "--jobs", "60", "--clients", "16", "--workspaces", "10"];
    let (output, figures) = bench(&args);
    let sizes: Vec<u64> = figures["scale"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["jobs_stored"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [1_000, 1_200]);
    assert_positive(&figures["scale"][1], &["lifecycles_per_second", "per_job.statements", "per_job.rows"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("jobs stored before"));
}

#[test]
fn a_running_server_can_be_measured_and_a_wrong_key_is_an_error() {
    let server = Server::start();
    let mut command = server.command("bench");
    command.args(["--url", &server.url, "--key", "admin-key-of-the-tests-0123456789abcdef", "--admit-only"]);
    command.args(["--jobs", "50", "--clients", "4", "--workspaces", "2"]);
    assert_eq!(command.output().unwrap().status.code(), Some(0), "{}", server.log());
    let mut command = server.command("bench");
    command.args(["--url", &server.url, "--key", "wrong", "--jobs", "5"]);
    assert_eq!(command.output().unwrap().status.code(), Some(3), "{}", server.log());
}

#[test]
fn flags_that_contradict_each_other_are_wrong_usage() {
    for args in [
        &["--seconds", "5"][..],
        &["--rate", "0"],
        &["--rate", "5", "--jobs", "5"],
        &["--scale", "10", "--rate", "5"],
        &["--compare-hot", "--hot-share", "0.5"],
        &["--bare"],
    ] {
        let output = Command::new(reeve()).arg("bench").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
