//! Money and insight over the wire: purchases in any order, limits, usage, balances of the past and the future.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Answer, OWN, Server, TENANT};

async fn open(server: &Server, body: Value) {
    let made = server.post("/v1/workspaces", body).await;
    assert_eq!(made.status, 201, "{:?}", made.json);
}

async fn available(server: &Server, workspace: &str) -> Value {
    server.get(&format!("/v1/workspaces/{workspace}/balance")).await.json["available"].clone()
}

async fn buy(server: &Server, workspace: &str, body: Value) -> Answer {
    server.post(&format!("/v1/workspaces/{workspace}/purchases"), body).await
}

#[tokio::test]
async fn kv_08_09_pending_counts_to_the_cap_and_grants_once_it_is_confirmed() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "pro"})).await;
    let pending = buy(&server, "w", json!({"credits": 1500, "payment": "p1", "status": "pending"})).await;
    assert_eq!(
        (pending.status, &pending.json["status"], &pending.json["lot"]),
        (201, &json!("pending"), &json!(null))
    );
    assert_eq!(available(&server, "w").await, 2000);
    let denied = buy(&server, "w", json!({"credits": 501, "payment": "p2"})).await;
    assert_eq!(denied.code(), (403, "limit_reached"));
    assert_eq!(
        (&denied.json["limit"], &denied.json["pending"], &denied.json["used"]),
        (&json!(2000), &json!(1500), &json!(0))
    );
    assert_eq!(
        (&denied.json["name"], &denied.json["resets_at"]),
        (&json!("purchases"), &json!("2026-02-01T00:00:00.000Z"))
    );
    let id = pending.json["id"].as_str().unwrap();
    let call = async |what: &str, body: Value| server.post(&format!("/v1/purchases/{id}/{what}"), body).await;
    let failed = call("fail", json!({})).await;
    assert_eq!((failed.status, &failed.json["status"]), (200, &json!("failed")));
    assert_eq!(buy(&server, "w", json!({"credits": 500, "payment": "p2"})).await.status, 201);
    for _ in 0..2 {
        let paid = call("confirm", json!({})).await;
        assert_eq!(
            (paid.status, &paid.json["status"]),
            (200, &json!("paid")),
            "the money is there: {:?}",
            paid.json
        );
    }
    assert_eq!(available(&server, "w").await, 4000);
    assert_eq!(call("fail", json!({})).await.code(), (409, "conflict"));
    let again = buy(&server, "w", json!({"credits": 1500, "payment": "p1"})).await;
    assert_eq!((again.status, &again.json["id"]), (200, &json!(id)));
}

#[tokio::test]
async fn a_payment_told_paid_after_pending_is_confirmed_and_never_the_other_way_round() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kreatorflow"})).await;
    let body = |status: &str| json!({"pack": "starter", "payment": "p", "status": status});
    assert_eq!(buy(&server, "w", body("pending")).await.status, 201);
    let paid = buy(&server, "w", body("paid")).await;
    assert_eq!((paid.status, &paid.json["status"]), (200, &json!("paid")));
    let late = buy(&server, "w", body("pending")).await;
    assert_eq!((late.status, &late.json["status"]), (200, &json!("paid")));
    assert_eq!(available(&server, "w").await, 70);
    assert_eq!(buy(&server, "w", body("refunded")).await.code(), (422, "invalid_request"));
}

#[tokio::test]
async fn x13_a_chargeback_of_used_credits_is_debt_and_a_won_dispute_forgives_it() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kreatorflow"})).await;
    let id = buy(&server, "w", json!({"pack": "starter", "payment": "p"})).await.json["id"].clone();
    let id = id.as_str().unwrap();
    server.post("/v1/workspaces/w/adjustments", json!({"amount": -60, "reason": "used elsewhere"})).await;
    let path = format!("/v1/purchases/{id}/refund");
    let no = server.post(&path, json!({"kind": "requested"})).await;
    assert_eq!(no.code(), (409, "refund_refused"), "KF-09");
    assert_eq!(server.post(&path, json!({"kind": "admin"})).await.json["errors"][0]["pointer"], "/reason");
    let charged = server.post(&path, json!({"kind": "chargeback", "reason": "bank"})).await;
    assert_eq!(
        (charged.status, &charged.json["status"]),
        (200, &json!("charged_back")),
        "{:?}",
        charged.json
    );
    assert_eq!((&charged.json["clawed_back"], &charged.json["unrecovered"]), (&json!(10), &json!(40)));
    let balance = server.get("/v1/workspaces/w/balance").await.json;
    assert_eq!((&balance["available"], &balance["debt"]), (&json!(-40), &json!(40)));
    let rows = server.get("/v1/workspaces/w/ledger?kind=owe").await.json;
    assert_eq!(rows["data"][0]["amount"], 40);
    for _ in 0..2 {
        let won = server.post(&format!("/v1/purchases/{id}/dispute_won"), json!({})).await;
        assert_eq!((won.status, &won.json["restored"]), (200, &json!(true)), "{:?}", won.json);
    }
    assert_eq!(available(&server, "w").await, 10);
    let none = "/v1/purchases/pur_00000000000000000000000000000001/confirm";
    assert_eq!(server.post(none, json!({})).await.code(), (404, "not_found"));
}

