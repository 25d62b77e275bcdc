//! `reeve bench`: that it runs and tells the truth. How fast it is, no test asserts.

use std::process::Stdio;

use crate::fixture::{Server, reeve};

#[test]
fn a_small_run_ends_with_figures_and_verified_books() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("figures.json");
    let mut command = std::process::Command::new(reeve());
    command.args(["bench", "--jobs", "300", "--clients", "8", "--workspaces", "6", "--hot-share", "0.2"]);
    command.args(["--progress", "--json"]).arg(&file).current_dir(folder.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(figures["verified"], true, "{figures:#}");
    assert_eq!(
        (&figures["jobs"], &figures["clients"], &figures["workspaces"]),
        (&300.into(), &8.into(), &6.into())
    );
    assert_eq!(figures["database"], "sqlite");
    for name in ["lifecycles_per_second", "admitted_per_second", "server_peak_rss_bytes", "bytes_per_job"] {
        assert!(figures[name].as_f64().unwrap_or(0.0) > 0.0, "`{name}` in {figures:#}");
    }
    for name in ["admit_ms", "lease_ms", "complete_ms"] {
        let ms = |quantile: &str| figures[name][quantile].as_f64().unwrap();
        assert!(ms("p50") > 0.0 && ms("p50") <= ms("p99") && ms("p99") <= ms("p999"), "{figures:#}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["figures.json"], "its folder is gone");
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
