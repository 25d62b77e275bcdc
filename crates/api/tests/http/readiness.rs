//! What a balancer and a supervisor hear of a server that stops.

use reqwest::Method;
use serde_json::json;

use crate::server::{Answer, Server};

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_alive_to_its_end() {
    let server = Server::start();
    let ready = Answer::of(server.anonymous(Method::GET, "/readyz")).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    server.engine.stop();
    let told = Answer::of(server.anonymous(Method::GET, "/readyz")).await;
    assert_eq!(told.code(), (503, "not_ready"), "{told:?}");
    assert_eq!(told.header("retry-after"), Some("1"));
    let checks = told.json["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{checks:?}");
    assert_eq!((&failed[0]["name"], &failed[0]["detail"]), (&json!("running"), &told.json["detail"]));
    assert_eq!(Answer::of(server.anonymous(Method::GET, "/healthz")).await.status, 200);
}
