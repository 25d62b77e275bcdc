//! Balances of another system, in bulk.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Answer, Server};

fn row(id: &str, amount: u32) -> Value {
    json!({"id": id, "catalog": "kive", "plan": "basic", "anchor_at": "2025-11-20T00:00:00Z", "timezone": "Europe/Berlin",
        "lots": [{"source": "plan", "amount": amount}, {"source": "pack", "amount": 5.5, "payment": format!("old-{id}")}]})
}

fn statuses(answer: &Answer) -> Vec<&str> {
    answer.json["data"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn rows_are_imported_once_and_each_is_answered_on_its_own() {
    let server = Server::at("2026-01-01T00:00:00Z");
    server.workspace("taken").await;
    let bad = json!({"id": "bad", "catalog": "kive", "lots": [{"source": "none", "amount": 1}]});
    let shapeless = json!({"id": "shapeless", "catalog": "kive", "lots": 5});
    let rows = json!([row("a", 700), row("taken", 1), bad, shapeless, 7, row("b", 10)]);
    let first = server.post("/v1/workspaces/import", rows.clone()).await;
    assert_eq!(first.status, 200, "{:?}", first.json);
    assert_eq!(statuses(&first), ["imported", "refused", "refused", "refused", "refused", "imported"]);
    assert_eq!((&first.json["imported"], &first.json["refused"]), (&json!(2), &json!(4)));
    let data = &first.json["data"];
    assert_eq!(
        (&data[1]["problem"]["code"], &data[2]["problem"]["errors"][0]["pointer"]),
        (&json!("conflict"), &json!("/lots/0/source"))
    );
    assert_eq!(
        (&data[3]["id"], &data[3]["problem"]["errors"][0]["pointer"]),
        (&json!("shapeless"), &json!("/lots"))
    );
    assert_eq!(data[4]["id"], json!(null));
    let a = server.get("/v1/workspaces/a").await.json;
    assert_eq!(
        (&a["balance"]["available"], &a["period_end"]),
        (&json!(705.5), &json!("2026-01-20T00:00:00.000Z"))
    );

    server.post("/v1/workspaces/a/adjustments", json!({"amount": -5.5, "reason": "used"})).await;
    let again = server.post("/v1/workspaces/import", rows).await;
    assert_eq!(statuses(&again), ["exists", "refused", "refused", "refused", "refused", "exists"]);
    let other = server.post("/v1/workspaces/import", json!([row("a", 701)])).await;
    assert_eq!(
        (statuses(&other), &other.json["data"][0]["problem"]["code"]),
        (vec!["refused"], &json!("conflict"))
    );
    assert_eq!(server.get("/v1/workspaces/a").await.json["balance"]["available"], 700);
    server.clock("2026-01-20T00:00:00Z").await;
    assert_eq!(
        server.get("/v1/workspaces/a").await.json["balance"]["available"],
        1700,
        "it renews like any other"
    );
}

#[tokio::test]
async fn a_row_a_line_is_taken_and_too_much_is_refused() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let post = |kind: &str, body: String| {
        let post = server.request(Method::POST, "/v1/workspaces/import", ADMIN);
        Answer::of(post.header("Content-Type", kind).body(body))
    };
    let lines: Vec<String> = (0..300).map(|n| row(&format!("w{n}"), n + 1).to_string()).collect();
    let answer = post("application/x-ndjson", lines.join("\n")).await;
    assert_eq!((answer.status, &answer.json["imported"]), (200, &json!(300)), "{:?}", answer.json["data"][0]);
    assert_eq!(answer.json["data"][7]["id"], "w7");
    assert_eq!(post("text/csv", String::new()).await.code(), (415, "unsupported_media_type"));
    assert_eq!(post("application/json", "[".to_owned()).await.status, 400);
    let many = format!("[{}]", vec!["1"; 10_001].join(","));
    assert_eq!(post("application/json", many).await.code(), (422, "invalid_request"));
}
