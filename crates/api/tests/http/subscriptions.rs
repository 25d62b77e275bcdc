//! Plans over the wire: up, down, cancelled, resumed, tried, given back, by seats and by units.

use serde_json::{Value, json};

use crate::server::Server;

const JAN: &str = "2026-01-10T12:00:00Z";

async fn open(server: &Server, body: Value) {
    let made = server.post("/v1/workspaces", body).await;
    assert_eq!(made.status, 201, "{:?}", made.json);
}

async fn available(server: &Server, workspace: &str) -> Value {
    server.get(&format!("/v1/workspaces/{workspace}/balance")).await.json["available"].clone()
}

#[tokio::test]
async fn kv_20_22_23_up_is_now_and_down_waits_and_can_be_taken_back() {
    let server = Server::at(JAN);
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "basic"})).await;
    server.clock("2026-01-20T12:00:00Z").await;
    let path = "/v1/workspaces/w/subscription";
    let up = server.post(path, json!({"plan": "pro"})).await;
    assert_eq!((up.status, &up.json["plan"], &up.json["allotment"]), (200, &json!("pro"), &json!(2000)));
    assert_eq!(up.json["anchor_at"], "2026-01-20T12:00:00.000Z");
    assert_eq!(up.json["term_end"], "2026-02-20T12:00:00.000Z");
    assert_eq!(available(&server, "w").await, 3000);
    let down = server.post(path, json!({"plan": "basic"})).await.json;
    let change = &down["scheduled_change"];
    assert_eq!(
        (&down["plan"], &change["plan"], &change["kind"]),
        (&json!("pro"), &json!("basic"), &json!("change"))
    );
    assert_eq!(change["at"], "2026-02-20T12:00:00.000Z");
    let cancel = server.delete(path).await.json;
    assert_eq!(
        (&cancel["status"], &cancel["scheduled_change"]["kind"]),
        (&json!("canceling"), &json!("cancel"))
    );
    assert_eq!(cancel["scheduled_change"]["plan"], "free", "X24");
    let twice = server.delete(path).await;
    assert_eq!((twice.status, &twice.json["scheduled_change"]), (200, &cancel["scheduled_change"]));
    let resumed = server.post(&format!("{path}/resume"), json!({})).await.json;
    assert_eq!((&resumed["status"], &resumed["scheduled_change"]), (&json!("active"), &json!(null)));
    server.post(path, json!({"plan": "basic"})).await;
    let present = server.post(path, json!({"plan": "pro"})).await.json;
    assert_eq!(
        (&present["scheduled_change"], available(&server, "w").await),
        (&json!(null), json!(3000)),
        "X22"
    );
    for wrong in
        [json!({"plan": "none"}), json!({"plan": "pro", "allotment": 3}), json!({"plan": "pro", "seats": 0})]
    {
        assert_eq!(server.post(path, wrong.clone()).await.code(), (422, "invalid_request"), "{wrong}");
    }
    assert_eq!(server.post("/v1/workspaces/none/subscription", json!({"plan": "pro"})).await.status, 404);
}

#[tokio::test]
async fn kv_24_a_trial_lends_a_plan_once() {
    let server = Server::at(JAN);
    open(&server, json!({"id": "w", "catalog": "kive", "owner": {"user": "u1"}})).await;
    let started = server.post("/v1/workspaces/w/trial", json!({})).await;
    assert_eq!(started.status, 201, "{:?}", started.json);
    assert_eq!((&started.json["plan"], &started.json["trial"]["plan"]), (&json!("free"), &json!("pro")));
    assert_eq!(started.json["trial"]["until"], "2026-01-17T12:00:00.000Z");
    assert_eq!((&started.json["tier"], available(&server, "w").await), (&json!("pro"), json!(500)));
    assert_eq!(server.post("/v1/workspaces/w/trial", json!({})).await.code(), (409, "conflict"));
    server.clock("2026-01-17T12:00:00Z").await;
    let after = server.get("/v1/workspaces/w").await.json;
    assert_eq!((&after["trial"], &after["balance"]["available"]), (&json!(null), &json!(0)));
    open(&server, json!({"id": "paid", "catalog": "kive", "plan": "basic"})).await;
    assert_eq!(server.post("/v1/workspaces/paid/trial", json!({})).await.code(), (403, "not_entitled"));
}

