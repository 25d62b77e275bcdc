//! The program as a person meets it: what it says when something is wrong, and what it looks at before.

mod answers;
mod doctor;
mod mistakes;
mod shell;

use std::process::Output;

use serde_json::Value;

const ADMIN_KEY: &str = "admin-key-of-the-tests-0123456789abcdef";

/// What a command wrote to stderr.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON that a command printed.
#[track_caller]
fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", complaint(output)))
}

/// The failure that a command told on its last line of stderr.
#[track_caller]
fn failure(output: &Output) -> Value {
    let text = complaint(output);
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {text}"))
}
