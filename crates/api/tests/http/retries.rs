//! The same request again gets the same answer and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{ADMIN, Answer, Server};

async fn post(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    Answer::of(server.request(Method::POST, path, ADMIN).header("Idempotency-Key", key).json(body)).await
}

#[tokio::test]
async fn a_repeated_submit_is_one_job_and_the_answers_are_the_same_bytes() {
    let server = Server::start();
    server.workspace("w").await;
    let (path, body) =
        ("/v1/workspaces/w/jobs", json!({"action": "image.generate", "params": {"outputs": 2}}));
    let first = post(&server, path, "k1", &body).await;
    assert_eq!((first.status, first.header("idempotent-replay")), (201, None));
    let lease = server.lease().await;
    assert_eq!(lease["job"], first.json["id"]);
    let again = post(&server, path, "k1", &body).await;
    assert_eq!((again.status, again.header("idempotent-replay")), (201, Some("true")));
    assert_eq!(again.bytes, first.bytes, "also when the job has moved on");
    let other = post(&server, path, "k1", &json!({"action": "image.generate"})).await;
    assert_eq!(other.code(), (422, "idempotency_mismatch"));
    assert_eq!(server.get(path).await.json["data"].as_array().unwrap().len(), 1);
    for bad in ["", "a b", &"k".repeat(256)] {
        assert_eq!(post(&server, path, bad, &body).await.code(), (422, "invalid_request"), "{bad:?}");
    }
}

#[tokio::test]
async fn a_remembered_refusal_is_refused_again_even_when_it_would_pass_now() {
    let server = Server::start();
    assert_eq!(server.post("/v1/workspaces", json!({"id": "w", "catalog": "kreatorflow"})).await.status, 201);
    let (path, body) =
        ("/v1/workspaces/w/jobs", json!({"action": "image.generate", "params": {"outputs": 16}}));
    assert_eq!(post(&server, path, "k", &body).await.code(), (402, "insufficient_credits"));
    let buy = json!({"pack": "creator", "payment": "p1"});
    assert_eq!(server.post("/v1/workspaces/w/purchases", buy).await.status, 201);
    let again = post(&server, path, "k", &body).await;
    assert_eq!(
        (again.code(), again.header("idempotent-replay")),
        ((402, "insufficient_credits"), Some("true"))
    );
    assert_eq!(post(&server, path, "k2", &body).await.status, 201);
}

#[tokio::test]
async fn a_workspace_without_an_id_is_made_once_per_key() {
    let server = Server::start();
    let body = json!({"catalog": "kive", "name": "Acme"});
    let first = post(&server, "/v1/workspaces", "make", &body).await;
    let again = post(&server, "/v1/workspaces", "make", &body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&again.bytes, again.header("idempotent-replay")), (&first.bytes, Some("true")));
    let other = post(&server, "/v1/workspaces", "make", &json!({"catalog": "kive"})).await;
    assert_eq!(other.code(), (422, "idempotency_mismatch"));
    assert_eq!(server.get("/v1/workspaces").await.json["data"].as_array().unwrap().len(), 1);
    let id = first.json["id"].as_str().unwrap();
    let taken = server.post("/v1/workspaces", json!({"catalog": "kive", "id": id})).await;
    assert_eq!(taken.code(), (409, "conflict"));
}

