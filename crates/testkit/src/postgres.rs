//! A throwaway PostgreSQL from installed binaries, on a free loopback port, stopped and removed when dropped.
//!
//! For the tests of the store and for those of the whole server. Nothing is downloaded and no server that runs on the
//! machine already is touched. As root, the server runs as the user `postgres`, since it refuses to run as root.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Forbids skipping where it is `1`.
const REQUIRED: &str = "REEVE_TEST_REQUIRE_POSTGRES";
const HINT: &str = "no PostgreSQL binaries found; install the package postgresql";
/// Questions until a server that starts must have answered; each is a process, so this does not spin.
const READY_LOOKS_MAX: u32 = 3_000;

/// A server with a data folder of its own.
pub struct Cluster {
    /// `None` while it is stopped.
    postmaster: Mutex<Option<Child>>,
    port: u16,
    binaries: PathBuf,
    options: Vec<String>,
    databases: AtomicU32,
    folder: TempDir,
}

impl Cluster {
    /// Starts one, or says that none is installed; `REEVE_TEST_REQUIRE_POSTGRES=1` forbids skipping. Options are
    /// settings of the server, such as `fsync=off`.
    pub fn start(options: &[&str]) -> Option<Self> {
        let Some(binaries) = find_binaries() else {
            let required = std::env::var(REQUIRED).is_ok_and(|value| value == "1");
            assert!(!required, "{HINT}");
            println!("skipped: {HINT}");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder for the data");
        if is_root() {
            run(Command::new("chown").arg("-R").arg("postgres").arg(folder.path()));
        }
        let mut initdb = as_postgres(&binaries.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-U", "postgres", "-A", "trust", "--no-sync"]);
        run(initdb.args(["-E", "UTF8", "--locale=C"]));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let cluster = Self {
            postmaster: Mutex::new(None),
            port,
            binaries,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            databases: AtomicU32::new(0),
            folder,
        };
        cluster.launch();
        Some(cluster)
    }

    /// The URL of a database of it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The name of an empty database.
    pub fn create(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The URL of an empty database.
    pub fn new_database(&self) -> String {
        self.url(&self.create())
    }

    /// Runs SQL as the administrator; the first column of the first row, if there is one.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        psql(&self.binaries, &self.url(database), sql)
    }

    /// Runs a file of SQL as the administrator.
    pub fn load(&self, database: &str, file: &Path) {
        load(&self.binaries, &self.url(database), file);
    }

    /// Stops it as a power cut would (`-m immediate`): what was not committed is gone.
    pub fn crash(&self) {
        if let Some(mut child) = self.child().take() {
            // `setpriv` replaces itself by the server, so the child is the postmaster itself.
            signal(&child, Signal::QUIT);
            let _ = child.wait();
        }
    }

    /// Starts it again after [`Self::crash`], on the same port, and waits until it answers.
    pub fn launch(&self) {
        let mut isready = Command::new(self.binaries.join("pg_isready"));
        isready.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", "5"]).stdout(Stdio::null());
        for _ in 0..READY_LOOKS_MAX {
            let mut child = self.child();
            // Back ends of the server before may live a moment longer than it; until then a new one ends at once.
            let runs = child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
            if !runs {
                *child = Some(self.spawn());
            }
            drop(child);
            if isready.status().expect("pg_isready runs").success() {
                return;
            }
        }
        panic!("the PostgreSQL server did not start");
    }

    fn spawn(&self) -> Child {
        let mut postgres = as_postgres(&self.binaries.join("postgres"));
        postgres.arg("-D").arg(self.folder.path().join("data"));
        postgres.args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-k",
            "",
            "-c",
            "shared_buffers=64MB",
        ]);
        for option in &self.options {
            postgres.args(["-c", option]);
        }
        postgres.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the server starts")
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.postmaster.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// An empty database of a server that somebody else runs, and its removal.
pub struct Guest {
    binaries: PathBuf,
    admin_url: String,
    name: String,
}

impl Guest {
    /// Creates a database on the server at `admin_url`, whose database must be one of an administrator.
    pub fn on(admin_url: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("guest_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let guest = Self { binaries: find_binaries().expect(HINT), admin_url: admin_url.to_owned(), name };
        psql(&guest.binaries, &guest.admin_url, &format!("CREATE DATABASE {}", guest.name));
        guest
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (server, _) = self.admin_url.rsplit_once('/').unwrap_or((&self.admin_url, ""));
        format!("{server}/{}", self.name)
    }
}

impl Guest {
    /// Runs a file of SQL in it.
    pub fn load(&self, file: &Path) {
        load(&self.binaries, &self.url(), file);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        psql(&self.binaries, &self.admin_url, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn psql(binaries: &Path, url: &str, sql: &str) -> String {
    let mut psql = Command::new(binaries.join("psql"));
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
    let output = psql.stdin(Stdio::null()).output().expect("psql runs");
    assert!(output.status.success(), "`{sql}`: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn load(binaries: &Path, url: &str, file: &Path) {
    let mut psql = Command::new(binaries.join("psql"));
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"]).arg(file);
    run(psql.stdin(Stdio::null()));
}

/// Where `initdb`, `postgres` and `psql` are: on the path, or where Debian puts them.
fn find_binaries() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "psql", "pg_isready"].iter().all(|name| folder.join(name).exists())
    };
    on_path.into_iter().chain(debian.into_iter().rev()).find(complete)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
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
    let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().expect("a command runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
