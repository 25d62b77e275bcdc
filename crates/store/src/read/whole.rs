//! A workspace as one statement: what [`super::load`] asks in eight, packed by the database.
//!
//! Whoever comes first to a workspace that nobody used for a while waits for this, and above the bound of memory that is
//! many. Each statement is a way to the thread that has the file, or over a network, and each cell that is copied out
//! by itself costs more than finding its row. One statement is one snapshot, too. Nothing is diagnosed here: what does
//! not parse is read again by `load`, which names the damage.

use std::borrow::Cow;
use std::sync::LazyLock;

use reeve_journal::{JobRecord, KEY_HASHES_MAX, Loaded, key_hash};
use reeve_types::WorkspaceId;
use reeve_workspace::State;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable};

use super::load::{JOBS_PAGE, Live, Uploads, live_of};
use crate::row::cells::Cells;
use crate::row::columns::{Cast, Columns};
use crate::row::job::{Depth, Interned};
use crate::row::packed::{PackedRow, array, list_of, many, one};
use crate::row::{job, lot, member, purchase, upload, workspace};

/// What came of it.
pub(super) enum Whole {
    /// The workspace, or `None` when there is none.
    Read(Option<Box<Loaded>>),
    /// It has more live jobs than are packed at once, or did not parse: the general way finds out.
    Elsewhere,
}

/// The live state of a workspace within one statement.
pub(super) async fn load<C: ConnectionTrait>(db: &C, id: &WorkspaceId) -> Whole {
    let backend = db.get_database_backend();
    let text = if backend == DbBackend::Postgres { &*POSTGRES } else { &*SQLITE };
    let select = Statement::from_sql_and_values(backend, text, [id.as_str().into()]);
    // Whatever failed fails again there, and says why.
    match db.query_one_raw(select).await.ok().flatten().as_ref().and_then(unpack) {
        Some(loaded) => Whole::Read(loaded),
        None => {
            tracing::debug!(workspace.id = %id, "a workspace is read cell by cell");
            #[cfg(test)]
            tests::ELSEWHERE.set(tests::ELSEWHERE.get() + 1);
            Whole::Elsewhere
        }
    }
}