#[tokio::test]
async fn kv_08_a_payment_grants_once() {
    let server = Server::start();
    for id in ["w", "other"] {
        assert_eq!(
            server.post("/v1/workspaces", json!({"id": id, "catalog": "kreatorflow"})).await.status,
            201
        );
    }
    let buy = async |workspace: &str, body: Value| {
        server.post(&format!("/v1/workspaces/{workspace}/purchases"), body).await
    };
    let first = buy("w", json!({"pack": "starter", "payment": "p1"})).await;
    assert_eq!((first.status, &first.json["credits"]), (201, &json!(50)));
    let again = buy("w", json!({"pack": "starter", "payment": "p1"})).await;
    assert_eq!((again.status, &again.bytes), (200, &first.bytes));
    assert_eq!(buy("w", json!({"pack": "creator", "payment": "p1"})).await.code(), (409, "conflict"));
    let stolen = buy("other", json!({"pack": "starter", "payment": "p1"})).await;
    assert_eq!(stolen.code(), (409, "conflict"));
    assert_eq!(server.get("/v1/workspaces/w/purchases").await.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/workspaces/w").await.json["balance"]["available"], 70);
}

#[tokio::test]
async fn a_cancel_can_be_repeated_and_a_final_job_stays_as_it_is() {
    let server = Server::start();
    server.workspace("w").await;
    let job = server.submit("w").await;
    let path = format!("/v1/jobs/{job}/cancel");
    for _ in 0..2 {
        let cancelled = Answer::of(server.request(Method::POST, &path, ADMIN)).await;
        assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("cancelled")));
    }
    let done = server.submit("w").await;
    let lease = server.lease().await;
    server.complete(&lease, b"x").await;
    let cancelled = post(&server, &format!("/v1/jobs/{done}/cancel"), "k", &json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json["status"]), (200, &json!("succeeded")));
}

#[tokio::test]
async fn a_completion_repeated_gets_its_first_answer_and_charges_once() {
    let server = Server::start();
    server.workspace("w").await;
    server.submit("w").await;
    let lease = server.lease().await;
    let first = server.complete(&lease, b"x").await;
    let path = format!("/v1/worker/leases/{}/complete", lease["lease"].as_str().unwrap());
    let again = server.work(&path, json!({"outputs": [{"index": 0, "outcome": "landed"}]})).await;
    assert_eq!((again.status, &again.json), (200, &first.json));
    assert_eq!(
        server.get("/v1/workspaces/w/ledger?kind=settle").await.json["data"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn an_asset_uploaded_again_under_its_key_is_the_same_asset() {
    let server = Server::start();
    server.workspace("w").await;
    let put = |body: &'static str| {
        let post = server.request(Method::POST, "/v1/workspaces/w/assets", ADMIN);
        Answer::of(post.header("Idempotency-Key", "a1").header("Content-Type", "image/png").body(body))
    };
    let (first, again) = (put("picture").await, put("picture").await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((&again.bytes, again.header("idempotent-replay")), (&first.bytes, Some("true")));
    assert_eq!(put("another").await.code(), (422, "idempotency_mismatch"));
}

#[tokio::test]
async fn an_adjustment_gives_and_takes_and_always_with_a_reason() {
    let server = Server::start();
    server.workspace("w").await;
    let path = "/v1/workspaces/w/adjustments";
    let given = server.post(path, json!({"amount": 2.5, "reason": "sorry"})).await;
    assert_eq!(given.status, 201, "{:?}", given.json);
    assert!(given.json["lot"].as_str().unwrap().starts_with("lot_"));
    let taken = server.post(path, json!({"amount": -2.5, "reason": "mistake"})).await;
    assert_eq!((taken.status, &taken.json["lot"]), (201, &json!(null)));
    assert_eq!(server.post(path, json!({"amount": -1e9, "reason": "x"})).await.code(), (409, "conflict"));
    assert_eq!(server.post(path, json!({"amount": 1, "reason": ""})).await.code(), (422, "invalid_request"));
}

#[tokio::test]
async fn bug_50_what_is_given_back_for_a_job_never_sums_above_what_it_cost() {
    let server = Server::start();
    server.workspace("w").await;
    let path = "/v1/workspaces/w/adjustments";
    let job = server.submit("w").await;
    let lease = server.lease().await;
    let price = server.complete(&lease, b"x").await.json["credits"]["settled"].clone();
    let refund = json!({"amount": price, "reason": "not as asked", "job": job});
    assert_eq!(server.post(path, refund.clone()).await.status, 201);
    assert_eq!(server.post(path, refund).await.code(), (409, "conflict"));
}
