//! `reeve doctor`, on a machine where all is well and on one where it is not.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::{ADMIN_KEY, answer, complaint};
use crate::fixture::{Server, eventually, reeve};

/// A look at a folder where no server runs.
fn look(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(reeve());
    command.arg("doctor").args(args).current_dir(folder).env_remove("REEVE_URL").env_remove("REEVE_KEY");
    if !args.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.output().unwrap()
}

/// The first finding of a check.
#[track_caller]
fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|found| found["check"] == check)
        .unwrap_or_else(|| panic!("no `{check}` in {report:#}"))
}

#[test]
fn a_fresh_folder_is_well_and_nothing_is_made_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = look(folder.path(), &["--data", "data", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let report = answer(&output);
    assert_eq!(report["ok"], true, "{report:#}");
    for check in ["settings", "folder", "database", "clock", "time zones", "catalogs", "certificate", "port"]
    {
        assert_eq!(finding(&report, check)["state"], "good", "{report:#}");
    }
    assert_eq!(finding(&report, "server")["state"], "unasked");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_wrong_is_told_with_the_way_out_and_the_exit_code_of_the_worst() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.toml"), "[server]\nlissten = \"x\"\n[tiers.free]\nweigth = 1\n")
        .unwrap();
    let output = look(folder.path(), &["--config", "r.toml"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for meant in ["did you mean `server.listen`?", "did you mean `tiers.free.weight`?", "✗", "→ "] {
        assert!(text.contains(meant), "no {meant} in\n{text}");
    }
    assert!(complaint(&output).contains("2 problems"), "{}", complaint(&output));

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let output = look(folder.path(), &["--listen", &listen, "--data", "file/data", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report = answer(&output);
    assert_eq!(report["ok"], false);
    assert_eq!([&finding(&report, "port")["state"], &finding(&report, "folder")["state"]], ["bad", "bad"]);
    assert!(finding(&report, "port")["way_out"].as_str().unwrap().contains("--listen"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_runs_is_found_with_its_database_its_lock_and_its_workers() {
    let server = Server::start();
    let listen = server.url.strip_prefix("http://").unwrap().to_owned();
    let look = |args: &[&str]| {
        let mut command = server.command("doctor");
        command.args(["--listen", &listen, "--data"]).arg(server.data()).args(args);
        let output = command.arg("--json").stdout(Stdio::piped()).output().unwrap();
        (answer(&output), output.status.code())
    };
    let (report, code) = look(&["--key", ADMIN_KEY]);
    assert_eq!(code, Some(0), "{report:#}");
    let database = finding(&report, "database")["found"].as_str().unwrap();
    assert!(database.contains("held by"), "{report:#}");
    assert!(server.is_on_postgres() || database.contains(&server.pid().to_string()), "{report:#}");
    assert_eq!(finding(&report, "schema")["state"], "good");
    assert_eq!([&finding(&report, "port")["state"], &finding(&report, "server")["state"]], ["good", "good"]);
    let worker = finding(&report, "worker");
    assert!(worker["state"] == "warning" && worker["way_out"].as_str().unwrap().contains("reeve worker"));
    let (_, code) = look(&["--key", ADMIN_KEY, "--strict"]);
    assert_eq!(code, Some(1), "a warning");
    let (report, _) = look(&[]);
    assert_eq!(finding(&report, "worker")["state"], "unasked", "without a key");

    let _worker = server.worker(1);
    eventually("a worker that was seen", 30, || {
        let (report, _) = look(&["--key", ADMIN_KEY]);
        let found = finding(&report, "worker")["state"] == "good";
        async move { found.then_some(()) }
    })
    .await;
}