#[tokio::test]
async fn a_won_dispute_gives_back_what_the_dispute_took_and_not_what_was_refunded_before() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "pro"})).await;
    let before = available(&server, "w").await.as_i64().unwrap();
    let bought = buy(&server, "w", json!({"credits": 100, "payment": "p"})).await;
    let path = format!("/v1/purchases/{}", bought.json["id"].as_str().unwrap());
    let refund = json!({"kind": "admin", "credits": 40, "reason": "half of it failed"});
    assert_eq!(server.post(&format!("{path}/refund"), refund).await.status, 200);
    let charged = server.post(&format!("{path}/refund"), json!({"kind": "chargeback"})).await;
    assert_eq!(charged.json["status"], "charged_back");
    assert_eq!(available(&server, "w").await, before);
    let won = server.post(&format!("{path}/dispute_won"), json!({})).await;
    assert_eq!((&won.json["status"], &won.json["refunded"]), (&json!("paid"), &json!(40)), "{:?}", won.json);
    assert_eq!(available(&server, "w").await, before + 60);
}

#[tokio::test]
async fn kv_27_a_promotion_doubles_what_is_confirmed_inside_it() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "pro"})).await;
    let promotion = json!({"catalog": "kive", "source": "promo", "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-08T00:00:00Z", "factor": 2});
    for _ in 0..2 {
        let put = server.put("/v1/promotions/january", promotion.clone()).await;
        assert_eq!((put.status, &put.json["factor"]), (200, &json!(2)), "{:?}", put.json);
    }
    assert_eq!(server.get("/v1/promotions").await.json["data"][0]["id"], "january");
    assert_eq!(buy(&server, "w", json!({"credits": 100, "payment": "p1"})).await.status, 201);
    assert_eq!(available(&server, "w").await, 2200);
    server.clock("2026-01-08T00:00:00Z").await;
    assert_eq!(buy(&server, "w", json!({"credits": 100, "payment": "p2"})).await.status, 201);
    assert_eq!(available(&server, "w").await, 2300, "at its end it is over");
    for (name, value) in [
        ("factor", json!(1)),
        ("factor", json!(5000)),
        ("source", json!("plan")),
        ("source", json!("none")),
        ("catalog", json!("none")),
        ("to", json!("2025-01-01T00:00:00Z")),
    ] {
        let mut wrong = promotion.clone();
        wrong[name] = value.clone();
        let answer = server.put("/v1/promotions/x", wrong).await;
        assert_eq!(answer.code(), (422, "invalid_request"), "{name} {value}");
        assert_eq!(answer.json["errors"][0]["pointer"], format!("/{name}"), "{value}");
    }
}

#[tokio::test]
async fn ka_04_a_referral_is_told_with_its_lot_and_an_adjustment_may_be_scoped() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kaiber", "plan": "explorer", "owner": {"user": "anna"}}))
        .await;
    let path = "/v1/workspaces/w/referrals";
    let first = server.post(path, json!({"friend": "ben"})).await;
    assert_eq!(first.status, 201, "{:?}", first.json);
    assert!(first.json["lot"].as_str().unwrap().starts_with("lot_"));
    assert_eq!(server.post(path, json!({"friend": "ben"})).await.code(), (409, "conflict"));
    assert_eq!(server.post(path, json!({"friend": "anna"})).await.code(), (403, "not_entitled"));
    let scoped = json!({"amount": 5, "reason": "r", "scope": "nothing"});
    let refused = server.post("/v1/workspaces/w/adjustments", scoped).await;
    assert_eq!(refused.json["errors"][0]["pointer"], "/scope", "{:?}", refused.json);
}

