//! Kira: fifteen credits a day by the date of the workspace's zone, and a plan on top.

use serde_json::json;

use super::{ends_well, killed};
use crate::fixture::{Server, Tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kr_03_04_05_07_16_daily_credits_over_two_clock_changes_and_a_change_of_plan() {
    // Berlin: summer time begins on 29 March and ends on 25 October.
    let mut server = Server::at("2026-03-27T12:00:00Z");
    let api = server.admin();
    let body =
        json!({"id": "acme", "catalog": "kira", "timezone": "Europe/Berlin", "owner": {"user": "anna"}});
    let acme = Tenant::open(&api, body.clone()).await;
    assert_eq!(acme.available().await, 45, "KR-05");
    acme.spend(20).await;
    assert_eq!(acme.available().await, 25, "KR-06: the day's first");
    api.clock("2026-03-27T23:00:00Z").await;
    assert_eq!(acme.available().await, 40, "midnight in Berlin is 23:00 in winter");
    api.clock("2026-03-28T23:00:00Z").await;
    api.clock("2026-03-29T21:59:59Z").await;
    assert_eq!(acme.available_at("2026-03-29T22:00:00Z").await, 40);
    acme.spend(15).await;
    assert_eq!(acme.available().await, 25);
    api.clock("2026-03-29T22:00:00Z").await;
    assert_eq!(acme.available().await, 40, "KR-04: a day of 23 hours, then 22:00 in summer");
    killed(&mut server, &[&acme], "2026-03-29T22:00:00Z").await;
    let api = server.admin();
    let acme = Tenant { api: api.clone(), ..acme };

    // KR-03: idle days leave one live daily lot; a second workspace of the user has none.
    api.clock("2026-10-26T12:00:00Z").await;
    assert_eq!(acme.available().await, 40);
    let lots = api.get(&acme.path("/balance")).await.ok(200);
    let daily = lots["lots"].as_array().unwrap().iter().filter(|lot| lot["source"] == "daily").count();
    assert_eq!(daily, 1, "{lots:#}");
    assert_eq!(lots["next"]["at"], "2026-10-26T23:00:00.000Z", "winter again");
    let second =
        Tenant::open(&api, json!({"id": "second", "catalog": "kira", "owner": {"user": "anna"}})).await;
    assert_eq!(second.available().await, 0);

    // KR-07: leaving the free plan forfeits the rest of the day; KR-08: free credits pay images only.
    acme.spend(5).await;
    let plus = acme.subscribe(json!({"plan": "plus"})).await;
    assert_eq!((&plus["plan"], &plus["balance"]["available"]), (&json!("plus"), &json!(325)));
    let video = json!({"action": "video.generate", "params": {"prompt": "waves"}});
    let job = acme.admitted(video.clone()).await;
    let receipt = api.get(&format!("/v1/jobs/{job}/receipt")).await.ok(200);
    assert_eq!(receipt["lots"][0]["source"], "plan", "{receipt:#}");
    acme.cancel(&job).await.ok(200);
    acme.spend(260).await;
    acme.submit(video).await.problem(402, "insufficient_credits");

    api.delete(&acme.path("/subscription")).await.ok(200);
    let end = acme.view().await["term_end"].as_str().unwrap().to_owned();
    api.clock(&end).await;
    let after = acme.view().await;
    assert_eq!((&after["plan"], &after["status"]), (&json!("free"), &json!("active")), "X24");
    let balance = api.get(&acme.path("/balance")).await.ok(200);
    let plan = balance["lots"].as_array().unwrap().iter().any(|lot| lot["source"] == "plan");
    assert!(!plan, "KR-16: {balance:#}");
    ends_well(&[&acme, &second]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kr_10_15_a_job_over_midnight_settles_from_yesterday_and_a_cancelled_one_gives_nothing_back() {
    let server = Server::at("2026-05-01T12:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kira"})).await;
    acme.spend(45).await;
    api.clock("2026-05-02T23:59:00Z").await;
    let image = json!({"action": "image.generate", "params": {"prompt": "a fox"}});
    let jobs = futures_util::future::join_all((0..4).map(|_| acme.submit(image.clone()))).await;
    let admitted: Vec<String> = jobs
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(admitted.len(), 3, "KR-10");
    api.clock("2026-05-03T00:02:00Z").await;
    assert_eq!(acme.available().await, 15);
    for job in &admitted {
        acme.cancel(job).await.ok(200);
    }
    assert_eq!(acme.available().await, 15, "X4: what expired while it was held does not come back");
    ends_well(&[&acme]).await;
}
