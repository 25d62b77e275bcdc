//! A file of an earlier release is brought up to date with everything in it.

use std::path::Path;

use reeve_migrations::{Migrator, MigratorTrait as _};
use reeve_types::WorkspaceId;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::support::desk::Desk;
use crate::support::{raw, sqlite};

/// Steps of the first release.
const FIRST: u32 = 14;

/// A workspace with closed and waiting jobs, by today's schema.
async fn fill(path: &Path, desk: &mut Desk) -> Vec<WorkspaceId> {
    let store = sqlite(path).await;
    let mut ids = Vec::new();
    for name in ["bolt", "acme"] {
        let id = desk.open(&*store.journal(), name).await;
        desk.whole_job(&*store.journal(), &id).await;
        let (_, command) = desk.submit();
        desk.run(&*store.journal(), &id, command).await;
        ids.push(id);
    }
    store.close().await;
    ids
}

/// The same rows in the tables of the first release.
async fn as_before(path: &Path, old: &Path) {
    let db = raw(old).await;
    Migrator::up(&db, Some(FIRST)).await.unwrap();
    let attach = format!("PRAGMA application_id = {}; ATTACH '{}' AS new", 0x5245_4556, path.display());
    db.execute_unprepared(&attach).await.unwrap();
    // What came later has no place there.
    let tables = "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' \
                  AND name <> 'seaql_migrations'";
    for row in db.query_all_raw(Statement::from_string(DbBackend::Sqlite, tables)).await.unwrap() {
        let table: String = row.try_get_by_index(0).unwrap();
        let columns = format!("SELECT group_concat(name) AS n FROM pragma_table_info('{table}', 'main')");
        let columns = db.query_one_raw(Statement::from_string(DbBackend::Sqlite, columns)).await.unwrap();
        let columns: String = columns.unwrap().try_get("", "n").unwrap();
        let copy = format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}");
        db.execute_unprepared(&copy).await.unwrap();
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_release_keeps_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("new.db"), folder.path().join("old.db"));
    let mut desk = Desk::new();
    let ids = fill(&path, &mut desk).await;
    as_before(&path, &old).await;

    let store = sqlite(&old).await;
    for id in &ids {
        let loaded = store.reader().load(id).await.unwrap().unwrap();
        assert_eq!(loaded.state, desk.slots[id].clone().unwrap().rebuilt());
        desk.whole_job(&*store.journal(), id).await;
    }
    let report = store.verifier().run(|_| ()).await.unwrap();
    assert!(report.is_ok(), "{report:#?}");
    let ledger = report.checks.iter().find(|check| check.name == "L5").unwrap();
    assert!(ledger.checked > 20, "{ledger:?}");
    store.close().await;
}
