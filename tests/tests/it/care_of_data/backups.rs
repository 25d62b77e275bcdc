//! Backups under load, restored elsewhere, and refused when they are not what they were.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::{arg, beside, said, with_database};
use crate::fixture::{Hand, Server, Tenant, guest_database, image, outcome, spawn, verify};

/// A job with one uploaded output.
async fn delivered(server: &Server, tenant: &Tenant, bytes: &[u8]) -> String {
    let hand = Hand::new(&server.worker_api(), "hand");
    let job = tenant.admitted(image(1)).await;
    let lease = hand.one().await;
    hand.put(&lease, 0, bytes).await.ok(201);
    hand.complete(&lease, json!([outcome(0, "landed")])).await.ok(200);
    job
}

/// Submits again and again; the jobs that were acknowledged.
async fn load(tenant: Tenant, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut jobs = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        jobs.push(tenant.admitted(image(1)).await);
    }
    jobs
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_a_server_elsewhere_and_a_changed_one_is_refused() {
    // What is ahead of the tables is part of it.
    let server = Server::with(&[("REEVE__DATABASE__AHEAD_CHANGES_MIN", "1")]);
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let picture = delivered(&server, &tenant, b"a picture").await;
    let before = vec![picture.clone(), tenant.admitted(image(2)).await];

    let backup = server.folder().join("backups/today");
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..3).map(|_| spawn(load(tenant.clone(), stop.clone()))).collect();
    let data = server.data();
    let args = ["backup", arg(&backup), "--data", arg(&data), "--json"];
    let made = tokio::task::block_in_place(|| beside(&server, &args));
    stop.store(true, Ordering::Relaxed);
    let mut meanwhile = 0;
    for load in loads {
        meanwhile += load.await.unwrap().len();
    }
    assert!(meanwhile > 0, "nobody was held up");
    let made: Value = serde_json::from_str(&said(&made, 0)).unwrap();
    assert_eq!(made["ledger"]["workspaces"], 1);
    let rows = made["ledger"]["rows"].as_u64().unwrap();
    assert!(made["files"]["count"].as_u64().unwrap() >= 4 && rows > 3, "{made}");
    assert!(!backup.with_file_name("today.partial").exists());

    tokio::task::block_in_place(|| refused(&server, &backup, &made));
    elsewhere(&server, &backup, (&before, rows)).await;
}

/// The backup on another server: everything acknowledged before it is there, and the books hold.
async fn elsewhere(server: &Server, backup: &Path, (before, rows): (&[String], u64)) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (to, database) = (folder.path().join("data"), guest_database());
    let url = database.as_ref().map(|database| database.url());
    let mut args = vec!["restore", arg(backup), "--to", arg(&to)];
    args.extend(url.iter().flat_map(|url| ["--database", url.as_str()]));
    let restored = tokio::task::block_in_place(|| with_database(server, &args, None));
    let restored = said(&restored, 0);
    assert!(restored.contains("end where they did") && restored.contains('✓'), "{restored}");
    let again = tokio::task::block_in_place(|| with_database(server, &args, None));
    assert!(said(&again, 2).contains("not empty"), "nothing is written over");

    let other = tokio::task::block_in_place(|| Server::over(folder, database, &[]));
    let api = other.admin();
    let tenant = Tenant { api: api.clone(), id: "acme".to_owned() };
    for job in before {
        tenant.job(job).await;
    }
    let books = tenant.books().await;
    assert!(books.rows.len() as u64 >= rows, "{} rows", books.rows.len());
    let bytes = api.get(&format!("/v1/jobs/{}/outputs/0", before[0])).await;
    assert_eq!((bytes.status, bytes.body.as_ref()), (200, b"a picture".as_ref()));
    // And it goes on.
    Tenant::large(&api, "later").await.admitted(image(1)).await;
    let hand = Hand::new(&other.worker_api(), "hand");
    hand.fail(&hand.one().await, "no such model", false).await.ok(200);
    verify(&api).await;
}

/// Whatever is changed in it, it is no backup any more, and nothing is made of it.
fn refused(server: &Server, backup: &Path, made: &Value) {
    let check = || beside(server, &["restore", arg(backup), "--dry-run"]);
    assert!(said(&check(), 0).contains("is what was backed up"));
    let data = server.data();
    let again = ["backup", arg(backup), "--data", arg(&data)];
    assert!(said(&beside(server, &again), 2).contains("not empty"));

    let kind = made["database"]["kind"].as_str().unwrap();
    let database = backup.join(if kind == "sqlite" { "database.sqlite" } else { "database.dump" });
    let output = files(&backup.join("data/artifacts/outputs")).remove(0);
    for path in [&database, &output, &backup.join("heads.csv"), &backup.join("files.sha256")] {
        let honest = fs::read(path).unwrap();
        let mut changed = honest.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(path, changed).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let error = said(&check(), 1);
        assert!(error.contains(name), "{name}: {error}");
        fs::write(path, honest).unwrap();
    }
    let manifest = backup.join("manifest.json");
    let honest = fs::read_to_string(&manifest).unwrap();
    let rows = made["ledger"]["rows"].as_u64().unwrap();
    fs::write(&manifest, honest.replace(&format!("\"rows\": {rows}"), &format!("\"rows\": {}", rows + 1)))
        .unwrap();
    if kind == "sqlite" {
        assert!(said(&check(), 1).contains("do not end where"));
    }
    fs::remove_file(&manifest).unwrap();
    let to = server.folder().join("never");
    let error = said(&beside(server, &["restore", arg(backup), "--to", arg(&to)]), 1);
    assert!(error.contains("no backup"), "{error}");
    assert!(!to.exists() && !to.with_file_name("never.partial").exists(), "nothing is made of it");
    fs::write(&manifest, honest).unwrap();
    said(&check(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_may_be_linked_or_left_out_and_one_that_rotted_is_told() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    delivered(&server, &tenant, b"a picture").await;
    tokio::task::block_in_place(|| {
        let data = server.data();
        let run = |name: &str, more: &[&str]| {
            let folder = server.folder().join(name);
            let args = [&["backup", arg(&folder), "--data", arg(&data)], more].concat();
            (beside(&server, &args), folder)
        };
        let (linked, folder) = run("linked", &["--files", "link"]);
        assert!(said(&linked, 0).contains("outputs linked"));
        let output = files(&folder.join("data/artifacts/outputs")).remove(0);
        let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
        let stored = files(&data.join("artifacts/outputs")).remove(0);
        assert_eq!(inode(&output), inode(&stored), "one file with two names");

        let (skipped, folder) = run("skipped", &["--files", "skip"]);
        said(&skipped, 0);
        assert!(!folder.join("data/artifacts").exists() && folder.join("data/link.key").exists());

        fs::write(&stored, b"a rotten picture").unwrap();
        let (rotten, folder) = run("rotten", &[]);
        assert!(said(&rotten, 1).contains("other bytes than their names say"));
        said(&beside(&server, &["restore", arg(&folder), "--dry-run"]), 0);

        let inside = run("data/artifacts/backups", &[]).0;
        assert!(said(&inside, 2).contains("inside the folder of outputs"));
        let nowhere = server.folder().join("nowhere");
        let target = server.folder().join("target");
        let args = ["backup", arg(&target), "--data", arg(&nowhere)];
        let missing = with_database(&server, &args, None);
        assert!(said(&missing, 3).contains("there is no database"));
        assert!(!target.exists() && !nowhere.exists());
    });
}
