//! Kive: credits that roll over, plans up and down, a promotion, a chargeback, a trial.

use serde_json::json;

use super::{ends_well, killed};
use crate::fixture::{Server, Tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_17_18_20_22_27_a_year_of_rollover_upgrade_downgrade_promotion_and_chargeback() {
    let mut server = Server::at("2026-01-31T10:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive", "plan": "basic"})).await;
    acme.spend(700).await;
    assert_eq!(acme.available_at("2026-02-28T10:00:00Z").await, 1300, "KV-17, X18, as a forecast");
    api.clock("2026-02-28T09:59:59.999Z").await;
    assert_eq!(acme.available().await, 300);
    api.clock("2026-02-28T10:00:00Z").await;
    assert_eq!(acme.available().await, 1300, "KV-17");
    api.clock("2026-03-31T10:00:00Z").await;
    api.clock("2026-04-30T10:00:00Z").await;
    assert_eq!(acme.available().await, 3000, "KV-18: at most 2,000 are carried, then 1,000 come");
    killed(&mut server, &[&acme], "2026-04-30T10:00:00Z").await;
    let api = server.admin();
    let acme = Tenant { api: api.clone(), ..acme };

    // KV-20: up at once, the anchor moves, nothing is trimmed.
    api.clock("2026-05-20T08:00:00Z").await;
    let up = acme.subscribe(json!({"plan": "pro", "allotment": 5000})).await;
    assert_eq!(up["anchor_at"], "2026-05-20T08:00:00.000Z");
    assert_eq!(acme.available().await, 8000);
    assert_eq!(
        acme.subscribe(json!({"plan": "pro", "allotment": 5000})).await["balance"]["available"],
        8000,
        "KV-21"
    );

    // KV-27: confirmed inside, doubled; the cap counts what was bought.
    let promotion = json!({"catalog": "kive", "source": "promo", "from": "2026-06-01T00:00:00Z",
        "to": "2026-07-01T00:00:00Z", "factor": 2});
    api.put("/v1/promotions/june", promotion).await.ok(200);
    let early = acme.buy(json!({"credits": 1000, "payment": "may", "status": "pending"})).await.ok(201);
    assert_eq!(acme.available().await, 8000, "KV-08");
    api.clock("2026-06-02T00:00:00Z").await;
    let id = early["id"].as_str().unwrap();
    api.post(&format!("/v1/purchases/{id}/confirm"), json!({})).await.ok(200);
    assert_eq!(acme.available().await, 10_000, "bought 1,000, promoted 1,000");
    acme.buy(json!({"credits": 4001, "payment": "too-much"})).await.problem(403, "limit_reached");
    acme.buy(json!({"credits": 4000, "payment": "june"})).await.ok(201);
    assert_eq!(acme.available().await, 18_000);

    // KV-22: down at the end of the period; KV-23: taken back, nothing is lost.
    let down = acme.subscribe(json!({"plan": "basic"})).await;
    assert_eq!(down["scheduled_change"]["at"], "2026-06-20T08:00:00.000Z");
    api.post(&acme.path("/subscription/resume"), json!({})).await.ok(200);
    api.clock("2026-06-20T08:00:00Z").await;
    assert_eq!(
        acme.available().await,
        23_000,
        "plan 8,000 carried, 5,000 more, packs and promotions outside"
    );
    acme.subscribe(json!({"plan": "basic"})).await;
    killed(&mut server, &[&acme], "2026-06-20T08:00:00Z").await;
    let api = server.admin();
    let acme = Tenant { api: api.clone(), ..acme };
    assert_eq!(acme.available_at("2026-07-20T08:00:00Z").await, 3000);
    api.clock("2026-07-20T08:00:00Z").await;
    let after = acme.view().await;
    assert_eq!(
        (&after["plan"], &after["balance"]["available"]),
        (&json!("basic"), &json!(3000)),
        "2 x 1,000 kept, then 1,000"
    );

    // X13: a chargeback of a purchase whose lots were trimmed and spent.
    acme.spend(3000).await;
    let listed = api.get(&acme.path("/purchases")).await.ok(200);
    let june =
        listed["data"].as_array().unwrap().iter().find(|row| row["payment"] == "june").unwrap().clone();
    let refund = format!("/v1/purchases/{}/refund", june["id"].as_str().unwrap());
    let charged = api.post(&refund, json!({"kind": "chargeback", "reason": "bank"})).await.ok(200);
    assert_eq!(charged["status"], "charged_back");
    let balance = api.get(&acme.path("/balance")).await.ok(200);
    assert_eq!(balance["debt"], charged["unrecovered"]);
    let again = api.post(&refund, json!({"kind": "chargeback", "reason": "bank"})).await.ok(200);
    assert_eq!(again, charged, "bug 51: once");
    ends_well(&[&acme]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_12_24_25_a_trial_a_year_billed_once_and_a_cancel_at_its_end() {
    let server = Server::at("2026-02-01T00:00:00Z");
    let api = server.admin();
    let owner = json!({"user": "u1", "identity": "google"});
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive", "owner": owner})).await;
    assert_eq!(acme.available().await, 50, "KV-03");
    api.post(&acme.path("/trial"), json!({})).await.ok(201);
    api.clock("2026-02-04T00:00:00Z").await;
    let year = acme.subscribe(json!({"plan": "basic", "interval": "year"})).await;
    assert_eq!(
        (&year["period_end"], &year["term_end"]),
        (&json!("2026-03-04T00:00:00.000Z"), &json!("2027-02-04T00:00:00.000Z")),
        "KV-25"
    );
    assert_eq!(acme.available().await, 1550, "KV-24: the trial's lot stays until its end");
    api.clock("2026-02-08T00:00:00Z").await;
    assert_eq!(acme.available().await, 1050);
    let cancelled = api.delete(&acme.path("/subscription")).await.ok(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["scheduled_change"]["at"]),
        (&json!("canceling"), &json!("2027-02-04T00:00:00.000Z"))
    );
    api.clock("2026-06-04T00:00:00Z").await;
    assert_eq!(acme.available().await, 3050, "granted by the month");
    api.clock("2027-02-03T23:59:59Z").await;
    assert_eq!(acme.view().await["status"], "canceling");
    api.clock("2027-02-04T00:00:00Z").await;
    let after = acme.view().await;
    assert_eq!((&after["plan"], &after["status"]), (&json!("free"), &json!("active")), "X24");
    assert_eq!(acme.available().await, 50, "KV-12: the starter lot is outside the rule");
    ends_well(&[&acme]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kv_28_an_agreed_allotment_comes_with_the_next_period_and_settings_survive_a_crash() {
    let mut server = Server::at("2026-01-01T00:00:00Z");
    let api = server.admin();
    let acme = Tenant::open(&api, json!({"id": "acme", "catalog": "kive", "plan": "enterprise"})).await;
    let body = json!({"allotment": 250_000, "max_concurrent": 5, "name": "Acme", "metadata": {"crm": 7}});
    let patched = api.patch(&acme.path(""), body.clone()).await.ok(200);
    assert_eq!((&patched["allotment"], &patched["balance"]["available"]), (&json!(250_000), &json!(100_000)));
    assert_eq!(api.patch(&acme.path(""), body).await.ok(200), patched, "again is the same");
    killed(&mut server, &[&acme], "2026-01-01T00:00:00Z").await;
    let api = server.admin();
    api.clock("2026-02-01T00:00:00Z").await;
    let acme = Tenant { api: api.clone(), ..acme };
    assert_eq!(acme.available().await, 350_000);
    api.patch(&acme.path(""), json!({"timezone": "Mars/Olympus"})).await.problem(422, "invalid_request");
    ends_well(&[&acme]).await;
}
