//! A folder in which the commands of a page can be run as they stand there.
//!
//! It looks like the repository after `cargo build --release`, with the program under test in the place of the release
//! one. Two things are replaced in a text: the fixed addresses, since several tests run at once, and `/tmp`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::binary::reeve;
use crate::root;

/// Where the pages' servers listen.
const FIRST: [&str; 2] = ["127.0.0.1:8080", "localhost:8080"];
const SECOND: [&str; 2] = ["127.0.0.1:8090", "localhost:8090"];

/// The folder, and the servers that were started in it; all of it ends with the test.
pub(super) struct Sandbox {
    folder: TempDir,
    /// Whoever stands in for port 8080.
    server: Option<String>,
    /// Whoever stands in for port 8090.
    second: String,
    running: Vec<Child>,
}

impl Sandbox {
    /// A folder with the program, the settings, and stand-ins for `cargo` and `curl`; `None` where a tool is missing.
    pub(super) fn new() -> Option<Self> {
        for tool in ["bash", "curl"] {
            if Command::new(tool).arg("--version").stdout(Stdio::null()).status().is_err() {
                eprintln!("skipped: there is no {tool}");
                return None;
            }
        }
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |path: &str| folder.path().join(path);
        for path in ["target/release", "bin", "home", "tmp"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        symlink(reeve(), at("target/release/reeve")).unwrap();
        symlink(reeve(), at("bin/reeve")).unwrap();
        symlink(root().join("config"), at("config")).unwrap();
        // The tests built the program; `cargo run` is the program itself.
        tool(
            &at("bin/cargo"),
            "case \"$1\" in\n  build) ;;\n  run) while [ \"$1\" != -- ]; do shift; done; shift; exec reeve \"$@\" ;;\n  *) echo \"cargo $1 is not for a page\" >&2; exit 1 ;;\nesac\n",
        );
        // A refusal is an error here: by itself curl takes any answer for a success.
        tool(&at("bin/curl"), "PATH=${PATH#*:} exec curl --fail-with-body \"$@\"\n");
        let second = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Some(Self { folder, server: None, second, running: Vec::new() })
    }

    /// A path in the folder; `/tmp/...` of a page is below `tmp`.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The address of the server, once there is one.
    pub(super) fn address(&self) -> &str {
        self.server.as_deref().unwrap()
    }

    fn text(&self, script: &str) -> String {
        let tmp = format!("{}/", self.path("tmp").display());
        let mut text = script.replace("/tmp/", &tmp);
        for known in SECOND {
            text = text.replace(known, &self.second);
        }
        for known in self.server.iter().flat_map(|_| FIRST) {
            text = text.replace(known, self.address());
        }
        text
    }

    fn bash(&self, script: &str) -> Command {
        let name = self.path("script.sh");
        fs::write(&name, format!("set -eo pipefail\nshopt -s expand_aliases\n{}", self.text(script)))
            .unwrap();
        let mut bash = Command::new("bash");
        bash.arg(name).current_dir(self.folder.path()).stdin(Stdio::null());
        for (variable, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("REEVE"))
        {
            bash.env_remove(variable);
        }
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        bash.env("PATH", path).env("HOME", self.path("home"));
        // A group of its own, so that what a script leaves in the background ends with it.
        bash.process_group(0);
        bash
    }

    /// Runs a block to its end; what it said. Fails the test where a command of it fails.
    pub(super) fn run(&self, script: &str) -> String {
        let said = self.path("said");
        let file = fs::File::create(&said).unwrap();
        let mut bash = self.bash(script);
        let mut running = bash.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let ended = running.wait().unwrap();
        kill_group(&running);
        let said = fs::read_to_string(said).unwrap();
        assert!(ended.success(), "{ended}:\n{script}\n{said}");
        said
    }

    /// Starts a block that ends in a server, and waits until that listens: it stands in for port 8080 from then on.
    pub(super) fn serve(&mut self, script: &str) {
        let mut bash = self.bash(script);
        let log = fs::File::create(self.path("server.log")).unwrap();
        bash.env("REEVE__SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped()).stderr(log);
        let mut server = bash.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.running.push(server);
        let address = line.trim().strip_prefix("listening on http://").unwrap_or_else(|| {
            panic!("no server: {line}{}", fs::read_to_string(self.path("server.log")).unwrap_or_default())
        });
        self.server = Some(address.to_owned());
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for running in &mut self.running {
            kill_group(running);
            let _ = running.wait();
        }
    }
}

fn tool(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn kill_group(leader: &Child) {
    let group = i32::try_from(leader.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // Gone already is as good.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}
