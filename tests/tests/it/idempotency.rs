//! One key, one change, one answer: also over a crash.

use serde_json::json;

use crate::fixture::{Answer, Hand, Server, Tenant, image, landed, verify};

/// The first answer again, to the byte.
#[track_caller]
fn same(first: &Answer, again: &Answer) {
    assert_eq!(again.status, first.status, "{}", again.text());
    assert!(again.is_replay() && !first.is_replay(), "{:?}", again.headers);
    assert_eq!(again.text(), first.text());
    assert_eq!(again.body, first.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_and_body_get_the_first_answer_also_after_a_crash() {
    let mut server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let path = tenant.path("/jobs");
    let first = tenant.api.post_as("order-1", &path, &image(2)).await;
    first.ok(201);
    let rows = tenant.books().await.rows.len();

    same(&first, &tenant.api.post_as("order-1", &path, &image(2)).await);
    server.restart();
    same(&first, &tenant.api.post_as("order-1", &path, &image(2)).await);

    // The job moves on; the answer to the submit stays what it was.
    let hand = Hand::new(&server.worker_api(), "hand");
    let lease = hand.one().await;
    same(&first, &tenant.api.post_as("order-1", &path, &image(2)).await);
    hand.complete(&lease, json!([landed(0), landed(1)])).await.ok(200);
    same(&first, &tenant.api.post_as("order-1", &path, &image(2)).await);
    server.restart();
    same(&first, &tenant.api.post_as("order-1", &path, &image(2)).await);

    let books = tenant.books().await;
    assert_eq!(books.jobs.len(), 1);
    assert!(books.rows.len() > rows);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_change_is_repeated_not_done_again() {
    let mut server = Server::start();
    let tenant = Tenant::on(&server.admin(), "acme", "pro").await;
    let job = tenant.admitted(image(1)).await;
    let changes = [
        ("/v1/workspaces".to_owned(), json!({"id": "other", "catalog": "kive", "plan": "basic"}), 201),
        (tenant.path("/adjustments"), json!({"amount": 12.5, "reason": "sorry"}), 201),
        (tenant.path("/adjustments"), json!({"amount": -3, "reason": "too much"}), 201),
        (tenant.path("/purchases"), json!({"credits": 500, "payment": "pay-1"}), 201),
        (format!("/v1/jobs/{job}/cancel"), json!({}), 200),
    ];
    let mut firsts = Vec::new();
    for (n, (path, body, status)) in changes.iter().enumerate() {
        let first = tenant.api.post_as(&format!("change-{n}"), path, body).await;
        first.ok(*status);
        firsts.push(first);
    }
    let books = tenant.books().await;
    let mut wrong = Vec::new();
    for restart in [false, true] {
        if restart {
            server.restart();
        }
        for (n, (path, body, _)) in changes.iter().enumerate() {
            let again = tenant.api.post_as(&format!("change-{n}"), path, body).await;
            assert!(again.is_replay(), "{path}: {}", again.text());
            if (again.status, &again.body) != (firsts[n].status, &firsts[n].body) {
                wrong.push(format!("{path}\n{}\n{}", firsts[n].text(), again.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "not the first answer again:\n{}", wrong.join("\n"));
    assert_eq!(tenant.books().await, books);
    verify(&tenant.api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_with_another_body_or_path_is_refused() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let path = tenant.path("/jobs");
    tenant.api.post_as("order-1", &path, &image(1)).await.ok(201);
    let books = tenant.books().await;
    tenant.api.post_as("order-1", &path, &image(2)).await.problem(422, "idempotency_mismatch");
    let adjustment = json!({"amount": 5, "reason": "x"});
    tenant
        .api
        .post_as("order-1", &tenant.path("/adjustments"), &adjustment)
        .await
        .problem(422, "idempotency_mismatch");
    assert_eq!(tenant.books().await, books);
    // Another workspace is another scope.
    let other = Tenant::large(&server.admin(), "other").await;
    other.api.post_as("order-1", &other.path("/jobs"), &image(2)).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_is_remembered_and_a_new_key_sees_the_new_balance() {
    let mut server = Server::start();
    let tenant = Tenant::with_credits(&server.admin(), "acme", 4).await;
    let path = tenant.path("/jobs");
    let denied = tenant.api.post_as("order-1", &path, &image(1)).await;
    denied.problem(402, "insufficient_credits");
    tenant.give(100).await;
    same(&denied, &tenant.api.post_as("order-1", &path, &image(1)).await);
    server.restart();
    same(&denied, &tenant.api.post_as("order-1", &path, &image(1)).await);
    tenant.api.post_as("order-2", &path, &image(1)).await.ok(201);
    assert_eq!(tenant.books().await.jobs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_refusals_are_remembered_too() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let wrong = json!({"action": "image.generate", "params": {"outputs": 99}});
    let first = tenant.api.post_as("wrong", &tenant.path("/jobs"), &wrong).await;
    first.problem(422, "invalid_request");
    same(&first, &tenant.api.post_as("wrong", &tenant.path("/jobs"), &wrong).await);
    let dear = json!({"action": "image.generate", "params": {"outputs": 4}, "max_credits": 31});
    let first = tenant.api.post_as("dear", &tenant.path("/jobs"), &dear).await;
    assert_eq!(first.problem(409, "price_changed")["credits"], 32);
    same(&first, &tenant.api.post_as("dear", &tenant.path("/jobs"), &dear).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_without_an_id_gets_one_that_follows_from_the_key() {
    let mut server = Server::start();
    let api = server.admin();
    let body = json!({"catalog": "kive", "plan": "basic"});
    let first = api.post_as("sign-up-1", "/v1/workspaces", &body).await;
    let id = first.ok(201)["id"].as_str().unwrap().to_owned();
    same(&first, &api.post_as("sign-up-1", "/v1/workspaces", &body).await);
    server.restart();
    same(&first, &api.post_as("sign-up-1", "/v1/workspaces", &body).await);
    let other = api.post_as("sign-up-2", "/v1/workspaces", &body).await.ok(201);
    assert_ne!(other["id"], id.as_str());
    let listed = api.get("/v1/workspaces").await.ok(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_in_flight_wait_for_the_first() {
    let server = Server::start();
    let tenant = Tenant::large(&server.admin(), "acme").await;
    let (path, body) = (tenant.path("/jobs"), image(1));
    let repeats = (0..32).map(|_| tenant.api.post_as("order-1", &path, &body));
    let answers = futures_util::future::join_all(repeats).await;
    let first = answers.iter().find(|answer| !answer.is_replay()).unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_replay()).count(), 31);
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == first.body));
    assert_eq!(tenant.books().await.jobs.len(), 1);
}
