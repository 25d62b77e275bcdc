//! Makes a backup.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reeve_protocol::At;
use reeve_store::backup::{BackupError, CopyPlan, CopyProgress, Head, copy as copy_database};
use reeve_store::{Database, StoreSettings};
use reeve_types::Clock as _;
use serde::Serialize;

use super::files::{FilesMode, Met, Sum, copy, free_bytes, of_file, sum_of, walk};
use super::manifest::{DatabaseKind, DatabasePart, FORMAT, FilesPart, LedgerPart, Manifest};
use super::part::{Part, above};
use super::sums::{SumsWriter, is_plain};
use super::{ARTIFACTS, CONFIG, DATA, HEADS, LINK_KEY, STAGING};
use crate::config::Settings;
use crate::exit::Failure;
use crate::progress::{Progress, Unit};
use crate::system::{self, SystemClock};

/// Between two looks at how far a copy is, in milliseconds.
const LOOK_MS: u64 = 200;

/// What to back up, and how.
pub struct Make {
    pub settings: Settings,
    /// The server's own file of settings.
    pub config: Option<PathBuf>,
    /// The folder to make.
    pub folder: PathBuf,
    pub files: FilesMode,
    /// Bytes by which the log of a SQLite database may grow; without it, half of what is free on its disk.
    pub log_bytes_max: Option<u64>,
    /// Lines about how far it is, where stderr is no terminal.
    pub progress: bool,
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Made {
    pub folder: String,
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Bytes by which the log grew meanwhile.
    pub log_grown_bytes: u64,
    /// Files that were taken away between being seen and being copied.
    pub vanished: u64,
    /// Files whose bytes are not those that their names say; they are in the backup as they are.
    pub damaged: Vec<String>,
}

/// Makes the backup.
///
/// # Errors
/// The folder is not empty, or something cannot be read or written; nothing of the backup is left then.
pub fn make(plan: &Make) -> Result<Made, Failure> {
    let store = plan.settings.store().map_err(|e| Failure::usage(e.to_string()))?;
    is_outside(plan)?;
    let made_at = At(SystemClock.now()).to_string();
    let part = Part::begin(&plan.folder)?;
    has_room(&store, part.path())?;
    let (database, ledger, log_grown_bytes) = database(plan, &store, part.path())?;
    let mut files = Files::new(plan, part.path())?;
    files.known(database.kind.file(), &Sum { bytes: database.bytes, sha256: database.sha256.clone() })?;
    let heads = files.sum(HEADS)?;
    let ledger = LedgerPart { heads_sha256: heads.sha256, ..ledger };
    files.data()?;
    files.config()?;
    let Files { sums, vanished, damaged, .. } = files;
    let totals = sums.finish()?;
    let manifest = Manifest {
        format: FORMAT,
        version: env!("REEVE_VERSION").to_owned(),
        made_at,
        database,
        ledger,
        files: FilesPart {
            outputs: plan.files,
            count: totals.count,
            bytes: totals.bytes,
            sums_sha256: totals.sha256,
        },
    };
    manifest.write(part.path())?;
    part.finish()?;
    let folder = plan.folder.display().to_string();
    Ok(Made { folder, manifest, log_grown_bytes, vanished, damaged })
}

/// A backup inside the folder of outputs would copy itself, and the upkeep would sweep it.
fn is_outside(plan: &Make) -> Result<(), Failure> {
    let artifacts = plan.settings.data_dir().join(ARTIFACTS);
    let (Ok(artifacts), Some(folder)) = (
        artifacts.canonicalize(),
        plan.folder.ancestors().chain([Path::new(".")]).find_map(|folder| folder.canonicalize().ok()),
    ) else {
        return Ok(());
    };
    if folder.starts_with(&artifacts) {
        return Err(Failure::usage(format!(
            "`{}` is inside the folder of outputs; name one elsewhere",
            plan.folder.display()
        )));
    }
    Ok(())
}

/// Refused at once instead of after an hour.
fn has_room(store: &StoreSettings, folder: &Path) -> Result<(), Failure> {
    let Database::Sqlite(path) = &store.database else { return Ok(()) };
    let wanted = path.metadata().map_or(0, |metadata| metadata.len());
    match free_bytes(folder) {
        Some(free) if free < wanted => Err(Failure::environment(
            &format!("there is no room for the backup in `{}`", above(folder).display()),
            format!("the database has {wanted} bytes, {free} are free"),
        )),
        _ => Ok(()),
    }
}

/// Copies the database and writes down where its ledgers end.
fn database(
    plan: &Make,
    store: &StoreSettings,
    folder: &Path,
) -> Result<(DatabasePart, LedgerPart, u64), Failure> {
    let (kind, near) = match &store.database {
        Database::Sqlite(path) => (DatabaseKind::Sqlite, above(path)),
        Database::Postgres(_) => (DatabaseKind::Postgres, folder),
    };
    let half_of_free = || free_bytes(near).map_or(u64::MAX, |free| free / 2);
    let progress = Arc::new(CopyProgress::default());
    let copying = CopyPlan {
        log_bytes_max: plan.log_bytes_max.unwrap_or_else(half_of_free),
        progress: progress.clone(),
    };
    let target = folder.join(kind.file());
    let mut heads = Heads::create(&folder.join(HEADS))?;
    let mut shown = Progress::of("database", Unit::Bytes, plan.progress);
    let copied = system::block_on(async {
        let mut take = |head: Head| heads.take(&head);
        let copied = copy_database(store, (&target, &copying), &mut take);
        tokio::select! {
            copied = copied => copied,
            never = show(&progress, &mut shown) => match never {},
        }
    });
    shown.end();
    let steps = copied
        .map_err(|e| Failure::environment("cannot start threads", e))?
        .map_err(|e| failure("no backup was made", e))?;
    let ledger = heads.finish()?;
    let sum = sum_of(&target).map_err(|e| Failure::environment("cannot read the copy", e))?;
    let schema = steps.last().cloned().unwrap_or_default();
    let steps = steps.len() as u64;
    Ok((
        DatabasePart { kind, bytes: sum.bytes, sha256: sum.sha256, schema, steps },
        ledger,
        progress.log_bytes(),
    ))
}

async fn show(progress: &CopyProgress, shown: &mut Progress) -> Infallible {
    loop {
        system::pause_ms(LOOK_MS).await;
        shown.at(progress.done_bytes(), progress.of_bytes());
    }
}

/// What the store's errors are for whoever runs the command.
pub(super) fn failure(what: &str, error: BackupError) -> Failure {
    match error {
        BackupError::NotEmpty { .. } => Failure::usage(error.to_string()),
        error => Failure::environment(what, error),
    }
}

/// The file of heads: `workspace,rows,hash`.
pub(super) struct Heads {
    out: BufWriter<Box<dyn io::Write + Send>>,
    /// The first thing that went wrong; a sink cannot say so at once.
    failed: Option<io::Error>,
    ledger: LedgerPart,
}

impl Heads {
    fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::options().write(true).create_new(true).open(path);
        let file = file.map_err(|e| Failure::environment("cannot write the heads of the ledgers", e))?;
        Ok(Self::over(Box::new(file)))
    }

