//! Reconciliation: payments against credits, and charges against deliveries, per day.

use serde_json::{Value, json};

use super::super::fixture::{Hand, Server, Tenant, image, landed, outcome, verify};
use super::{cli, stdout};

#[tokio::test]
async fn every_day_adds_up_from_both_sides() {
    let server = Server::at("2026-01-10T12:00:00Z");
    let api = server.admin();
    let tenant = Tenant::on(&api, "acme", "basic").await;
    let other = Tenant::on(&api, "other", "basic").await;
    let bought = tenant.buy(json!({"credits": 200, "payment": "pay_1"})).await.ok(201);
    other.buy(json!({"credits": 100, "payment": "pay_2", "status": "pending"})).await.ok(201);
    let worker = Hand::new(&server.worker_api(), "hand");
    for (tenant, outcomes) in
        [(&tenant, json!([landed(0), landed(1)])), (&other, json!([landed(0), outcome(1, "filtered")]))]
    {
        tenant.admitted(image(2)).await;
        let lease = worker.one().await;
        worker.complete(&lease, outcomes).await.ok(200);
    }
    api.clock("2026-01-11T01:00:00Z").await;
    let purchase = bought["id"].as_str().unwrap();
    api.post(&format!("/v1/purchases/{purchase}/refund"), json!({"kind": "chargeback", "reason": "x"}))
        .await
        .ok(200);
    let view = api.get("/v1/reconciliation?from=2026-01-10&to=2026-01-12").await.ok(200);
    assert_eq!(view["ok"], true, "{view:#}");
    let days = view["days"].as_array().unwrap();
    assert_eq!(
        (days.len(), &days[0]["day"], &days[1]["day"]),
        (2, &json!("2026-01-10"), &json!("2026-01-11"))
    );
    let first = &days[0]["sums"];
    assert_eq!(
        (&first["payments"], &first["paid"], &first["granted_paid"]),
        (&json!(1), &json!(200), &json!(200))
    );
    assert_eq!(
        (&first["settled"], &first["charged"], &first["delivered"]),
        (&json!(24), &json!(24), &json!(3))
    );
    assert_eq!((&first["released"], &first["granted_other"]), (&json!(8), &json!(2_000)));
    assert_eq!(days[1]["sums"]["clawed_back"], 200);
    let none = api.get("/v1/reconciliation?from=2026-01-12&to=2026-01-13").await.ok(200);
    assert_eq!((&none["days"], &none["ok"]), (&json!([]), &json!(true)));
    api.get("/v1/reconciliation?from=2026-01-12&to=2026-01-10").await.problem(422, "invalid_request");
    let csv = api.request(reqwest::Method::GET, "/v1/reconciliation?from=2026-01-10&to=2026-01-12");
    let csv = api.send(csv.header("Accept", "text/csv")).await;
    assert_eq!((csv.status, csv.text().lines().count()), (200, 3));
    let shown = cli(&server, &["reconcile", "--from", "2026-01-10", "--to", "2026-01-12", "--csv"]);
    assert!(
        shown.status.success() && stdout(&shown).contains("2026-01-10,1,200,200,0,2000,24,3,24,0,"),
        "{shown:?}"
    );
    let table = cli(&server, &["reconcile", "--from", "2026-01-10", "--to", "2026-01-12", "--json"]);
    let json: Value = serde_json::from_slice(&table.stdout).unwrap();
    assert_eq!(json, view);
    verify(&api).await;
}