#[tokio::test]
async fn as_07_08_12_seats_and_units_are_granted_once_and_end_with_the_term() {
    let server = Server::at("2026-03-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "ai-studios", "plan": "personal"})).await;
    server.clock("2026-03-20T00:00:00Z").await;
    let unit = "/v1/workspaces/w/addons/unit";
    let bought = server.put(unit, json!({"units": 1})).await;
    assert_eq!(
        (bought.status, &bought.json["addons"]["unit"]["units"]),
        (200, &json!(1)),
        "{:?}",
        bought.json
    );
    assert_eq!(server.put(unit, json!({"units": 1})).await.json["balance"]["available"], 120);
    server.clock("2026-04-01T00:00:00Z").await;
    assert_eq!(available(&server, "w").await, 120);
    let cancelled = server.delete(unit).await;
    assert_eq!((cancelled.status, &cancelled.json["addons"]["unit"]["next_units"]), (200, &json!(0)));
    assert_eq!(server.delete(unit).await.status, 200);
    server.clock("2026-05-01T00:00:00Z").await;
    let after = server.get("/v1/workspaces/w").await.json;
    assert_eq!((&after["balance"]["available"], &after["addons"]), (&json!(60), &json!({})));
    for path in ["/v1/workspaces/w/addons/other", "/v1/workspaces/w/addons/No%20Name"] {
        assert_eq!(server.put(path, json!({"units": 1})).await.code(), (404, "not_found"), "{path}");
        assert_eq!(server.delete(path).await.code(), (404, "not_found"), "{path}");
    }
    open(&server, json!({"id": "free", "catalog": "ai-studios"})).await;
    let denied = server.put("/v1/workspaces/free/addons/unit", json!({"units": 1})).await;
    assert_eq!(denied.code(), (403, "not_entitled"), "AS-09");

    open(&server, json!({"id": "team", "catalog": "ai-studios", "plan": "team", "seats": 2})).await;
    let more =
        server.post("/v1/workspaces/team/subscription", json!({"plan": "team", "seats": 3})).await.json;
    assert_eq!((&more["seats"], &more["balance"]["available"]), (&json!(3), &json!(450)));
}

#[tokio::test]
async fn kv_26_a_failed_renewal_is_past_due_until_it_is_paid() {
    let server = Server::at("2026-01-15T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "basic"})).await;
    let renewals = "/v1/workspaces/w/renewals";
    let failed = json!({"payment": "r1", "status": "failed"});
    assert_eq!(server.post(renewals, failed).await.status, 200);
    server.clock("2026-02-15T00:00:00Z").await;
    let due = server.get("/v1/workspaces/w").await.json;
    assert_eq!(
        (&due["status"], &due["past_due"]["until"]),
        (&json!("past_due"), &json!("2026-02-22T00:00:00.000Z"))
    );
    assert_eq!(due["balance"]["available"], 1000);
    server.clock("2026-02-17T00:00:00Z").await;
    let paid = server.post(renewals, json!({"payment": "r2", "status": "paid"})).await.json;
    assert_eq!((&paid["status"], &paid["balance"]["available"]), (&json!("active"), &json!(2000)));
    assert_eq!(paid["period_start"], "2026-02-15T00:00:00.000Z", "the anchor is kept");
    let again = server.post(renewals, json!({"payment": "r2", "status": "paid"})).await.json;
    assert_eq!(again["balance"]["available"], 2000);
    open(&server, json!({"id": "v", "catalog": "kive", "plan": "basic"})).await;
    let stolen = server.post("/v1/workspaces/v/renewals", json!({"payment": "r2", "status": "paid"})).await;
    assert_eq!(stolen.code(), (409, "conflict"));
    assert!(!stolen.json["detail"].as_str().unwrap().contains("`w`"), "{:?}", stolen.json);
}

#[tokio::test]
async fn kf_08_10_a_subscription_goes_back_whole_while_unused_or_by_unused_months_of_a_year() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kreatorflow", "plan": "pro"})).await;
    let proposal = server.get("/v1/workspaces/w/subscription/refund_proposal").await.json;
    assert_eq!(
        proposal,
        json!({"unused_months": 1, "of_months": 1, "credits_to_retire": 300, "in_full": true})
    );
    let body = json!({"payment": "s1", "reason": "changed my mind"});
    let back = server.post("/v1/workspaces/w/subscription/refund", body.clone()).await;
    assert_eq!(
        (back.status, &back.json["plan"], &back.json["balance"]["available"]),
        (200, &json!("free"), &json!(0))
    );
    let none = server.get("/v1/workspaces/w/subscription/refund_proposal").await;
    assert_eq!(none.code(), (409, "refund_refused"));
    open(&server, json!({"id": "y", "catalog": "kreatorflow", "plan": "pro", "interval": "year"})).await;
    server.clock("2026-04-15T00:00:00Z").await;
    let proposal = server.get("/v1/workspaces/y/subscription/refund_proposal").await.json;
    assert_eq!((&proposal["unused_months"], &proposal["of_months"]), (&json!(8), &json!(12)), "{proposal}");
    assert_eq!(server.post("/v1/workspaces/y/subscription/refund", body).await.code(), (409, "conflict"));
    let empty = json!({"payment": "s2", "reason": ""});
    assert_eq!(
        server.post("/v1/workspaces/y/subscription/refund", empty).await.code(),
        (422, "invalid_request")
    );
    let back =
        server.post("/v1/workspaces/y/subscription/refund", json!({"payment": "s2", "reason": "left"})).await;
    assert_eq!((back.status, &back.json["plan"]), (200, &json!("free")), "{:?}", back.json);
}

#[tokio::test]
async fn settings_are_patched_one_by_one() {
    let server = Server::at(JAN);
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "enterprise", "name": "Acme"})).await;
    let path = "/v1/workspaces/w";
    let body =
        json!({"timezone": "Asia/Tokyo", "max_concurrent": 3, "metadata": {"a": 1}, "allotment": 250_000});
    let patched = server.patch(path, body).await;
    assert_eq!(patched.status, 200, "{:?}", patched.json);
    let patched = patched.json;
    assert_eq!((&patched["name"], &patched["timezone"]), (&json!("Acme"), &json!("Asia/Tokyo")));
    assert_eq!((&patched["max_concurrent"], &patched["allotment"]), (&json!(3), &json!(250_000)));
    let cleared =
        server.patch(path, json!({"name": null, "max_concurrent": null, "metadata": null})).await.json;
    assert_eq!((&cleared["name"], &cleared["metadata"]), (&json!(null), &json!(null)));
    assert_ne!(cleared["max_concurrent"], 3);
    for (wrong, pointer) in [
        (json!({"timezone": "Mars/Olympus"}), "/timezone"),
        (json!({"max_concurrent": 0}), "/max_concurrent"),
        (json!({"catalog_version": 9}), "/catalog_version"),
        (json!({"surprise": 1}), "/surprise"),
    ] {
        let answer = server.patch(path, wrong.clone()).await;
        assert_eq!(answer.code(), (422, "invalid_request"), "{wrong}");
        assert_eq!(answer.json["errors"][0]["pointer"], pointer, "{wrong}");
    }
    server.clock("2026-02-10T12:00:00Z").await;
    assert_eq!(available(&server, "w").await, 350_000, "KV-28: from the next period on");
}
