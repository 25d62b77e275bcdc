//! Who may do what, how often, and who may listen: keys, limits, links, TLS, and what stays out of the log.

mod keys;
mod limits;
mod links;
mod logs;
mod storm;
mod table;
mod tls;

use serde_json::{Value, json};

use crate::fixture::Api;

/// A new key: its id and its secret.
async fn key(admin: &Api, body: Value) -> (String, String) {
    let made = admin.post("/v1/keys", body).await.ok(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

/// A new key of a workspace.
async fn key_of(admin: &Api, workspace: &str) -> (String, String) {
    key(admin, json!({"role": "workspace", "workspace": workspace})).await
}
