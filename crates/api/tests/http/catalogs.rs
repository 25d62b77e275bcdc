//! Catalogs over the wire: looked at, tried, published, and workspaces moved between versions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Answer, OWN, Server, TENANT};

const KREATORFLOW: &str = include_str!("../../../../config/catalogs/kreatorflow.toml");

fn next() -> String {
    let text = KREATORFLOW.replace("version = 1\n", "version = 2\n");
    assert_ne!(text, KREATORFLOW);
    text.replace("allotments = [300]", "allotments = [400]")
}

async fn publish(server: &Server, query: &str, body: &str) -> Answer {
    let put = server.request(Method::PUT, &format!("/v1/catalogs/kreatorflow{query}"), ADMIN);
    Answer::of(put.header("Content-Type", "application/toml").body(body.to_owned())).await
}

#[tokio::test]
async fn a_new_version_is_in_force_for_new_workspaces_and_for_those_that_are_moved() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let open = async |id: &str| {
        let body = json!({"id": id, "catalog": "kreatorflow", "plan": "pro"});
        server.post("/v1/workspaces", body).await.json
    };
    open("old").await;
    let tried = publish(&server, "?dry_run=true", &next()).await;
    assert_eq!((tried.status, &tried.json["published"]), (200, &json!(false)), "{:?}", tried.json);
    assert_eq!(server.get("/v1/catalogs/kreatorflow").await.json["version"], 1, "a dry run changes nothing");
    for _ in 0..2 {
        let published = publish(&server, "", &next()).await;
        assert_eq!(
            (published.status, &published.json["published"]),
            (200, &json!(true)),
            "{:?}",
            published.json
        );
    }
    assert_eq!(server.get("/v1/catalogs/kreatorflow").await.json["version"], 2);
    let old = server.get("/v1/catalogs/kreatorflow?version=1").await.json;
    assert_eq!((&old["version"], old["versions"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!(server.get("/v1/catalogs/kreatorflow?version=3").await.code(), (404, "not_found"));
    let new = open("new").await;
    assert_eq!((&new["catalog_version"], &new["allotment"]), (&json!(2), &json!(400)));
    assert_eq!(
        server.get("/v1/workspaces/old").await.json["catalog_version"],
        1,
        "nothing of it moves by itself"
    );
    let to = json!({"name": "kreatorflow", "version": 2});
    let moved = server.post("/v1/workspaces/old/catalog", to).await;
    assert_eq!((moved.status, &moved.json["catalog_version"]), (200, &json!(2)), "{:?}", moved.json);
    assert_eq!(moved.json["balance"]["available"], 300, "bug 35: lots stay as they are");
    let gone = json!({"name": "kreatorflow", "version": 7});
    assert_eq!(
        server.post("/v1/workspaces/old/catalog", gone).await.json["errors"][0]["pointer"],
        "/version"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_catalog_is_listed_by_key_and_nothing_changes() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let bad = next().replace("[pack.starter]", "[pack.starter]\nsurprise = 1");
    let answer = publish(&server, "", &bad).await;
    assert_eq!(answer.code(), (422, "invalid_request"));
    assert!(answer.json["errors"][0]["pointer"].as_str().unwrap().starts_with("pack"), "{:?}", answer.json);
    let negative = publish(&server, "", &next().replace("credits = 50\n", "credits = -50\n")).await;
    assert_eq!(negative.json["errors"][0]["pointer"], "pack.starter.credits", "{:?}", negative.json);
    assert_eq!(publish(&server, "", "not toml [").await.status, 422);
    for (text, why) in [
        (KREATORFLOW.replace("credits = 50\n", "credits = 60\n"), "version 1"),
        (next().replace("version = 2\n", "version = 5\n"), "version 2"),
    ] {
        for query in ["", "?dry_run=true"] {
            let answer = publish(&server, query, &text).await;
            assert_eq!(answer.code(), (409, "conflict"), "{query}");
            assert!(answer.json["detail"].as_str().unwrap().contains(why), "{:?}", answer.json);
        }
    }
    for query in ["", "?dry_run=true"] {
        let untiered = publish(&server, query, &next().replace("tier = \"pro\"", "tier = \"gold\"")).await;
        assert_eq!(untiered.json["errors"][0]["pointer"], "plan.pro.tier", "{query} {:?}", untiered.json);
    }
    let elsewhere =
        server.request(Method::PUT, "/v1/catalogs/kive", ADMIN).header("Content-Type", "text/plain");
    assert_eq!(Answer::of(elsewhere.body(next())).await.json["errors"][0]["pointer"], "name");
    let other =
        server.request(Method::PUT, "/v1/catalogs/kreatorflow", ADMIN).header("Content-Type", "image/png");
    assert_eq!(Answer::of(other.body(next())).await.code(), (415, "unsupported_media_type"));
    assert_eq!(server.get("/v1/catalogs/kreatorflow").await.json["version"], 1);
}

#[tokio::test]
async fn examples_must_come_out_before_a_catalog_is_published() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let examples = |available: u32| {
        format!(
            "catalog = \"kreatorflow\"\n[[example]]\nrule = \"R-1\"\ntitle = \"opens with its plan\"\n\
             given = {{ plan = \"pro\" }}\nwhen = [{{ advance = {{ to = \"period_end\" }} }}]\nthen = {{ available = {available} }}\n"
        )
    };
    let put = async |query: &str, examples: String| {
        let body: Value = json!({"catalog": next(), "examples": examples});
        server.put(&format!("/v1/catalogs/kreatorflow{query}"), body).await
    };
    let wrong = put("", examples(401)).await;
    assert_eq!(wrong.code(), (422, "invalid_request"), "{:?}", wrong.json);
    assert!(wrong.json["errors"][0]["detail"].as_str().unwrap().contains("R-1"), "{:?}", wrong.json);
    assert_eq!(server.get("/v1/catalogs/kreatorflow").await.json["version"], 1);
    for query in ["?dry_run=true", ""] {
        let right = put(query, examples(400)).await;
        assert_eq!(
            (right.status, &right.json["examples"][0]["rule"]),
            (200, &json!("R-1")),
            "{:?}",
            right.json
        );
    }
    assert_eq!(put("", "catalog = 5".to_owned()).await.status, 422);
}

#[tokio::test]
async fn kv_29_a_product_may_show_its_customers_balances_only() {
    let server = Server::at("2026-01-01T00:00:00Z");
    server.post("/v1/workspaces", json!({"id": OWN, "catalog": "kreatorflow", "plan": "pro"})).await;
    let ledger = format!("/v1/workspaces/{OWN}/ledger");
    let read = async |key: &str| Answer::of(server.request(Method::GET, &ledger, key)).await;
    assert_eq!(read(TENANT).await.status, 200, "the whole history is the default");
    let text = next().replacen("renewal =", "history = \"balance_only\"\nrenewal =", 1);
    assert_eq!(publish(&server, "", &text).await.status, 200);
    let to = json!({"name": "kreatorflow", "version": 2});
    assert_eq!(server.post(&format!("/v1/workspaces/{OWN}/catalog"), to).await.status, 200);
    assert_eq!(read(TENANT).await.code(), (403, "forbidden"));
    assert_eq!(read(ADMIN).await.status, 200, "the platform always sees it");
    let balance =
        Answer::of(server.request(Method::GET, &format!("/v1/workspaces/{OWN}/balance"), TENANT)).await;
    assert_eq!(balance.status, 200);
}
