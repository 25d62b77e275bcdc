//! Databases of the first release, stored as it wrote them, are brought up to date with everything in them.
//!
//! `tests/fixtures/README.md` says what is in them and how they were made. They are never made anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use reeve_store::backup::{Head, heads};
use reeve_store::steps::standing;
use reeve_store::{OpenError, Store, StoreSettings};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::support::{no_fatal, postgres, raw, sqlite};

/// Steps of the first release.
const FIRST: usize = 14;
/// Tables of the first release whose every row must stay.
const TABLES: [&str; 13] = [
    "workspaces",
    "lots",
    "jobs",
    "uploads",
    "ledger",
    "outbox",
    "claims",
    "answers",
    "purchases",
    "keys",
    "members",
    "catalogs",
    "promotions",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

/// The stored SQLite file, in a folder.
fn unpack(folder: &Path) -> PathBuf {
    let packed = fs::File::open(fixtures().join("first-release.db.gz")).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    let path = folder.join("reeve.db");
    fs::write(&path, bytes).unwrap();
    path
}

/// Rows of each table.
async fn counts(db: &DatabaseConnection, backend: DbBackend) -> BTreeMap<&'static str, i64> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        let select = format!("SELECT count(*) AS n FROM {table}");
        let row = db.query_one_raw(Statement::from_string(backend, select)).await.unwrap().unwrap();
        counts.insert(table, row.try_get("", "n").unwrap());
    }
    counts
}

async fn heads_of(settings: &StoreSettings) -> Vec<Head> {
    let mut found = Vec::new();
    heads(settings, &mut |head| found.push(head)).await.unwrap();
    found
}

/// What is pending is said without a change; applied, everything is there and every promise holds.
async fn brought_up_to_date(settings: &StoreSettings) {
    let before = standing(settings).await.unwrap();
    assert_eq!(before.applied.len(), FIRST);
    let numbers: Vec<usize> = before.pending.iter().map(|step| step.number).collect();
    assert_eq!(numbers, (FIRST + 1..=reeve_migrations::STEPS.len()).collect::<Vec<_>>());
    let dense = &before.pending[0];
    assert!(dense.name.ends_with("_dense") && dense.rows > 30 && !dense.about.is_empty(), "{dense:?}");
    assert_eq!(standing(settings).await.unwrap(), before);
    let heads = heads_of(settings).await;
    assert!(heads.len() == 4 && heads.iter().map(|head| head.rows).sum::<u64>() == 38, "{heads:?}");

    let store = Store::open(settings.clone(), no_fatal()).await.unwrap();
    let report = store.verifier().run(|_| ()).await.unwrap();
    assert!(report.is_ok(), "{report:#?}");
    for (name, at_least) in [("L1", 5), ("L3", 3), ("L5", 30), ("J2", 5)] {
        let check = report.checks.iter().find(|check| check.name == name).unwrap();
        assert!(check.checked >= at_least, "{check:?}");
    }
    store.close().await;
    assert_eq!(heads_of(settings).await, heads, "no ledger moved");
    let after = standing(settings).await.unwrap();
    assert_eq!((after.applied.len(), after.pending), (reeve_migrations::STEPS.len(), Vec::new()));
}

#[tokio::test]
async fn a_file_of_the_first_release_keeps_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = unpack(folder.path());
    let (bytes, settings) = (fs::read(&path).unwrap(), StoreSettings::sqlite(&path));
    standing(&settings).await.unwrap();
    assert!(fs::read(&path).unwrap() == bytes, "looking changes nothing");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and leaves nothing beside it");
    let db = raw(&path).await;
    let before = counts(&db, DbBackend::Sqlite).await;
    assert!(before.values().all(|count| *count > 0), "{before:?}");
    db.close().await.unwrap();
    brought_up_to_date(&settings).await;
    let db = raw(&path).await;
    assert_eq!(counts(&db, DbBackend::Sqlite).await, before);
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_postgres_database_of_the_first_release_keeps_every_row() {
    let Some(cluster) = postgres::start() else { return };
    let name = cluster.create();
    cluster.load(&name, &fixtures().join("first-release.postgres.sql"));
    let count = |table: &str| cluster.sql(&name, &format!("SELECT count(*) FROM {table}"));
    let before = TABLES.map(count);
    let folder = tempfile::tempdir().unwrap();
    let same = raw(&unpack(folder.path())).await;
    let in_sqlite = counts(&same, DbBackend::Sqlite).await;
    assert_eq!(
        before,
        TABLES.map(|table| in_sqlite[table].to_string()),
        "the two fixtures have the same rows"
    );
    same.close().await.unwrap();
    brought_up_to_date(&StoreSettings::postgres(cluster.url(&name))).await;
    assert_eq!(TABLES.map(count), before);
}

#[tokio::test]
async fn what_is_no_database_of_ours_or_of_a_newer_version_has_no_steps_to_speak_of() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.db");
    raw(&other).await.execute_unprepared("CREATE TABLE songs (title TEXT)").await.unwrap();
    let error = standing(&StoreSettings::sqlite(&other)).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    let newer = folder.path().join("newer.db");
    sqlite(&newer).await.close().await;
    let step = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_wings', 0)";
    crate::support::tamper(&newer, &[step]).await;
    let error = standing(&StoreSettings::sqlite(&newer)).await.unwrap_err();
    assert!(matches!(&error, OpenError::NewerSchema { step, .. } if step.ends_with("_wings")), "{error}");
}