#[tokio::test]
async fn as_11_a_members_limit_counts_what_is_held() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": OWN, "catalog": "kive", "plan": "pro"})).await;
    let member = format!("/v1/workspaces/{OWN}/members/anna");
    let limit = json!({"limit": {"amount": 20, "window": "day"}});
    let put = server.put(&member, limit.clone()).await;
    assert_eq!((put.status, &put.json["limit"]), (200, &limit["limit"]), "{:?}", put.json);
    assert_eq!(put.json["resets_at"], "2026-01-02T00:00:00.000Z");
    let jobs = format!("/v1/workspaces/{OWN}/jobs");
    let job =
        |outputs: u32| json!({"action": "image.generate", "params": {"outputs": outputs}, "member": "anna"});
    assert_eq!(server.post(&jobs, job(2)).await.status, 201);
    let denied = server.post(&jobs, job(1)).await;
    assert_eq!(denied.code(), (403, "limit_reached"));
    assert_eq!(
        (&denied.json["limit"], &denied.json["held"], &denied.json["used"]),
        (&json!(20), &json!(16), &json!(0))
    );
    let listed = server.request(Method::GET, &format!("/v1/workspaces/{OWN}/members"), TENANT);
    let listed = Answer::of(listed).await.json;
    assert_eq!((&listed["data"][0]["member"], &listed["data"][0]["held"]), (&json!("anna"), &json!(16)));
    let lifted = server.put(&member, json!({})).await;
    assert_eq!((lifted.status, &lifted.json["limit"]), (200, &json!(null)));
    assert_eq!(server.post(&jobs, job(1)).await.status, 201);
    assert_eq!(server.put("/v1/workspaces/none/members/a", limit).await.code(), (404, "not_found"));
    let wrong = json!({"limit": {"amount": -1, "window": "day"}});
    assert_eq!(server.put(&member, wrong).await.json["errors"][0]["pointer"], "/limit/amount");
}

#[tokio::test]
async fn the_balance_of_another_instant_is_what_was_and_what_will_be() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kreatorflow", "plan": "pro"})).await;
    server.clock("2026-01-10T00:00:00Z").await;
    server.post("/v1/workspaces/w/adjustments", json!({"amount": -100, "reason": "x"})).await;
    let at = async |when: &str| server.get(&format!("/v1/workspaces/w/balance?at={when}")).await.json;
    let now = server.get("/v1/workspaces/w/balance").await.json;
    assert_eq!(
        now["next"],
        json!({"at": "2026-02-01T00:00:00.000Z", "what": "grant", "amount": 300}),
        "{now}"
    );
    let past = at("2026-01-05T00:00:00Z").await;
    assert_eq!((&past["available"], &past["as_of"]), (&json!(300), &json!("2026-01-05T00:00:00.000Z")));
    assert_eq!((&past["lots"][0]["available"], &past["next"]), (&json!(300), &json!(null)));
    assert_eq!(at("2026-01-31T23:59:59Z").await["available"], 200);
    let future = at("2026-02-01T00:00:00Z").await;
    assert_eq!(
        (&future["available"], &future["lots"].as_array().unwrap().len()),
        (&json!(300), &1),
        "{future}"
    );
    server.clock("2026-02-01T00:00:00Z").await;
    assert_eq!(server.get("/v1/workspaces/w/balance").await.json["available"], future["available"]);
    assert_eq!(at("2025-12-01T00:00:00Z").await["available"], 0, "before it was");
}