static LIVE: LazyLock<Vec<(&'static str, Cast)>> = LazyLock::new(job::live);
static SQLITE: LazyLock<String> = LazyLock::new(|| text(DbBackend::Sqlite));
static POSTGRES: LazyLock<String> = LazyLock::new(|| text(DbBackend::Postgres));

fn text(backend: DbBackend) -> String {
    let id = if backend == DbBackend::Postgres { "$1" } else { "?1" };
    let all = |cells: &str, from: &str| format!("(SELECT {} FROM {from})", list_of(backend, cells));
    let table = |columns: &Columns, from: &str| all(&array(backend, columns), from);
    let own = |what: &str| format!("(SELECT {what} FROM workspaces WHERE id = {id})");
    // As `load::lots_of` does.
    let movable = "(available <> 0 OR held <> 0 OR payment IS NOT NULL)";
    let running =
        format!("SELECT id FROM jobs WHERE workspace = {id} AND live = 1 AND lease_worker IS NOT NULL");
    let columns = [
        ("workspace", own(&format!("CAST({} AS TEXT)", array(backend, workspace::STATE)))),
        ("jobs_count", own("queued + running")),
        ("lots", table(lot::COLUMNS, &format!("lots WHERE workspace = {id} AND {movable}"))),
        ("purchases", table(purchase::COLUMNS, &format!("purchases WHERE workspace = {id}"))),
        ("members", table(member::COLUMNS, &format!("members WHERE workspace = {id}"))),
        // Asked of the workspace's own row first, so that no large text is made in vain.
        (
            "jobs",
            table(
                &LIVE,
                &format!(
                    "jobs WHERE workspace = {id} AND live = 1 AND {} <= {JOBS_PAGE}",
                    own("queued + running")
                ),
            ),
        ),
        (
            "uploads",
            table(upload::COLUMNS, &format!("uploads WHERE {} > 0 AND job IN ({running})", own("running"))),
        ),
        (
            "keys",
            all(
                "key",
                &format!("(SELECT key FROM answers WHERE workspace = {id} LIMIT {}) k", KEY_HASHES_MAX + 1),
            ),
        ),
    ];
    let columns: Vec<String> = columns.iter().map(|(name, select)| format!("{select} AS {name}")).collect();
    format!("SELECT {}", columns.join(", "))
}

/// `None` when anything is not what it should be.
fn unpack(found: &QueryResult) -> Option<Option<Box<Loaded>>> {
    let Some(own) = cell::<Option<String>>(found, "workspace")? else { return Some(None) };
    if cell::<i64>(found, "jobs_count")? > i64::try_from(JOBS_PAGE).ok()? {
        return None;
    }
    let own = one(&own, workspace::STATE)?;
    let state = workspace::read_state(&Cells::packed(&own, "workspaces")).ok()?;
    let mut lots =
        each(&list(found, "lots")?, lot::COLUMNS, |row| lot::read(&Cells::packed(row, "lots")).ok())?;
    lots.sort_unstable_by_key(|lot| lot.id);
    let purchases = each(&list(found, "purchases")?, purchase::COLUMNS, |row| {
        purchase::read(&Cells::packed(row, "purchases")).ok().map(|row| (row.id, row))
    })?;
    let members = each(&list(found, "members")?, member::COLUMNS, |row| {
        member::read(&Cells::packed(row, "members")).ok()
    })?;
    let state = State {
        lots,
        purchases: purchases.into_iter().collect(),
        members: members.into_iter().collect(),
        jobs: live_jobs(found)?,
        ..state
    };
    let keys = list(found, "keys")?;
    let keys: Vec<Text<'_>> = serde_json::from_str(&keys).ok()?;
    let keys_complete = keys.len() <= KEY_HASHES_MAX as usize;
    let key_hashes = keys.iter().take(KEY_HASHES_MAX as usize).map(|key| key_hash(&key.0)).collect();
    Some(Some(Box::new(Loaded { state: state.rebuilt(), key_hashes, keys_complete })))
}

/// A text that is copied only where it has to be.
#[derive(serde::Deserialize)]
struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

fn live_jobs(found: &QueryResult) -> Option<Live> {
    let mut interned = Interned::default();
    let read = |row: &PackedRow<'_>| {
        let record = job::read(&Cells::packed(row, "jobs"), &mut interned, Depth::Live).ok()?;
        (!record.state.status.is_final()).then_some(record)
    };
    let records: Vec<JobRecord> = each(&list(found, "jobs")?, &LIVE, read)?;
    let stored = each(&list(found, "uploads")?, upload::COLUMNS, |row| {
        let cells = Cells::packed(row, "uploads");
        Some(((cells.parse("job").ok()?, cells.int("attempt").ok()?), upload::read(&cells).ok()?))
    })?;
    let mut uploads = Uploads::new();
    for (attempt, upload) in stored {
        uploads.entry(attempt).or_default().push(upload);
    }
    uploads.values_mut().for_each(|uploads| uploads.sort_unstable_by_key(|upload| upload.index));
    Some(live_of(records, uploads))
}

