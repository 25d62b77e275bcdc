//! Catalogs that change under running workspaces, and workspaces that come from elsewhere.

use serde_json::json;

use crate::fixture::{Server, Tenant, verify};

const KIRA: &str = include_str!("../../../config/catalogs/kira.toml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x6_a_new_version_is_taken_at_the_next_term_and_survives_a_crash() {
    let mut server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kira", "plan": "plus"})).await;
    let job = acme.admitted(json!({"action": "image.generate", "params": {}})).await;
    let text = KIRA.replace("version = 1\n", "version = 2\n");
    let text = text.replacen("price = { rate = 5 }", "price = { rate = 7 }", 1);
    let put = api.request(reqwest::Method::PUT, "/v1/catalogs/kira");
    let published = api.send(put.header("Content-Type", "application/toml").body(text)).await.ok(200);
    assert_eq!((&published["published"], &published["catalog"]["version"]), (&json!(true), &json!(2)));
    assert_eq!(acme.view().await["catalog_version"], 1);
    assert_eq!(acme.job(&job).await["credits"]["quoted"], 5, "bug 45");
    tokio::task::block_in_place(|| server.restart());
    let api = server.admin();
    let acme = Tenant { api: api.clone(), ..acme };
    assert_eq!(api.get("/v1/catalogs/kira").await.ok(200)["version"], 2);
    acme.cancel(&job).await.ok(200);
    api.clock("2026-02-01T00:00:00Z").await;
    let after = acme.view().await;
    assert_eq!(
        (&after["catalog_version"], &after["balance"]["available"]),
        (&json!(2), &json!(330)),
        "{after:#}"
    );
    let quote = json!({"action": "image.generate", "params": {}});
    assert_eq!(api.post(&acme.path("/quotes"), quote).await.ok(200)["credits"], 7);
    acme.books().await;
    verify(&api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_workspaces_live_on_as_if_they_had_always_been_here() {
    let mut server = Server::at("2026-01-10T00:00:00Z");
    let api = server.admin();
    let row = |n: u32| {
        json!({"id": format!("w{n}"), "catalog": "kive", "plan": "basic", "anchor_at": "2025-10-31T00:00:00Z",
            "lots": [{"source": "plan", "amount": 100 + n}, {"source": "pack", "amount": 5, "payment": format!("old-{n}")}]})
    };
    let rows: Vec<_> = (0..400).map(row).collect();
    let first = api.post("/v1/workspaces/import", json!(rows)).await.ok(200);
    assert_eq!((&first["imported"], &first["refused"]), (&json!(400), &json!(0)), "{:#}", first["data"][0]);
    tokio::task::block_in_place(|| server.restart());
    let api = server.admin();
    let again = api.post("/v1/workspaces/import", json!(rows)).await.ok(200);
    assert_eq!((&again["imported"], &again["existing"]), (&json!(0), &json!(400)), "{:#}", again["data"][0]);
    api.clock("2026-01-31T00:00:00Z").await;
    let w7 = Tenant { api: api.clone(), id: "w7".to_owned() };
    assert_eq!(w7.available().await, 1112, "X18: the anchor is the old system's");
    w7.books().await;
    verify(&api).await;
}
