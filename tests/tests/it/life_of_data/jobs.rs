//! Jobs: once more, many at once, and found again.

use serde_json::{Value, json};

use super::super::fixture::{Hand, Server, Tenant, image, landed, lease_of, verify};
use super::{cli, job, stdout};

#[tokio::test]
async fn a_job_that_did_not_succeed_is_asked_for_again_at_today_s_price() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 100).await;
    let mut body = image(2);
    body["metadata"] = json!({"order": "a-17"});
    let first = tenant.admitted(body).await;
    let retry = format!("/v1/jobs/{first}/retry");
    api.post(&retry, json!({})).await.problem(409, "conflict");
    tenant.cancel(&first).await.ok(200);
    let problem = api.post(&retry, json!({"max_credits": 15})).await.problem(409, "price_changed");
    assert_eq!(problem["credits"], 16);
    let answer = api.post_as("again", &retry, &json!({"max_credits": 16})).await;
    let second = answer.ok(201);
    assert_eq!((&second["retry_of"], &second["credits"]["quoted"]), (&json!(first), &json!(16)));
    let asked = job(&api, &first).await;
    assert_eq!((&second["params"], &second["metadata"]), (&asked["params"], &json!({"order": "a-17"})));
    let repeat = api.post_as("again", &retry, &json!({"max_credits": 16})).await;
    assert!(repeat.is_replay());
    assert_eq!(repeat.ok(201)["id"], second["id"], "the same key makes no second job");
    let worker = Hand::new(&server.worker_api(), "hand");
    let lease = worker.one().await;
    worker.complete(&lease, json!([landed(0), landed(1)])).await.ok(200);
    let id = second["id"].as_str().unwrap();
    assert_eq!(job(&api, id).await["status"], "succeeded");
    api.post(&format!("/v1/jobs/{id}/retry"), json!({})).await.problem(409, "conflict");
    // Without a body, as the command line without options sends it.
    let third = cli(&server, &["retry", &first]);
    assert!(third.status.success() && stdout(&third).contains("queued, 16 credits"), "{third:?}");
    verify(&api).await;
}

#[tokio::test]
async fn a_crowd_of_jobs_is_cancelled_at_once_and_a_repeat_says_the_same() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::large(&api, "acme").await;
    let submits = (0..620).map(|_| async { tenant.admitted(image(1)).await });
    futures_util::future::join_all(submits).await;
    let worker = Hand::new(&server.worker_api(), "hand");
    let leases = [worker.one().await, worker.one().await];
    let path = tenant.path("/jobs/cancel");
    api.post(&path, json!({"status": "succeeded"})).await.problem(422, "invalid_request");
    let none = api.post(&path, json!({"action": "video.generate"})).await.ok(200);
    assert_eq!(none, json!({"cancelled": 0, "cancelling": 0}));
    let first = api.post_as("stop", &path, &json!({})).await.ok(200);
    assert_eq!(first, json!({"cancelled": 618, "cancelling": 2}));
    let late = tenant.admitted(image(1)).await;
    let repeat = api.post_as("stop", &path, &json!({})).await;
    assert!(repeat.is_replay());
    assert_eq!(repeat.ok(200), first);
    assert_eq!(job(&api, &late).await["status"], "queued");
    for lease in &leases {
        worker.complete(lease, json!([landed(0)])).await.ok(200);
    }
    let done = cli(&server, &["cancel", "--workspace", "acme", "--status", "queued"]);
    assert_eq!(stdout(&done).trim(), "1 cancelled, 0 cancelling", "{done:?}");
    assert_eq!(tenant.balance().await.1, 0, "nothing is held any more");
    verify(&api).await;
}

#[tokio::test]
async fn jobs_are_found_by_member_error_metadata_and_time() {
    let server = Server::start();
    let api = server.admin();
    let tenant = Tenant::with_credits(&api, "acme", 1_000).await;
    let with = |member: &str, order: Value| {
        let mut body = image(1);
        body["member"] = json!(member);
        body["metadata"] = json!({"order": order});
        body
    };
    let ada = tenant.admitted(with("ada", json!("a-17"))).await;
    let bob = tenant.admitted(with("bob", json!(18))).await;
    let worker = Hand::new(&server.worker_api(), "hand");
    let leases = worker.lease(1, 30).await;
    worker.fail(&lease_of(&leases[0]), "broke", false).await.ok(200);
    let found = async |query: &str| -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = api.get(&format!("/v1/jobs?{query}{cursor}")).await.ok(200);
            let rows = page["data"].as_array().unwrap();
            ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    };
    let (only_ada, only_bob) = (vec![ada.clone()], vec![bob.clone()]);
    assert_eq!(found("member=ada").await, only_ada);
    assert_eq!(found("metadata=order:a-17").await, only_ada);
    assert_eq!(found("metadata=order:18").await, only_bob);
    assert_eq!(found("error=worker_failed").await, only_ada);
    assert!(found("error=worker_failed&member=bob").await.is_empty());
    assert_eq!(found("workspace=acme&status=queued").await, only_bob);
    let created = job(&api, &bob).await["created_at"].as_str().unwrap().to_owned();
    assert_eq!(found(&format!("since={created}")).await, only_bob);
    assert_eq!(found(&format!("until={created}")).await, only_ada);
    for bad in ["metadata=order", "metadata=a%20b:c", "since=yesterday"] {
        let answer = api.get(&format!("/v1/jobs?{bad}")).await;
        assert!([400, 422].contains(&answer.status), "{bad}: {}", answer.text());
    }
    let shown = cli(&server, &["jobs", "acme", "--metadata", "order:18", "--json"]);
    let rows: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((rows[0]["id"].as_str(), rows.as_array().map(Vec::len)), (Some(bob.as_str()), Some(1)));
}