    /// Heads into whatever takes bytes.
    pub(super) fn over(out: Box<dyn io::Write + Send>) -> Self {
        let ledger = LedgerPart { workspaces: 0, rows: 0, heads_sha256: String::new() };
        Self { out: BufWriter::new(out), failed: None, ledger }
    }

    pub(super) fn take(&mut self, head: &Head) {
        self.ledger.workspaces += 1;
        self.ledger.rows = self.ledger.rows.saturating_add(head.rows);
        let written = writeln!(self.out, "{},{},{}", head.workspace, head.rows, head.hash);
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }

    /// What they add up to, without the digest.
    pub(super) fn finish(mut self) -> Result<LedgerPart, Failure> {
        let flushed = self.out.flush();
        match self.failed.map_or(flushed, Err) {
            Ok(()) => Ok(self.ledger),
            Err(error) => Err(Failure::environment("cannot write the heads of the ledgers", error)),
        }
    }
}

/// Everything beside the database.
struct Files<'a> {
    plan: &'a Make,
    folder: &'a Path,
    sums: SumsWriter,
    vanished: u64,
    damaged: Vec<String>,
}

impl<'a> Files<'a> {
    fn new(plan: &'a Make, folder: &'a Path) -> Result<Self, Failure> {
        let sums = SumsWriter::create(folder)?;
        Ok(Self { plan, folder, sums, vanished: 0, damaged: Vec::new() })
    }

