//! Files that no row names: found and removed, and never one that is still needed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::super::fixture::{Hand, Server, Tenant, eventually, image, pause_ms, verify};
use super::{OFTEN, files, stored};

/// Makes every file old, as if nobody had come back for long.
fn age(folder: &Path) {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for path in files(folder) {
        std::fs::File::options().append(true).open(&path).unwrap().set_modified(past).unwrap();
    }
}

#[tokio::test]
async fn uploads_of_lost_leases_and_leftovers_go_and_what_is_named_stays() {
    let mut server = Server::with(&[OFTEN]);
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    let worker = Hand::new(&server.worker_api(), "hand");
    let landed = tenant.admitted(image(1)).await;
    let lease = worker.one().await;
    worker.put(&lease, 0, b"other bytes, replaced").await.ok(201);
    worker.put(&lease, 0, b"bytes that land").await.ok(201);
    worker.complete(&lease, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    tenant.admitted(image(1)).await;
    let lost = worker.one().await;
    worker.put(&lost, 0, b"bytes of a lost attempt").await.ok(201);
    worker.fail(&lost, "broke", true).await.ok(200);
    let live = worker.one().await;
    worker.put(&live, 0, b"bytes of a live lease").await.ok(201);
    let asset = api.request(reqwest::Method::POST, &tenant.path("/assets"));
    api.send(asset.header("Content-Type", "image/png").body("an asset")).await.ok(201);
    // What kills leave: bytes without a row, without a note, and half of a file.
    let folder = server.data().join("artifacts");
    let orphan = "00".repeat(32);
    let job = "job_00000000000070008000000000000001";
    let dead = folder.join(format!("outputs/{job}/lease_0000000000007000800000000000000100000001"));
    std::fs::create_dir_all(&dead).unwrap();
    std::fs::write(dead.join(format!("0-{orphan}")), "x").unwrap();
    std::fs::write(dead.join(format!("0-{orphan}#1")), "x").unwrap();
    std::fs::write(folder.join(format!("assets/acme/asset_00000000000070008000000000000002-{orphan}")), "x")
        .unwrap();
    let young = stored(&server);
    pause_ms(1_500).await;
    assert_eq!(stored(&server), young, "nothing young is touched");
    server.kill9();
    age(&folder);
    server.up();
    let api = server.admin();
    eventually("only what is named", 30, || async { (stored(&server) == 4).then_some(()) }).await;
    pause_ms(1_500).await;
    assert_eq!(stored(&server), 4, "one output, one upload of a live lease, an asset and its note");
    let bytes = api.get(&format!("/v1/jobs/{landed}/outputs/0")).await;
    assert_eq!((bytes.status, &bytes.body[..]), (200, &b"bytes that land"[..]));
    worker.complete(&live, json!([{"index": 0, "outcome": "landed"}])).await.ok(200);
    verify(&api).await;
}
