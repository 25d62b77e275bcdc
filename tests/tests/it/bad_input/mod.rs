//! Whatever is sent: a clear problem with a stable code, never a 5xx, and nothing changed.

mod bodies;
mod ids;
mod transport;
mod workers;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::fixture::{Api, Books, Hand, Server, Tenant, image, landed, outcome, verify};

/// A workspace with one running job of two outputs; its books before anything bad was sent.
struct Scene {
    server: Server,
    tenant: Tenant,
    hand: Hand,
    job: String,
    lease: String,
    before: Books,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::start();
        let tenant = Tenant::on(&server.admin(), "acme", "pro").await;
        let hand = Hand::new(&server.worker_api(), "hand");
        let job = tenant.admitted(image(2)).await;
        let lease = hand.one().await;
        let before = tenant.books().await;
        Self { server, tenant, hand, job, lease, before }
    }

    /// Nothing changed, the server lives, and the job that ran all the while ends well.
    async fn check(self) {
        let Self { server, tenant, hand, job, lease, before } = self;
        assert_eq!(tenant.books().await, before);
        let listed = tenant.api.get(&tenant.path("/jobs")).await.ok(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
        server.admin().get("/healthz").await.ok(200);
        let done = hand.complete(&lease, json!([landed(0), outcome(1, "failed")])).await.ok(200);
        assert_eq!(done["status"], "succeeded");
        tenant.books().await.check_final(&tenant.job(&job).await);
        verify(&tenant.api).await;
    }
}

fn raw(api: &Api, method: Method, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
    api.request(method, path).header("Content-Type", "application/json").body(body)
}