    /// A file that is in its place and was read already.
    fn known(&mut self, path: &str, sum: &Sum) -> Result<(), Failure> {
        self.sums.add(path, sum).map_err(|e| Failure::environment("cannot write the sums", e))
    }

    /// A file that is in its place.
    fn sum(&mut self, path: &str) -> Result<Sum, Failure> {
        let sum = sum_of(&self.folder.join(path));
        let sum = sum.map_err(|e| Failure::environment(&format!("cannot read {path}"), e))?;
        self.known(path, &sum)?;
        Ok(sum)
    }

    /// The key of links, then outputs and inputs.
    fn data(&mut self) -> Result<(), Failure> {
        let dir = self.plan.settings.data_dir().to_owned();
        let failed = |e| Failure::environment("cannot copy the outputs", e);
        fs::create_dir(self.folder.join(DATA)).map_err(failed)?;
        let key = dir.join(LINK_KEY);
        if key.exists() {
            self.put(&key, &format!("{DATA}/{LINK_KEY}"), false).map_err(failed)?;
        }
        if self.plan.files == FilesMode::Skip {
            return Ok(());
        }
        let mut shown = Progress::of("outputs", Unit::Bytes, self.plan.progress);
        let (mut bytes, link) = (0, self.plan.files == FilesMode::Link);
        let root = dir.join(ARTIFACTS);
        let walked = walk(&root, Path::new(""), &mut |met| {
            let path = match met {
                Met::File(path) if !path.starts_with(STAGING) => path,
                Met::File(_) => return Ok(()),
                Met::Other(path) => {
                    eprintln!("warning: `{}` is no plain file and is left out", root.join(path).display());
                    return Ok(());
                }
            };
            let Some(name) = path.to_str().filter(|name| is_plain(name)) else {
                eprintln!("warning: `{}` is none of ours by its name and is left out", path.display());
                return Ok(());
            };
            let to = format!("{DATA}/{ARTIFACTS}/{name}");
            match self.put(&root.join(path), &to, link) {
                Ok(sum) => {
                    bytes += sum.bytes;
                    self.judge(path, &sum);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.vanished += 1,
                Err(error) => return Err(of_file(path, &error)),
            }
            shown.at(bytes, 0);
            Ok(())
        });
        shown.end();
        walked.map_err(failed)
    }

    /// The name of an output or input ends with the digest of its bytes.
    fn judge(&mut self, path: &Path, sum: &Sum) {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let digest = name.rsplit_once('-').map(|(_, digest)| digest);
        let is_other = |digest: &str| digest.len() == sum.sha256.len() && digest != sum.sha256;
        if digest.is_some_and(is_other) {
            self.damaged.push(path.display().to_string());
        }
    }

    /// Settings and catalogs of the server's own.
    fn config(&mut self) -> Result<(), Failure> {
        let failed = |e| Failure::environment("cannot copy the settings", e);
        if let Some(config) = self.plan.config.clone() {
            self.put(&config, &format!("{CONFIG}/reeve.toml"), false).map_err(failed)?;
        }
        let catalogs = self.plan.settings.catalogs.dir.clone();
        if catalogs.is_empty() {
            return Ok(());
        }
        let root = PathBuf::from(catalogs);
        let walked = walk(&root, Path::new(""), &mut |met| {
            let Met::File(path) = met else { return Ok(()) };
            match path.to_str().filter(|name| is_plain(name) && name.ends_with(".toml")) {
                Some(name) => {
                    self.put(&root.join(path), &format!("{CONFIG}/catalogs/{name}"), false).map(drop)
                }
                None => Ok(()),
            }
        });
        walked.map_err(failed)
    }

    /// Brings a file into the backup.
    fn put(&mut self, from: &Path, to: &str, link: bool) -> io::Result<Sum> {
        let target = self.folder.join(to);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let sum = if link {
            fs::hard_link(from, &target).map_err(|error| match error.kind() {
                io::ErrorKind::CrossesDevices => {
                    io::Error::other("the backup is on another file system: files can only be copied")
                }
                _ => error,
            })?;
            sum_of(&target)?
        } else {
            copy(from, &target).inspect_err(|_| drop(fs::remove_file(&target)))?
        };
        self.sums.add(to, &sum)?;
        Ok(sum)
    }
}
