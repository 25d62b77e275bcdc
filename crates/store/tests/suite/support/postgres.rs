//! A throwaway PostgreSQL from installed binaries, on a free loopback port, stopped when dropped.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use reeve_store::{Store, StoreSettings};
use tempfile::TempDir;

/// A running server.
pub struct Server {
    postmaster: Child,
    port: u16,
    binaries: PathBuf,
    databases: AtomicU32,
    _folder: TempDir,
}

const HINT: &str = "no PostgreSQL binaries found; install the package postgresql";

impl Server {
    /// Starts one, or says that none is installed; `REEVE_TEST_REQUIRE_POSTGRES=1` forbids skipping.
    pub fn start() -> Option<Self> {
        let Some(binaries) = find_binaries() else {
            let required = std::env::var("REEVE_TEST_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
            assert!(!required, "{HINT}");
            println!("skipped: {HINT}");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            // The server refuses to run as root.
            run(Command::new("chown").arg("-R").arg("postgres").arg(folder.path()));
        }
        let mut initdb = as_postgres(&binaries.join("initdb"));
        run(initdb.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ]));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let postmaster = as_postgres(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
            .args(["-c", "fsync=off"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { postmaster, port, binaries, databases: AtomicU32::new(0), _folder: folder };
        server.wait_until_ready();
        Some(server)
    }

    /// A store in an empty database of its own.
    pub async fn store(&self) -> Store {
        let url = self.new_database();
        Store::open(StoreSettings::postgres(url), super::no_fatal()).await.unwrap()
    }

    /// The URL of an empty database.
    pub fn new_database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Runs SQL as the administrator.
    pub fn sql(&self, database: &str, sql: &str) {
        run(self.psql(database).args(["-c", sql]));
    }

    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            "postgres",
            "-X",
            "-q",
            "-d",
            database,
        ]);
        psql.args(["-v", "ON_ERROR_STOP=1"]).stdout(Stdio::null());
        psql
    }

    /// Asks until the server answers; each question is a process, so this does not spin.
    fn wait_until_ready(&self) {
        let mut isready = Command::new(self.binaries.join("pg_isready"));
        isready.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", "5"]).stdout(Stdio::null());
        for _ in 0..2_000 {
            if isready.status().unwrap().success() {
                return;
            }
        }
        panic!("the PostgreSQL server did not start");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `setpriv` replaces itself by the server, so the child is the postmaster itself.
        let _ = Command::new("kill").args(["-QUIT", &self.postmaster.id().to_string()]).status();
        let _ = self.postmaster.wait();
    }
}

fn find_binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let complete =
        |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    on_path.chain(debian.into_iter().rev()).find(complete)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn as_postgres(binary: &Path) -> Command {
    if !is_root() {
        return Command::new(binary);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(binary);
    command.current_dir("/");
    command
}

fn run(command: &mut Command) {
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
