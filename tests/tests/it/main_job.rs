//! The main job: quoted, admitted, rendered by a real worker process, delivered, charged for what landed.

use reeve_client::{Client, Upload};
use serde_json::{Value, json};

use crate::fixture::{Server, Tenant, micros, verify};

const CREDIT: i64 = 1_000_000;

fn image(outputs: u32, sketch: Value) -> Value {
    let params = json!({
        "prompt": "a harbour at dawn", "outputs": outputs, "width": 48, "height": 32, "seed": 7, "sketch": sketch,
    });
    json!({"action": "image.generate", "params": params})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_quoted_rendered_delivered_and_charged_exactly() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(2);
    let before = tenant.balance().await;

    let body = image(4, json!({}));
    let quote = tenant.api.post(&tenant.path("/quotes"), body.clone()).await.ok(200);
    assert_eq!((micros(&quote["credits"]), &quote["affordable"]), (32 * CREDIT, &json!(true)), "{quote}");
    let job = tenant.admitted(body).await;
    let view = tenant.finished(&job, 60).await;

    assert_eq!(view["status"], "succeeded", "{view:#}");
    assert_eq!(micros(&view["credits"]["settled"]), 32 * CREDIT);
    assert_eq!(tenant.balance().await, (before.0 - 32 * CREDIT, 0));
    let outputs = view["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 4);
    for output in outputs {
        assert_eq!(output["status"], "landed");
        assert_eq!(micros(&output["credits"]), 8 * CREDIT);
        let answer = tenant.api.get(output["url"].as_str().unwrap()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")));
        assert_eq!(output["size"], answer.body.len());
        assert_eq!(png_size(&answer.body), (48, 32));
        let digest = Upload::new(answer.body.clone(), "image/png").sha256;
        assert_eq!(output["sha256"], digest.to_string());
        assert_eq!(answer.header("content-digest"), Some(digest.to_header().as_str()));
    }
    let receipt = tenant.api.get(&format!("/v1/jobs/{job}/receipt")).await.ok(200);
    let settled: i64 = receipt["lots"].as_array().unwrap().iter().map(|lot| micros(&lot["settled"])).sum();
    assert_eq!(settled, 32 * CREDIT, "{receipt:#}");
    tenant.books().await.check_final(&view);
    verify(&tenant.api).await;
}

/// Width and height of a whole PNG file.
fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(&bytes[12..16], b"IHDR");
    assert_eq!(&bytes[bytes.len() - 8..bytes.len() - 4], b"IEND", "the file is cut");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_15_only_what_landed_is_charged() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(4);
    let before = tenant.balance().await;

    let three_of_four = tenant.admitted(image(4, json!({"filter": [2]}))).await;
    let none_made = tenant.admitted(image(4, json!({"fail": true}))).await;
    let all_filtered = tenant.admitted(image(2, json!({"filter": true}))).await;
    let one_failed = tenant.admitted(image(2, json!({"fail": [0]}))).await;

    let expected = [
        (&three_of_four, "succeeded", 24, Value::Null, vec!["landed", "landed", "filtered", "landed"]),
        (&none_made, "failed", 0, Value::Null, vec!["failed"; 4]),
        (&all_filtered, "failed", 0, json!("content_filtered"), vec!["filtered"; 2]),
        (&one_failed, "succeeded", 8, Value::Null, vec!["failed", "landed"]),
    ];
    let mut views = Vec::new();
    for (job, status, settled, code, outputs) in expected {
        let view = tenant.finished(job, 60).await;
        assert_eq!(view["status"], status, "{view:#}");
        assert_eq!(micros(&view["credits"]["settled"]), settled * CREDIT, "{view:#}");
        let quoted = micros(&view["credits"]["quoted"]);
        assert_eq!(micros(&view["credits"]["released"]), quoted - settled * CREDIT, "{view:#}");
        if !code.is_null() {
            assert_eq!(view["error"]["code"], code, "{view:#}");
        }
        let seen: Vec<&str> = view["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|output| output["status"].as_str().unwrap())
            .collect();
        assert_eq!(seen, outputs, "{view:#}");
        views.push(view);
    }
    let books = tenant.books().await;
    views.iter().for_each(|view| books.check_final(view));
    assert_eq!((books.available, books.held), (before.0 - 32 * CREDIT, 0));
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_cancelled_while_it_runs_costs_nothing() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(1);
    let before = tenant.balance().await;
    let job = tenant.admitted(image(1, json!({"slow_ms": 60_000}))).await;
    server.job_is(&job, "running", 30).await;
    assert_eq!(tenant.balance().await, (before.0 - 8 * CREDIT, 8 * CREDIT));

    let first = tenant.cancel(&job).await.ok(200);
    assert!(first["status"] == "cancelling" || first["status"] == "cancelled", "{first:#}");
    let view = tenant.finished(&job, 60).await;
    assert_eq!(view["status"], "cancelled", "{view:#}");
    assert_eq!(tenant.balance().await, before);
    // Again is fine, and changes nothing.
    assert_eq!(tenant.cancel(&job).await.ok(200)["status"], "cancelled");
    tenant.books().await.check_final(&view);

    // The worker is free again at once: what it stopped does not hold its slot.
    let next = tenant.admitted(image(1, json!({}))).await;
    assert_eq!(tenant.finished(&next, 60).await["status"], "succeeded");
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_job_is_cancelled_at_once() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let before = tenant.balance().await;
    let job = tenant.admitted(image(4, json!({}))).await;
    let view = tenant.cancel(&job).await.ok(200);
    assert_eq!(view["status"], "cancelled", "{view:#}");
    assert_eq!(tenant.balance().await, before);
    tenant.books().await.check_final(&view);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_06_a_denial_tells_what_is_missing_and_the_ways_out() {
    let server = Server::start();
    let tenant = Tenant::on(&server.admin(), "acme", "basic").await;
    let before = tenant.books().await;
    let video = json!({"action": "video.generate", "params": {"seconds": 101, "prompt": "waves"}});

    let quote = tenant.api.post(&tenant.path("/quotes"), video.clone()).await.ok(200);
    assert_eq!((&quote["affordable"], micros(&quote["missing"])), (&json!(false), 10 * CREDIT), "{quote:#}");
    let problem = tenant.submit(video).await.problem(402, "insufficient_credits");
    assert_eq!(micros(&problem["required"]), 1_010 * CREDIT, "{problem:#}");
    assert_eq!(micros(&problem["available"]), 1_000 * CREDIT, "{problem:#}");
    assert_eq!(micros(&problem["missing"]), 10 * CREDIT, "{problem:#}");
    let remedies = problem["remedies"].as_array().unwrap();
    assert!(remedies.contains(&json!("purchase")) && remedies.contains(&json!("upgrade")), "{problem:#}");
    if remedies.contains(&json!("wait")) {
        assert!(
            problem["next_credit_at"].is_string() && micros(&problem["next_credit_amount"]) > 0,
            "{problem:#}"
        );
    }
    assert_eq!(tenant.books().await, before, "a denial changes nothing");

    // Several outputs: fewer of them are a way out.
    let tenant = Tenant::with_credits(&server.admin(), "small", 10).await;
    let problem = tenant.submit(image(2, json!({}))).await.problem(402, "insufficient_credits");
    assert!(problem["remedies"].as_array().unwrap().contains(&json!("fewer_outputs")), "{problem:#}");
    tenant.admitted(image(1, json!({}))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_gets_its_input_from_an_uploaded_asset() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(1);
    let first = tenant.admitted(image(1, json!({}))).await;
    tenant.finished(&first, 60).await;
    let picture = tenant.api.get(&format!("/v1/jobs/{first}/outputs/0")).await;

    let upload = tenant.api.request(reqwest::Method::POST, &tenant.path("/assets"));
    let upload = upload.header("Content-Type", "image/png").body(picture.body.clone());
    let asset = tenant.api.send(upload).await.ok(201);
    for input in [&asset["url"], &json!(format!("/v1/jobs/{first}/outputs/0"))] {
        let params = json!({"input": input, "prompt": "brighter"});
        let job = tenant.admitted(json!({"action": "image.edit", "params": params})).await;
        let view = tenant.finished(&job, 60).await;
        assert_eq!(view["status"], "succeeded", "{view:#}");
        let bytes = tenant.api.get(&format!("/v1/jobs/{job}/outputs/0")).await.body;
        assert_eq!(png_size(&bytes), (48, 32));
        assert_ne!(bytes, picture.body, "an edit changes something");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_typed_client_speaks_the_same_language() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let _worker = server.worker(1);
    let client = Client::new(&server.url, "admin-key-of-the-tests-0123456789abcdef").unwrap();
    let workspace = "acme".parse().unwrap();
    let action = "video.generate".parse().unwrap();
    let params = json!({"seconds": 1, "prompt": "waves", "width": 32, "height": 32});
    let submit = reeve_protocol::JobSubmit::of(action, params.as_object().unwrap().clone());
    let job = client.submit(&workspace, &submit, reeve_client::IdempotencyKey::Fresh).await.unwrap();
    let done = client.finished(job.id).await.unwrap();
    assert_eq!(done.status, reeve_protocol::JobStatus::Succeeded);
    let download = client.output(job.id, 0).await.unwrap();
    assert!(download.bytes.starts_with(b"\x89PNG"), "an animated PNG is a PNG");
    assert_eq!(micros(&tenant.job(&job.id.to_string()).await["credits"]["settled"]), 10 * CREDIT);
}