#[tokio::test]
async fn usage_is_summed_by_what_is_asked_for() {
    let server = Server::at("2026-01-01T10:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "pro"})).await;
    let mut jobs = Vec::new();
    for (member, day) in [("anna", 1), ("ben", 1), ("anna", 2)] {
        server.clock(&format!("2026-01-0{day}T12:00:00Z")).await;
        let body = json!({"action": "image.generate", "params": {"outputs": 1}, "member": member});
        assert_eq!(server.post("/v1/workspaces/w/jobs", body).await.status, 201);
        let lease = server.lease().await;
        jobs.push(server.complete(&lease, b"x").await.json["id"].clone());
    }
    let refund = json!({"amount": 3, "reason": "late", "job": jobs[2]});
    assert_eq!(server.post("/v1/workspaces/w/adjustments", refund).await.status, 201);
    let all = server.get("/v1/workspaces/w/usage").await.json;
    assert_eq!((&all["data"][0]["settled"], &all["data"][0]["jobs"]), (&json!(24), &json!(3)), "{all}");
    let by = server.get("/v1/workspaces/w/usage?group_by=member,day").await.json;
    let rows: Vec<Value> = by["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["member"], row["day"], row["settled"], row["refunded"]]))
        .collect();
    assert_eq!(
        rows,
        [
            json!(["anna", "2026-01-01", 8, 0]),
            json!(["anna", "2026-01-02", 8, 3]),
            json!(["ben", "2026-01-01", 8, 0])
        ]
    );
    let first = server.get("/v1/workspaces/w/usage?group_by=action&to=2026-01-02T00:00:00Z").await.json;
    assert_eq!(
        (&first["data"][0]["action"], &first["data"][0]["settled"]),
        (&json!("image.generate"), &json!(16))
    );
    assert_eq!(server.get("/v1/workspaces/none/usage").await.status, 404);
}

#[tokio::test]
async fn a_receipt_names_the_attempts_and_a_reason_cannot_be_a_formula() {
    let server = Server::at("2026-01-01T10:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kive", "plan": "pro"})).await;
    let job = server.submit("w").await;
    let lease = server.lease().await;
    let running = server.get(&format!("/v1/jobs/{job}/receipt")).await.json;
    assert_eq!(
        (&running["attempts"][0]["outcome"], &running["attempts"][0]["worker"]),
        (&json!("running"), &json!("w1"))
    );
    server.complete(&lease, b"x").await;
    let done = server.get(&format!("/v1/jobs/{job}/receipt")).await.json;
    assert_eq!(
        (&done["attempts"][0]["outcome"], &done["attempts"][0]["lease"]),
        (&json!("completed"), &lease["lease"])
    );
    let body = json!({"amount": 1, "reason": "=HYPERLINK(\"http://x\")"});
    assert_eq!(server.post("/v1/workspaces/w/adjustments", body).await.status, 201);
    let statement =
        server.request(Method::GET, "/v1/workspaces/w/ledger", ADMIN).header("Accept", "text/csv");
    let text = String::from_utf8(Answer::of(statement).await.bytes).unwrap();
    assert!(text.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{text}");
}

#[tokio::test]
async fn a_manual_clock_moves_forward_once_per_key_and_a_real_one_not_at_all() {
    let server = Server::at("2026-01-01T00:00:00Z");
    let shown = server.get("/v1/clock").await.json;
    assert_eq!(shown, json!({"now": "2026-01-01T00:00:00.000Z", "mode": "manual"}));
    let post = |body: Value| {
        server.request(Method::POST, "/v1/clock", ADMIN).header("Idempotency-Key", "k").json(&body)
    };
    for replay in [None, Some("true")] {
        let moved = Answer::of(post(json!({"advance_seconds": 1.5}))).await;
        assert_eq!((moved.status, moved.header("idempotent-replay")), (200, replay));
        assert_eq!(moved.json["now"], "2026-01-01T00:00:01.500Z");
    }
    assert_eq!(Answer::of(post(json!({"advance_seconds": 2}))).await.code(), (422, "idempotency_mismatch"));
    for wrong in [
        json!({}),
        json!({"advance_seconds": -1}),
        json!({"now": "2025-01-01T00:00:00Z"}),
        json!({"now": "9999-01-01T00:00:00Z"}),
    ] {
        assert_eq!(server.post("/v1/clock", wrong.clone()).await.code(), (422, "invalid_request"), "{wrong}");
    }
    let real = Server::start();
    assert_eq!(real.get("/v1/clock").await.json["mode"], "system");
    assert_eq!(real.post("/v1/clock", json!({"advance_seconds": 1})).await.status, 403);
}

#[tokio::test]
async fn a_denial_names_the_cheapest_way_out() {
    let server = Server::at("2026-01-01T00:00:00Z");
    open(&server, json!({"id": "w", "catalog": "kreatorflow"})).await;
    let body = json!({"action": "image.generate", "params": {"outputs": 16, "quality": "standard"}});
    let denied = server.post("/v1/workspaces/w/jobs", body).await;
    assert_eq!(denied.code(), (402, "insufficient_credits"));
    assert!(denied.json["cheapest"]["kind"].is_string(), "{:?}", denied.json);
}
