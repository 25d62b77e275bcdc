//! A spare process on the same database: it waits, takes over, and never shares.

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;

use super::load::{Load, jobs_of};
use super::{DATABASE, check_offline, cluster, on};
use crate::fixture::{Server, Tenant, eventually, image, pause_ms, spawn, within};

/// The exit code of a server whose database another one took over.
const TAKEN_OVER: i32 = 4;
/// Longest time from the end of one server to the other's readiness.
const TAKE_OVER_SECONDS_MAX: u64 = 15;
/// Requests that reach a stopped process.
const LATE: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_process_says_who_serves_and_loses_nothing_when_it_takes_over_from_a_killed_one() {
    let Some((_cluster, url)) = cluster() else { return };
    let mut first = Server::with(&on(&url));
    let spare = Server::standing_by(&on(&url)).await;
    let api = spare.admin();
    api.get("/healthz").await.ok(200);
    let told = api.get("/readyz").await.problem(503, "not_ready");
    let detail = told["detail"].as_str().unwrap();
    let database =
        told["checks"].as_array().unwrap().iter().find(|check| check["name"] == "database").unwrap();
    assert_eq!((&database["ok"], &database["detail"]), (&json!(false), &json!(detail)), "{told}");
    let pid = first.pid().to_string();
    assert!(
        detail.contains(&format!("reeve writer, process {pid}")) && detail.contains("127.0.0.1"),
        "{told}"
    );
    for (method, path) in
        [(Method::GET, "/v1/workspaces"), (Method::POST, "/v1/worker/leases"), (Method::GET, "/x")]
    {
        let answer = api.send(api.request(method, path)).await;
        answer.problem(503, "overloaded");
        assert!(answer.header("retry-after").is_some(), "{path}");
    }

    let running = Load::start(&[&first, &spare]).await;
    running.goes_on(200, 30).await;
    first.kill9();
    spare.becomes_ready(TAKE_OVER_SECONDS_MAX).await;
    running.goes_on(200, 30).await;
    let jobs = running.end(&spare).await;
    assert!(jobs >= 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_slept_through_a_takeover_changes_nothing_any_more() {
    let Some((cluster, url)) = cluster() else { return };
    let mut first = Server::with(&on(&url));
    let mut spare = Server::standing_by(&on(&url)).await;
    let running = Load::start(&[&first]).await;
    running.goes_on(100, 30).await;
    let before = running.end(&first).await;
    let tenant = Tenant { api: first.admin(), id: "workspace-0".to_owned() };
    tenant.admitted(image(1)).await;

    first.signal(Signal::STOP);
    let writer = format!("application_name = 'reeve writer, process {}'", first.pid());
    let ended = cluster.sql(
        DATABASE,
        &format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {writer}"),
    );
    assert_eq!(ended, "1", "the session that has the lock");
    spare.becomes_ready(TAKE_OVER_SECONDS_MAX).await;
    let taken = Tenant { api: spare.admin(), id: tenant.id.clone() };
    let after = taken.admitted(image(1)).await;

    // These wait in the sockets of the stopped process.
    let late: Vec<_> = (0..LATE)
        .map(|n| {
            let api = tenant.api.clone();
            let (path, body) = match n % 5 {
                0 => ("/v1/keys".to_owned(), json!({"role": "worker", "name": "late"})),
                1 => (tenant.path("/adjustments"), json!({"amount": 7, "reason": "late"})),
                _ => (tenant.path("/jobs"), image(1)),
            };
            let request =
                api.request(Method::POST, &path).header("Idempotency-Key", format!("late-{n}")).json(&body);
            spawn(async move { api.try_send(request).await })
        })
        .collect();
    pause_ms(300).await;
    first.signal(Signal::CONT);
    for answer in late {
        let answer = within("the end of a late request", 60, answer).await.unwrap();
        if let Ok(answer) = answer {
            assert_eq!(answer.status, 503, "{}", answer.text());
        }
    }
    assert_eq!(first.ended(30).await.code(), Some(TAKEN_OVER), "{}", first.log());

    let jobs = jobs_of(&taken).await;
    assert!(jobs.contains(&after), "what the second one acknowledged is there");
    let keys = spare.admin().get("/v1/keys").await.ok(200);
    assert!(!keys.to_string().contains("late"), "{keys}");
    let books = taken.books().await;
    assert!(!books.rows.iter().any(|row| row["kind"] == "adjust"), "{:#?}", books.rows);
    assert!(jobs.len() <= before + 2, "no late job is there");
    // Under the same key it is done now, for the first time.
    let again = taken.api.post_as("late-2", &taken.path("/jobs"), &image(1)).await;
    again.ok(201);
    assert!(!again.is_replay());
    assert_eq!(spare.terminate(30).await.code(), Some(0), "{}", spare.log());
    check_offline(&spare);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spare_process_ends_at_a_signal_and_waits_through_a_restart_of_the_database() {
    let Some((cluster, url)) = cluster() else { return };
    let mut first = Server::with(&on(&url));
    let mut spare = Server::standing_by(&on(&url)).await;
    assert_eq!(spare.terminate(10).await.code(), Some(0), "{}", spare.log());
    let spare = Server::standing_by(&on(&url)).await;
    cluster.crash();
    let api = spare.admin();
    eventually("a spare process that says what is wrong", 20, || async {
        let told = api.get("/readyz").await.problem(503, "not_ready");
        told["detail"].as_str().unwrap().contains("cannot open").then_some(())
    })
    .await;
    first.kill9();
    cluster.launch();
    spare.becomes_ready(TAKE_OVER_SECONDS_MAX).await;
}
