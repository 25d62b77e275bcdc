//! A database of the first release, as it wrote it: steps told, steps applied, and the story goes on.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::said;
use crate::fixture::{Hand, Server, Tenant, guest_database, landed, reeve, verify};

/// When the stored databases end.
const END: &str = "2026-04-03T12:00:00.000Z";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// `reeve migrate` on a data folder or a database.
fn migrate(folder: &Path, url: Option<&str>, more: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(reeve());
    command.arg("migrate").arg("--data").arg(folder.join("data")).args(more).current_dir(folder);
    command.args(url.iter().flat_map(|url| ["--database", url]));
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_the_first_release_is_upgraded_and_its_held_job_is_charged() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (path, database) = (folder.path().join("data/reeve.db"), guest_database());
    fs::create_dir(folder.path().join("data")).unwrap();
    match &database {
        Some(database) => database.load(&fixture("first-release.postgres.sql")),
        None => {
            let mut bytes = Vec::new();
            let packed = fs::File::open(fixture("first-release.db.gz")).unwrap();
            GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
    let url = database.as_ref().map(|database| database.url());
    tokio::task::block_in_place(|| {
        let run = |more: &[&str]| migrate(folder.path(), url.as_deref(), more);
        let bytes = fs::read(&path).ok();
        let told: Value = serde_json::from_str(&said(&run(&["--dry-run", "--json"]), 0)).unwrap();
        assert_eq!((&told["applied"], &told["done"]), (&json!(14), &json!(false)));
        let pending = told["pending"].as_array().unwrap();
        assert_eq!(pending[0]["number"], 15);
        assert!(pending.iter().all(|step| step["can_be_undone"] == false && step["about"] != ""), "{told}");
        assert!(pending[0]["rows"].as_u64().unwrap() > 30 && told["bytes"].as_u64().unwrap() > 0, "{told}");
        let shown = said(&run(&["--dry-run"]), 0);
        assert!(shown.contains("None can be undone") && shown.contains("_dense"), "{shown}");
        assert!(fs::read(&path).ok() == bytes, "not a byte changed");
        let applied = said(&run(&[]), 0);
        assert!(applied.contains(&format!("{} steps were applied", pending.len())), "{applied}");
        assert!(said(&run(&[]), 0).contains("is up to date"));
    });

    let server = tokio::task::block_in_place(|| Server::over(folder, database, &["--clock", "manual"]));
    let api = server.admin();
    assert_eq!(api.get("/v1/clock").await.ok(200)["now"], END, "it goes on where it ended");
    verify(&api).await;
    let tenant = Tenant { api: api.clone(), id: "acme".to_owned() };
    let waiting = api.get("/v1/workspaces/acme/jobs?status=queued").await.ok(200);
    let held = waiting["data"][0].clone();
    let (job, cost) = (held["id"].as_str().unwrap(), held["credits"]["held"].clone());
    assert_eq!(cost, 8, "{held}");
    let before = tenant.available().await;

    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.one().await;
    hand.complete(&lease, json!([landed(0)])).await.ok(200);
    let done = tenant.finished(job, 30).await;
    assert_eq!((&done["status"], &done["credits"]["settled"]), (&json!("succeeded"), &cost));
    assert_eq!(tenant.available().await, before, "what was held is what was charged");
    let settles = api.get("/v1/workspaces/acme/ledger?kind=settle&limit=500").await.ok(200);
    let settles = settles["data"].as_array().unwrap();
    assert!(settles.iter().any(|row| row["job"] == job && row["amount"] == 8), "{settles:#?}");
    tenant.books().await;
    verify(&api).await;
}
