//! Who may call what, over the wire.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Answer, OWN, Server, TENANT, WORKER};

const JOB: &str = "job_00000000000000000000000000000001";
const LEASE: &str = "lease_0000000000000000000000000000000100000001";

/// Every route of the document, with ids in its path that name nothing.
async fn routes(server: &Server) -> Vec<(Method, String, bool)> {
    let document = server.get("/openapi.json").await.json;
    let paths = document["paths"].as_object().unwrap();
    let mut routes = Vec::new();
    for (path, item) in paths {
        for method in item.as_object().unwrap().keys() {
            let filled = [
                ("{ws}", "other"),
                ("{id}", JOB),
                ("{lease}", LEASE),
                ("{n}", "0"),
                ("{name}", "none"),
                ("{addon}", "unit"),
                ("{member}", "m"),
            ];
            let asset = ("{asset}", "asset_00000000000000000000000000000001");
            let path =
                filled.iter().chain([&asset]).fold(path.clone(), |path, (from, to)| path.replace(from, to));
            // The document says of links too that no key is needed; what is open to all is not about the platform.
            let open = !path.starts_with("/v1/");
            if path == "/v1/integrations/stripe" {
                continue; // Whoever calls it, what counts is who signed the body.
            }
            routes.push((Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path, open));
        }
    }
    assert!(routes.len() >= 60, "{}", routes.len());
    routes
}

#[tokio::test]
async fn without_a_known_key_every_route_but_the_open_ones_is_closed() {
    let server = Server::start();
    for (method, path, open) in routes(&server).await {
        let none = Answer::of(server.anonymous(method.clone(), &path)).await;
        let unknown = Answer::of(server.request(method.clone(), &path, "guess")).await;
        if open {
            assert_eq!((none.status, unknown.status), (200, 200), "{method} {path}");
        } else {
            assert_eq!(none.code(), (401, "unauthorized"), "{method} {path}");
            assert_eq!(unknown.code(), (401, "unauthorized"), "{method} {path}");
            assert_eq!(none.header("www-authenticate"), Some("Bearer"));
        }
    }
}

#[tokio::test]
async fn a_worker_key_opens_the_calls_of_workers_only() {
    let server = Server::start();
    server.workspace("other").await;
    for (method, path, open) in routes(&server).await {
        let answer = Answer::of(server.request(method.clone(), &path, WORKER)).await;
        let forbidden = answer.code() == (403, "forbidden");
        assert_eq!(forbidden, !open && !path.starts_with("/v1/worker/"), "{method} {path} {}", answer.status);
    }
}

#[tokio::test]
async fn a_workspace_key_cannot_tell_a_foreign_workspace_from_none() {
    let server = Server::start();
    server.workspace("other").await;
    let foreign = server.submit("other").await;
    for (method, path, open) in routes(&server).await {
        let real = Answer::of(server.request(method.clone(), &path.replace(JOB, &foreign), TENANT)).await;
        let none = path.replace("other", "none");
        let unknown = Answer::of(server.request(method.clone(), &none, TENANT)).await;
        let without = |mut json: Value| {
            json.as_object_mut().map(|problem| problem.remove("instance"));
            json
        };
        assert_eq!(real.status, unknown.status, "{method} {path}");
        if !open && !path.starts_with("/v1/catalogs") {
            assert!(matches!(real.status, 403 | 404), "{method} {path} {}", real.status);
            assert_eq!(without(real.json), without(unknown.json), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_workspace_key_uses_its_own_workspace() {
    let server = Server::start();
    server.workspace(OWN).await;
    let job = server.submit(OWN).await;
    for path in [
        format!("/v1/workspaces/{OWN}"),
        format!("/v1/workspaces/{OWN}/balance"),
        format!("/v1/workspaces/{OWN}/ledger"),
        format!("/v1/workspaces/{OWN}/purchases"),
        format!("/v1/workspaces/{OWN}/jobs"),
        format!("/v1/jobs/{job}"),
        format!("/v1/jobs/{job}/receipt"),
        "/v1/catalogs".to_owned(),
    ] {
        assert_eq!(Answer::of(server.request(Method::GET, &path, TENANT)).await.status, 200, "{path}");
    }
    let buy = server.request(Method::POST, &format!("/v1/workspaces/{OWN}/purchases"), TENANT);
    assert_eq!(Answer::of(buy.json(&json!({"credits": 5, "payment": "p"}))).await.code(), (403, "forbidden"));
}

#[tokio::test]
async fn a_key_is_shown_once_works_at_once_and_not_after_it_is_revoked() {
    let server = Server::start();
    server.workspace(OWN).await;
    let made = server.post("/v1/keys", json!({"role": "workspace", "workspace": OWN, "name": "app"})).await;
    assert_eq!(made.status, 201);
    let (id, key) = (made.json["id"].as_str().unwrap(), made.json["key"].as_str().unwrap());
    let path = format!("/v1/workspaces/{OWN}");
    assert_eq!(Answer::of(server.request(Method::GET, &path, key)).await.status, 200);
    let listed = server.get("/v1/keys").await;
    assert!(listed.json["data"].as_array().unwrap().iter().any(|row| row["id"] == id));
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(key));
    let revoke = |id: &str| server.request(Method::DELETE, &format!("/v1/keys/{id}"), ADMIN);
    assert_eq!(Answer::of(revoke(id)).await.status, 204);
    assert_eq!(Answer::of(server.request(Method::GET, &path, key)).await.status, 401);
    assert_eq!(Answer::of(revoke(id)).await.code(), (404, "not_found"));
    for body in
        [json!({"role": "workspace"}), json!({"role": "admin", "workspace": OWN}), json!({"role": "root"})]
    {
        assert_eq!(server.post("/v1/keys", body).await.code(), (422, "invalid_request"));
    }
}
