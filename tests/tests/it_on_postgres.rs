//! The whole of `it` once more, on PostgreSQL: each server of it gets a database of its own on one throwaway server.
//!
//! A target of its own, so that it runs after `it` and not beside it. `REEVE_TEST_ON_POSTGRES` names tests to run
//! instead of all of them. What `it` has about PostgreSQL alone brings its own servers and is not run twice.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use reeve_testkit::postgres::Cluster;

#[test]
fn every_end_to_end_test_holds_on_postgresql() {
    let Some(cluster) = Cluster::start(&["fsync=on", "max_connections=200"]) else { return };
    // <target>/<profile>/deps/<this test>: cargo tells a test its profile in no other way.
    let exe = std::env::current_exe().unwrap();
    let profile_folder = exe.parent().and_then(Path::parent).unwrap();
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "test",
        Some(name) => name,
        None => panic!("`{}` is in no profile's folder", exe.display()),
    };
    let mut tests = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    tests.args(["test", "--quiet", "--package", "reeve-tests", "--test", "it", "--profile", profile]);
    tests.arg("--target-dir").arg(profile_folder.parent().unwrap()).args(["--", "--skip", "postgres::"]);
    tests.args(std::env::var("REEVE_TEST_ON_POSTGRES").iter().flat_map(|names| names.split_whitespace()));
    let ended = tests.env("REEVE_TEST_POSTGRES", cluster.url("postgres")).status().unwrap();
    // Before the verdict, so that its files are gone whatever that is.
    drop(cluster);
    assert!(ended.success(), "see the failures above; `{tests:?}`");
}
