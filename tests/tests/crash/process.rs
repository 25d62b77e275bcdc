//! A server that may die: where its data is, one life of it after the other, and how each life ended.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};

use crate::fixture::{Api, pause_ms};

const ADMIN_KEY: &str = "admin-key-of-the-crashes-0123456789abcdef";
const WORKER_KEY: &str = "worker-key-of-the-crashes-0123456789abcdef";
/// Leases that outlive a restart, and come back soon when nobody heard of them.
const SETTINGS: [(&str, &str); 9] = [
    ("REEVE__LEASES__LEASE_MS", "10000"),
    ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
    ("REEVE__LEASES__LEASE_ACK_MS", "3000"),
    ("REEVE__RETRY__BACKOFF_MS", "100"),
    ("REEVE__RETENTION__TICK_MS", "100"),
    ("REEVE__LOG__LEVEL", "info,sea_orm_migration=warn,actix_server=warn"),
    // A few clients make small batches, and those are to be ahead of the tables of SQLite too when the server dies.
    ("REEVE__DATABASE__AHEAD_CHANGES_MIN", "1"),
    // Receivers of these tests are on this machine and speak plain http.
    ("REEVE__WEBHOOKS__ALLOW_HTTP", "true"),
    ("REEVE__WEBHOOKS__ALLOW_ADDRESSES", "127.0.0.0/8"),
];

/// Path of `reeve-faulty`, built at the first call beside the featureless `reeve`; `REEVE_TEST_FAULTY_BINARY` names one
/// that is there already.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("REEVE_TEST_FAULTY_BINARY") {
        Some(path) => PathBuf::from(path),
        None => build(),
    })
}

fn build() -> PathBuf {
    // <target>/<profile>/deps/<this test>
    let exe = std::env::current_exe().unwrap();
    let profile_folder = exe.parent().and_then(Path::parent).unwrap();
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!("`{}` is in no profile's folder", exe.display()),
    };
    let built = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(["build", "--quiet", "--package", "reeve-cli", "--features", "faults", "--bin", "reeve-faulty"])
        .args(["--profile", profile, "--target-dir"])
        .arg(profile_folder.parent().unwrap())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .status()
        .unwrap();
    assert!(built.success(), "the binary under test does not build");
    profile_folder.join(format!("reeve-faulty{}", std::env::consts::EXE_SUFFIX))
}

/// Where the data of a server is.
pub struct Place {
    folder: tempfile::TempDir,
    /// The URL of a database elsewhere; SQLite in the data folder without.
    database: Option<String>,
    /// What starts the server in its stead, such as a shell that limits it; the server's words follow.
    pub wrapper: Vec<String>,
}

/// One life of a server.
pub struct Life {
    child: Child,
    pub url: String,
    log: PathBuf,
}

/// A server that ended before it listened.
#[derive(Debug)]
pub struct Refused {
    pub code: Option<i32>,
    pub words: String,
}

impl Place {
    pub fn sqlite() -> Self {
        Self { folder: folder(), database: None, wrapper: Vec::new() }
    }

    pub fn postgres(url: String) -> Self {
        Self { folder: folder(), database: Some(url), wrapper: Vec::new() }
    }

    /// The same data once more, of a server that does not run; without SQLite's shared memory, which is no data.
    pub fn copy(&self) -> Self {
        let copy = Self::sqlite();
        copy_folder(&self.data(), &copy.data());
        copy
    }

    /// SQLite's write-ahead log.
    pub fn wal(&self) -> PathBuf {
        self.data().join("reeve.db-wal")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// SQLite's file.
    pub fn file(&self) -> PathBuf {
        self.data().join("reeve.db")
    }

    /// Where the tables are, for a look from outside.
    pub fn database_url(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}?mode=ro", self.file().display()))
    }

    /// Starts the server with these faults.
    pub fn start(&self, faults: &str) -> Life {
        self.try_start(faults).unwrap_or_else(|refused| panic!("the server does not start: {refused:?}"))
    }

    /// As [`Self::start`], where it may refuse.
    pub fn try_start(&self, faults: &str) -> Result<Life, Refused> {
        let log = self.folder.path().join("log");
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("REEVE_FAULT", faults).stderr(appended(&log)).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        // A server that ends closes it: this always comes back.
        stdout.read_line(&mut line).unwrap();
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Ok(Life { child, url: url.to_owned(), log }),
            None => {
                let _ = child.kill();
                let code = child.wait().unwrap().code();
                Err(Refused { code, words: end_of(&log) })
            }
        }
    }

    /// `reeve verify` on data whose server does not run.
    pub fn verify(&self) -> Output {
        self.command(&["verify"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let serves = words.first() == Some(&"serve");
        let mut all = if serves { self.wrapper.clone() } else { Vec::new() };
        all.push(binary().display().to_string());
        all.extend(words.iter().map(|&word| word.to_owned()));
        if let Some(url) = &self.database {
            all.extend(["--database".to_owned(), url.clone()]);
        }
        if serves || self.database.is_none() {
            all.extend(["--data".to_owned(), self.data().display().to_string()]);
        }
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]).stdin(Stdio::null()).current_dir(self.folder.path());
        command.env("REEVE_ADMIN_KEY", ADMIN_KEY).env("REEVE_WORKER_KEY", WORKER_KEY).envs(SETTINGS);
        command
    }

    /// How often a start found something that was committed ahead of the tables, and brought it in.
    pub fn recoveries(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.matches("what was committed ahead of the tables is in them").count()
    }

    /// The end of what the server wrote.
    pub fn log(&self) -> String {
        end_of(&self.folder.path().join("log"))
    }
}

/// Copies files and folders; what is there already is written over.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn appended(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

fn end_of(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

impl Life {
    pub fn admin(&self) -> Api {
        Api::new(&self.url, ADMIN_KEY)
    }

    pub fn worker_api(&self) -> Api {
        Api::new(&self.url, WORKER_KEY)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end; the test fails when it lives on.
    pub async fn end(&mut self, seconds_max: u64) -> ExitStatus {
        for _ in 0..seconds_max * 100 {
            if let Some(status) = self.ended() {
                return status;
            }
            pause_ms(10).await;
        }
        panic!("the server lives on:\n{}", end_of(&self.log));
    }

    /// SIGKILL from outside.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and an orderly end.
    pub async fn stop(mut self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).unwrap();
        let status = self.end(60).await;
        assert_eq!(status.code(), Some(0), "{}", end_of(&self.log));
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// True for a process that was killed, as a fault kills.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}
