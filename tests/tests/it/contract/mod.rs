//! The API document against the running server: the story of its examples is replayed, every answer is held against
//! its schema and against the answer that is written down.

mod alike;
mod names;
mod replay;
mod schema;

use serde_json::Value;

use crate::fixture::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_of_the_document_is_answered_as_it_says() {
    let server = Server::at("2026-03-01T09:00:00Z");
    replay::all(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_and_its_page_are_read_without_a_key_and_load_nothing() {
    let server = Server::start();
    let anybody = server.admin().with_key(None);
    let document = anybody.get("/openapi.json").await.ok(200);
    assert_eq!(document["openapi"], "3.1.0");
    let page = anybody.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(text.starts_with("<!doctype html>") && text.ends_with("</html>\n"));
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(text.contains(path.as_str()), "{path} is not on the page");
    }
    assert!(!text.contains("http://") && !text.contains("src="), "the page names something to load");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_wrong_is_a_problem_that_the_document_knows() {
    let server = Server::start();
    let api = server.admin();
    let document = api.get("/openapi.json").await.ok(200);
    let problem = schema::of(&document, "Problem");
    let wrong: [(u16, Value, &str); 4] = [
        (422, serde_json::json!({"catalog": "kive", "nobody": 1}), "/v1/workspaces"),
        (422, serde_json::json!({"catalog": "no such"}), "/v1/workspaces"),
        (404, serde_json::json!({"action": "image.generate"}), "/v1/workspaces/nobody/jobs"),
        (422, serde_json::json!([]), "/v1/worker/leases"),
    ];
    for (status, body, path) in wrong {
        let answer = api.post(path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        schema::holds(&document, problem, &answer.json());
    }
}
