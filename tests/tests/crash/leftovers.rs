//! Killed between a file and its row, in both orders: what is left is found, and what is named is never taken.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::process::{Life, Place, was_killed};
use crate::fixture::{Api, Hand, Tenant, eventually, image, verify};

/// Longest time until a death or a sweep.
const SECONDS_MAX: u64 = 60;

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn stored(place: &Place) -> usize {
    files(&place.data().join("artifacts")).len()
}

/// Makes every file old, as if nobody had come back for long.
fn age(place: &Place) {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for path in files(&place.data().join("artifacts")) {
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(past).unwrap();
    }
}

async fn killed(life: &mut Life) {
    let status = life.end(SECONDS_MAX).await;
    assert!(was_killed(status), "{status:?}");
}

/// A request whose server may die of it.
async fn sent(api: &Api, request: reqwest::RequestBuilder) {
    drop(api.try_send(request).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_without_its_row_is_swept_and_its_job_goes_on() {
    let place = Place::sqlite();
    let mut life = place.start("die:output.landed:1");
    let tenant = Tenant::large(&life.admin(), "acme").await;
    let job = tenant.admitted(image(1)).await;
    let worker = Hand::new(&life.worker_api(), "hand");
    let lease = worker.one().await;
    let path = format!("/v1/worker/leases/{lease}/outputs/0");
    let api = life.worker_api();
    sent(&api, api.request(reqwest::Method::PUT, &path).header("Content-Type", "image/png").body("lost"))
        .await;
    killed(&mut life).await;
    assert_eq!(stored(&place), 1, "its bytes are there");
    age(&place);
    // The lease lives on over the restart and may still complete: nothing of it is taken.
    let life = place.start("");
    let tenant = Tenant { api: life.admin(), ..tenant };
    eventually("the end of the lost lease", SECONDS_MAX, || async {
        (tenant.job(&job).await["status"] == "queued").then(|| assert_eq!(stored(&place), 1))
    })
    .await;
    eventually("the sweep", SECONDS_MAX, || async { (stored(&place) == 0).then_some(()) }).await;
    let worker = Hand::new(&life.worker_api(), "other");
    let lease = worker.one().await;
    worker.put(&lease, 0, b"kept").await.ok(201);
    worker.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    assert_eq!((tenant.job(&job).await["status"].clone(), stored(&place)), (json!("succeeded"), 1));
    verify(&life.admin()).await;
    life.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_whose_files_outlived_it_loses_them_at_the_next_start() {
    let place = Place::sqlite();
    let mut life = place.start("die:upkeep.rows_shed:1");
    let tenant = Tenant::large(&life.admin(), "acme").await;
    let job = tenant.admitted(image(1)).await;
    let worker = Hand::new(&life.worker_api(), "hand");
    let lease = worker.one().await;
    worker.put(&lease, 0, b"bytes").await.ok(201);
    worker.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    tenant.api.post(&tenant.path("/close"), json!({})).await.ok(200);
    tenant.api.post(&tenant.path("/erase"), json!({})).await.ok(202);
    killed(&mut life).await;
    assert_eq!(stored(&place), 1, "the row was first");
    let life = place.start("");
    let api = life.admin();
    eventually("the end of erasing", SECONDS_MAX, || async {
        let view: Value = api.get("/v1/workspaces/acme").await.ok(200);
        view["erased_at"].is_string().then_some(())
    })
    .await;
    assert_eq!(stored(&place), 0);
    api.get(&format!("/v1/jobs/{job}/outputs/0")).await.problem(410, "gone");
    verify(&api).await;
    life.stop().await;
    assert_eq!(place.verify().status.code(), Some(0));
}
