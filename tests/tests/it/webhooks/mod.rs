//! Webhooks, against receivers of this process: signed, again when they fail, and never where they must not go.

mod kills;
mod receiver;
mod retries;
mod story;
mod tls;

use serde_json::{Value, json};

use crate::fixture::{Api, Hand, Server, Tenant, image, landed};
use receiver::{Receiver, Reply};

/// Receivers of these tests are on this machine and speak plain http.
const ALLOWED: [(&str, &str); 2] =
    [("REEVE__WEBHOOKS__ALLOW_HTTP", "true"), ("REEVE__WEBHOOKS__ALLOW_ADDRESSES", "127.0.0.0/8, ::1")];

/// An endpoint, with its id and its secret.
struct Hook {
    api: Api,
    id: String,
    secret: String,
}

impl Hook {
    async fn add(api: &Api, body: Value) -> Self {
        let made = api.post("/v1/webhooks", body).await.ok(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self { api: api.clone(), id: text(&made["webhook"]["id"]), secret: text(&made["secret"]) }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/webhooks/{}{rest}", self.id)
    }

    async fn view(&self) -> Value {
        self.api.get(&self.path("")).await.ok(200)
    }

    async fn log(&self) -> Vec<Value> {
        self.api.get(&self.path("/deliveries")).await.ok(200)["data"].as_array().unwrap().clone()
    }

    async fn redeliver(&self, body: Value) -> u64 {
        self.api.post(&self.path("/redeliver"), body).await.ok(200)["deliveries"].as_u64().unwrap()
    }
}

/// Submits an image with its metadata, performs it, and gives its id.
async fn performed(server: &Server, tenant: &Tenant) -> String {
    let hand = Hand::new(&server.worker_api(), "hand");
    let mut body = image(1);
    body["metadata"] = json!({"order": 7});
    let job = tenant.admitted(body).await;
    hand.complete(&hand.one().await, json!([landed(0)])).await.ok(200);
    job
}
