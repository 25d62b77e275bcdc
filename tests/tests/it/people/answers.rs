//! Answers for programs, of commands whose answer is nothing or another form for people.

use std::process::Command;

use serde_json::Value;

use super::{ADMIN_KEY, answer, complaint};
use crate::fixture::{Server, reeve};

/// The one JSON document that a command prints when it is asked for JSON.
#[track_caller]
fn told(server: &Server, args: &[&str]) -> Value {
    let mut command = Command::new(reeve());
    command.args(args).arg("--json").env("REEVE_URL", &server.url).env("REEVE_KEY", ADMIN_KEY);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", complaint(&output));
    answer(&output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_are_told_in_words_or_csv_programs_are_told_in_json() {
    let server = Server::start();
    tokio::task::block_in_place(|| {
        told(&server, &["workspace", "create", "kive", "--id", "acme", "--plan", "pro"]);
        let rows = told(&server, &["statement", "acme", "--kind", "grant"]);
        assert!(
            rows.as_array().is_some_and(|rows| !rows.is_empty() && rows[0]["kind"] == "grant"),
            "{rows:#}"
        );
        let key = told(&server, &["key", "create", "--role", "worker"]);
        let id = key["id"].as_str().unwrap();
        assert_eq!(told(&server, &["key", "revoke", id]), serde_json::json!({"id": id, "revoked": true}));
        let hook = told(&server, &["webhook", "add", "https://hooks.example.com/x"]);
        let id = hook["id"].as_str().or(hook["webhook"]["id"].as_str()).unwrap();
        assert_eq!(told(&server, &["webhook", "remove", id]), serde_json::json!({"id": id, "removed": true}));
        assert_eq!(told(&server, &["health"])["status"], "ok");
    });
}

#[test]
fn a_simulation_gives_its_figures_instead_of_the_table() {
    let load = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/simulations/platform.toml");
    let output =
        Command::new(reeve()).args(["simulate", load, "--seconds", "10", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert_eq!(answer(&output)["policy"], "reeve");
}
