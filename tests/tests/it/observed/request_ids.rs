//! A request's id, from its answer down to the worker that does the job.

use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::{Hand, Server, Tenant, eventually, image, landed, lease_of};

const ID: &str = "order-17/retry:2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_id_of_a_submit_is_in_its_answer_its_log_lines_its_ledger_and_its_leases() {
    let server = Server::with(&[("REEVE__LOG__LEVEL", "debug"), ("REEVE__LOG__FORMAT", "json")]);
    let admin = server.admin();
    let tenant = Tenant::large(&admin, "acme").await;
    let submit = async || {
        let request = tenant.api.request(Method::POST, &tenant.path("/jobs")).header("X-Request-Id", ID);
        let answer = tenant.api.send(request.json(&image(1))).await;
        assert_eq!(answer.header("x-request-id"), Some(ID));
        answer.ok(201)["id"].as_str().unwrap().to_owned()
    };
    let job = submit().await;
    let ledger = admin.get(&tenant.path("/ledger?limit=100")).await.ok(200);
    let rows = ledger["data"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["request"] == ID && row["job"] == job.as_str()), "{ledger:#}");

    // A worker of one's own sees it in the lease.
    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.lease(1, 20).await.remove(0);
    assert_eq!((&lease["request_id"], &lease["traceparent"]), (&json!(ID), &Value::Null), "{lease}");
    hand.complete(&lease_of(&lease), json!([landed(0)])).await.ok(200);
    // The worker that is shipped logs it.
    let second = submit().await;
    let worker = server.worker(1);
    tenant.finished(&second, 60).await;
    worker.terminate(30).await;

    let line = async |what: &str, fits: &dyn Fn(&Value) -> bool| {
        eventually(what, 20, || async {
            let log = server.whole_log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.filter(|line| line["fields"]["request.id"] == ID).find(|line| fits(line))
        })
        .await
    };
    let of = |job: &str, name: &str| {
        let (job, name) = (job.to_owned(), name.to_owned());
        move |line: &Value| {
            line["fields"]["job.id"] == job.as_str() && line["fields"]["command"] == name.as_str()
        }
    };
    line("the request", &|line| line["target"] == "reeve_api::access").await;
    line("its command in the actor", &of(&job, "submit")).await;
    line("the lease's command", &of(&job, "lease")).await;
    line("the lease", &|line| line["fields"]["message"] == "leased").await;
    let at_work = line("the worker", &|line| line["fields"]["message"] == "at work").await;
    assert_eq!(at_work["fields"]["job.id"], second.as_str());
    // The completion is a request of the worker's own.
    let log = server.whole_log();
    let completed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let completed: Vec<Value> = completed.filter(|line| of(&job, "complete")(line)).collect();
    assert_eq!(completed.len(), 1, "{completed:?}");
    let id = completed[0]["fields"]["request.id"].as_str().unwrap();
    assert!(id.starts_with("req_"), "{id}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_for_which_request_a_job_waits_and_the_ledger_does_not() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let request = tenant.api.request(Method::POST, &tenant.path("/jobs")).header("X-Request-Id", ID);
    tenant.api.send(request.json(&image(1))).await.ok(201);
    server.restart();
    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.lease(1, 20).await.remove(0);
    assert_eq!(lease["request_id"], Value::Null, "{lease}");
    let ledger = server.admin().get(&tenant.path("/ledger?limit=100")).await.ok(200);
    assert!(ledger["data"].as_array().unwrap().iter().any(|row| row["request"] == ID), "{ledger:#}");
}
