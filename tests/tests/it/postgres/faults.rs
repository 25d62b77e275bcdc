//! Sessions ended at random, a server stopped as by a power cut, a database away for long: under load, and without a
//! restart of ours.

use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use super::load::Load;
use super::{DATABASE, check_offline, cluster, on};
use crate::fixture::{Server, Tenant, eventually, image, pause_ms, verify};

/// Times that sessions are ended.
const ROUNDS: u32 = 40;
/// Power cuts.
const CUTS: u32 = 3;
/// Longer than a batch waits for a database that is gone.
const AWAY_MS: u64 = 14_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_ended_at_random_under_load_cost_callers_a_retry_and_nothing_else() {
    let Some((cluster, url)) = cluster() else { return };
    let mut server = Server::with(&on(&url));
    let running = Load::start(&[&server]).await;
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut ended = 0;
    for _ in 0..ROUNDS {
        pause_ms(random.random_range(10..150)).await;
        let which = ["reeve writer%", "reeve reader%", "reeve %"][random.random_range(0..3_usize)];
        let sql = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE '{which}'"
        );
        ended += cluster.sql(DATABASE, &sql).parse::<u32>().unwrap();
    }
    assert!(ended > ROUNDS / 2, "{ended} sessions ended");
    running.goes_on(100, 30).await;
    assert_eq!(running.load().unanswered.load(Ordering::Relaxed), 0, "callers see nothing but 503");
    println!("{ended} sessions ended, {} answers 503", running.load().put_off.load(Ordering::Relaxed));
    running.end(&server).await;
    assert_eq!(server.terminate(30).await.code(), Some(0), "{}", server.log());
    check_offline(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_restarted_as_after_a_power_cut_under_load_loses_nothing_acknowledged() {
    let Some((cluster, url)) = cluster() else { return };
    let server = Server::with(&on(&url));
    let running = Load::start(&[&server]).await;
    for _ in 0..CUTS {
        running.goes_on(150, 60).await;
        tokio::task::block_in_place(|| {
            cluster.crash();
            cluster.launch();
        });
    }
    running.goes_on(150, 60).await;
    assert_eq!(running.load().unanswered.load(Ordering::Relaxed), 0, "callers see nothing but 503");
    server.admin().get("/readyz").await.ok(200);
    running.end(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_for_long_is_503_until_it_is_back() {
    let Some((cluster, url)) = cluster() else { return };
    let server = Server::with(&on(&url));
    let running = Load::start(&[&server]).await;
    running.goes_on(100, 30).await;
    cluster.crash();
    pause_ms(AWAY_MS).await;
    let told = server.admin().get("/readyz").await.problem(503, "not_ready");
    let failed: Vec<_> =
        told["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert!(failed.len() == 1 && failed[0]["name"] == "journal", "{told}");
    server.admin().get("/healthz").await.ok(200);
    let answered = running.load().put_off.load(Ordering::Relaxed);
    assert!(answered > 0, "callers were answered while the database was away");
    tokio::task::block_in_place(|| cluster.launch());
    running.goes_on(100, 30).await;
    server.admin().get("/readyz").await.ok(200);
    assert_eq!(running.load().unanswered.load(Ordering::Relaxed), 0, "callers see nothing but 503");
    running.end(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_idles_notices_that_its_session_is_gone_and_takes_the_lock_back() {
    let Some((cluster, url)) = cluster() else { return };
    let server = Server::with(&on(&url));
    let holder = || cluster.sql(DATABASE, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted");
    let before = holder();
    cluster.sql(DATABASE, &format!("SELECT pg_terminate_backend({before})"));
    eventually("another session with the lock", 10, || async {
        let now = tokio::task::block_in_place(holder);
        (!now.is_empty() && now != before).then_some(())
    })
    .await;
    eventually("readiness", 10, || async {
        (server.admin().get("/readyz").await.status == 200).then_some(())
    })
    .await;
    let tenant = Tenant::large(&server.admin(), "acme").await;
    tenant.admitted(image(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serialisation_failures_and_deadlocks_are_tried_again_unseen() {
    let Some((cluster, url)) = cluster() else { return };
    let server = Server::with(&on(&url));
    cluster.sql(DATABASE, "CREATE SEQUENCE raised");
    // A sequence counts what is rolled back, too.
    cluster.sql(
        DATABASE,
        "CREATE FUNCTION disturb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF random() < 0.2 THEN PERFORM nextval('raised'); RAISE EXCEPTION 'disturbed' USING ERRCODE = \
         CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END; END IF; RETURN NEW; END $$",
    );
    cluster.sql(
        DATABASE,
        "CREATE TRIGGER disturb BEFORE UPDATE ON lanes FOR EACH ROW EXECUTE FUNCTION disturb()",
    );
    let tenant = Tenant::large(&server.admin(), "acme").await;
    for n in 0..60 {
        let body = json!({"role": "worker", "name": format!("key-{n}")});
        server.admin().post("/v1/keys", body).await.ok(201);
        tenant.admitted(image(1)).await;
    }
    let raised: u32 = cluster.sql(DATABASE, "SELECT last_value FROM raised").parse().unwrap();
    assert!(raised > 5, "{raised} transactions were disturbed");
    verify(&server.admin()).await;
}
