//! Care of data: copies made while the server runs, data restored elsewhere, databases of earlier releases, and a long
//! check that says how far it is.

mod backups;
mod upgrades;

use std::path::Path;
use std::process::{Output, Stdio};

use super::fixture::{DATABASE_URL, Server};

/// `reeve` beside a server, with its environment but in no hurry of its own.
fn beside(server: &Server, args: &[&str]) -> Output {
    let mut command = server.command(args[0]);
    command.args(&args[1..]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// The same with another database, or with the one of the folder.
fn with_database(server: &Server, args: &[&str], url: Option<&str>) -> Output {
    let mut command = server.command(args[0]);
    command.args(&args[1..]).stdout(Stdio::piped()).stderr(Stdio::piped());
    match url {
        Some(url) => command.env(DATABASE_URL, url),
        None => command.env_remove(DATABASE_URL),
    };
    command.output().unwrap()
}

/// Stdout of a command that must end with this code.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    if code == 0 { out } else { err }
}

/// A path as an argument.
fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}
