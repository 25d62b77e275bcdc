//! Ids, paths, methods and queries that name nothing.

use reqwest::Method;
use serde_json::json;

use super::Scene;
use crate::fixture::image;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_ids_paths_and_methods_have_their_codes() {
    let scene = Scene::new().await;
    let api = &scene.tenant.api;
    let nobody = format!("job_{}", "0".repeat(32));
    for path in [
        format!("/v1/jobs/{nobody}"),
        "/v1/jobs/nope".to_owned(),
        "/v1/jobs/job_%00".to_owned(),
        format!("/v1/jobs/{}", nobody.to_uppercase()),
        format!("/v1/jobs/{nobody}/events"),
        format!("/v1/jobs/{nobody}/receipt"),
        format!("/v1/jobs/{nobody}/outputs/0"),
        format!("/v1/jobs/{}/outputs/-1", scene.job),
        format!("/v1/jobs/{}/outputs/99999999999", scene.job),
        "/v1/workspaces/nobody".to_owned(),
        "/v1/workspaces/nobody/balance".to_owned(),
        "/v1/workspaces/nobody/ledger".to_owned(),
        "/v1/workspaces/nobody/events".to_owned(),
        format!("/v1/workspaces/{}", "x".repeat(5_000)),
        "/v1/workspaces/..%2f..%2fetc%2fpasswd".to_owned(),
        "/v1/catalogs/nope".to_owned(),
        "/v1/nope".to_owned(),
        "/".to_owned(),
    ] {
        let answer = api.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        answer.problem(404, "not_found");
    }
    let posts = [
        ("/v1/workspaces/nobody/jobs".to_owned(), image(1)),
        ("/v1/workspaces/nobody/quotes".to_owned(), image(1)),
        ("/v1/workspaces/nobody/adjustments".to_owned(), json!({"amount": 1, "reason": "x"})),
        (format!("/v1/jobs/{nobody}/cancel"), json!({})),
    ];
    for (path, body) in posts {
        let answer = api.post_as("same-key", &path, &body).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
    for (method, path) in
        [(Method::DELETE, "/v1/jobs"), (Method::PUT, "/v1/workspaces"), (Method::POST, "/healthz")]
    {
        let answer = api.send(api.request(method.clone(), path)).await;
        answer.problem(405, "method_not_allowed");
        assert!(answer.header("allow").is_some(), "{method} {path}");
    }
    for query in [
        "limit=-1",
        "limit=x",
        "limit=99999999999",
        "cursor=%00",
        "cursor=zzz",
        "status=nope",
        "since=x",
        "limit=0",
    ] {
        let answer = api.get(&scene.tenant.path(&format!("/jobs?{query}"))).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text());
    }
    for query in ["wait=-1", "wait=x", "wait=1e3"] {
        api.get(&format!("/v1/jobs/{}?{query}", scene.job)).await.problem(422, "invalid_request");
    }
    scene.check().await;
}
