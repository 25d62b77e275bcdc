//! Finds out which commit is being built and by what, for `reeve --version` and the figures.
//!
//! `REEVE_BUILD_COMMIT` and `REEVE_BUILD_DATE` win: whoever packages from an archive knows them and git does not. Without
//! both and without git the version stands alone; a build never fails for want of them. The date is the commit's and not
//! the build's, so that the same commit gives the same program.

use std::path::Path;
use std::process::Command;

fn main() {
    for name in ["REEVE_BUILD_COMMIT", "REEVE_BUILD_DATE"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    // A debug build is for those who have the tree before them; asking git would build it anew with every commit.
    let asks_git = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if asks_git {
        watch(Path::new("../../.git/logs/HEAD"));
    }
    println!("cargo::rerun-if-changed=build.rs");
    let known = |name: &str, format: &str| {
        let given = std::env::var(name).ok().filter(|given| !given.is_empty());
        given.or_else(|| git(format).filter(|_| asks_git)).unwrap_or_default()
    };
    let commit = known("REEVE_BUILD_COMMIT", "%h");
    let date = known("REEVE_BUILD_DATE", "%cs");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let shown = match (commit.is_empty(), date.is_empty()) {
        (true, true) => version,
        (false, true) => format!("{version} ({commit})"),
        (true, false) => format!("{version} ({date})"),
        (false, false) => format!("{version} ({commit} {date})"),
    };
    println!("cargo::rustc-env=REEVE_VERSION={shown}");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=REEVE_BUILT_BY={target}, {}", compiler());
    println!("cargo::rustc-env=REEVE_COMMIT={commit}");
}

/// Cargo takes a file that is missing for one that always changed.
fn watch(file: &Path) {
    if file.exists() {
        println!("cargo::rerun-if-changed={}", file.display());
    }
}

/// The compiler with its version, without the commit of its own.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).arg("--version").output().ok();
    let line = asked.and_then(|asked| String::from_utf8(asked.stdout).ok()).unwrap_or_default();
    line.split(" (").next().unwrap_or_default().trim().to_owned()
}

/// One line about the commit that is checked out; `None` without git, a repository or a commit.
fn git(format: &str) -> Option<String> {
    let asked = Command::new("git").args(["log", "-1", &format!("--format={format}")]).output().ok()?;
    let line = String::from_utf8(asked.stdout).ok()?.trim().to_owned();
    (asked.status.success() && !line.is_empty()).then_some(line)
}