fn each<T>(text: &str, columns: &Columns, read: impl FnMut(&PackedRow<'_>) -> Option<T>) -> Option<Vec<T>> {
    many(text, columns)?.iter().map(read).collect()
}

fn cell<T: TryGetable>(found: &QueryResult, column: &str) -> Option<T> {
    found.try_get("", column).ok()
}

/// PostgreSQL packs no rows into a null.
fn list(found: &QueryResult, column: &str) -> Option<String> {
    Some(cell::<Option<String>>(found, column)?.unwrap_or_else(|| "[]".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use reeve_journal::conformance::{Subject, run_all};
    use reeve_journal::{Reader as _, StoreError};
    use reeve_testkit::postgres::Cluster;
    use sea_orm::{ConnectionTrait as _, Database, Value};

    use super::*;
    use crate::explain::plans;
    use crate::journal::desk::{Desk, lease};
    use crate::patience::Patience;
    use crate::read::StoreReader;
    use crate::{Store, StoreSettings};

    thread_local! {
        /// Workspaces that this thread had to read cell by cell.
        pub(super) static ELSEWHERE: Cell<u32> = const { Cell::new(0) };
    }

    fn subject(store: Store) -> Subject {
        Subject { journal: store.journal(), reader: store.reader() }
    }

    async fn opened(settings: StoreSettings) -> Store {
        Store::open(settings, Arc::new(|_| {})).await.unwrap()
    }

    #[tokio::test]
    async fn on_sqlite_nothing_that_is_stored_in_order_needs_to_be_read_cell_by_cell() {
        let (folder, count) = (tempfile::tempdir().unwrap(), AtomicU32::new(0));
        run_all(|| {
            let path = folder.path().join(format!("{}.db", count.fetch_add(1, Ordering::Relaxed)));
            async move { subject(opened(StoreSettings::sqlite(path)).await) }
        })
        .await;
        assert_eq!(ELSEWHERE.get(), 0);
    }

    #[tokio::test]
    async fn on_postgresql_nothing_that_is_stored_in_order_needs_to_be_read_cell_by_cell() {
        let Some(cluster) = Cluster::start(&["fsync=off"]) else { return };
        let make = || async { subject(opened(StoreSettings::postgres(cluster.new_database())).await) };
        run_all(make).await;
        assert_eq!(ELSEWHERE.get(), 0);
    }

    #[tokio::test]
    async fn what_does_not_parse_and_what_is_too_much_at_once_is_read_cell_by_cell() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut desk) = (folder.path().join("a.db"), Desk::new());
        let store = opened(StoreSettings::sqlite(&path)).await;
        let id = desk.open(&*store.journal(), "acme").await;
        let (job, command) = desk.submit();
        desk.run(&*store.journal(), &id, command).await;
        desk.run(&*store.journal(), &id, lease(job)).await;
        store.close().await;
        let db = Database::connect(format!("sqlite://{}", path.display())).await.unwrap();
        let reader = StoreReader::new(db.clone(), None, Patience::endless());
        let state = desk.slots[&id].clone().unwrap().rebuilt();
        let read = async |change: &str| {
            db.execute_unprepared(change).await.unwrap();
            let before = ELSEWHERE.get();
            let loaded = reader.load(&id).await.map(|loaded| loaded.unwrap().state);
            (loaded, ELSEWHERE.get() - before)
        };
        assert_eq!(read("SELECT 1").await, (Ok(state.clone()), 0));
        let many = format!("UPDATE workspaces SET queued = {JOBS_PAGE}");
        assert_eq!(read(&many).await, (Ok(state), 1), "{JOBS_PAGE} that wait and one that runs");
        let (loaded, again) = read("UPDATE workspaces SET queued = 0; UPDATE jobs SET hold = 'x'").await;
        assert_eq!(again, 1);
        let named = |error: &StoreError| matches!(error, StoreError::Damaged { column: "hold", id, .. } if *id == job.to_string());
        assert!(loaded.as_ref().is_err_and(named), "{loaded:?}");
        let nobody = "nobody".parse().unwrap();
        assert!(matches!(load(&db, &nobody).await, Whole::Read(None)));
    }

    #[tokio::test]
    async fn everything_is_found_by_an_index() {
        for plan in plans((&SQLITE, &POSTGRES), &[Value::from("acme")]).await {
            let scans = plan.lines().filter(|line| line.contains("SCAN") || line.contains("Seq Scan"));
            // What is packed comes from a few rows, not from a table.
            let scans: Vec<&str> = scans
                .filter(|line| !line.contains("SCAN CONSTANT ROW") && !line.contains("SCAN k"))
                .collect();
            assert!(scans.is_empty(), "{plan}");
        }
    }
}
