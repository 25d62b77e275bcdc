//! Calls about webhooks.

use reeve_protocol::{
    DeliveriesQuery, DeliveryView, Page, WebhookCreate, WebhookCreated, WebhookRedeliver, WebhookRedelivered,
    WebhookRotate, WebhookView,
};
use reeve_types::{WebhookId, WorkspaceId};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::keyed;
use crate::{Client, ClientError, IdempotencyKey};

const WEBHOOKS: [&str; 2] = ["v1", "webhooks"];

impl Client {
    /// Registers an endpoint; its secret is in this answer only. Sent once, since a repeat would make another one.
    pub async fn create_webhook(&self, body: &WebhookCreate) -> Result<WebhookCreated, ClientError> {
        self.once(keyed(self.to(Method::POST, &WEBHOOKS).json(body), IdempotencyKey::Fresh)).await
    }

    /// All endpoints.
    pub async fn webhooks(&self) -> Result<Page<WebhookView>, ClientError> {
        self.get(&WEBHOOKS, &()).await
    }

    /// One endpoint.
    pub async fn webhook(&self, id: WebhookId) -> Result<WebhookView, ClientError> {
        self.get(&["v1", "webhooks", &id.to_string()], &()).await
    }

    /// Removes an endpoint with its deliveries.
    pub async fn delete_webhook(&self, id: WebhookId) -> Result<(), ClientError> {
        let request = self.to(Method::DELETE, &["v1", "webhooks", &id.to_string()]);
        self.repeat::<serde::de::IgnoredAny>(request).await.map(drop)
    }

    /// Gives an endpoint a new secret, which is in this answer only. Sent once, since a repeat would end this one.
    pub async fn rotate_webhook(
        &self,
        id: WebhookId,
        body: &WebhookRotate,
    ) -> Result<WebhookCreated, ClientError> {
        self.once_about(id, "rotate", body).await
    }

    /// The same for the addresses that jobs of a workspace name; makes the first secret, too.
    pub async fn rotate_job_webhooks(
        &self,
        workspace: &WorkspaceId,
        body: &WebhookRotate,
    ) -> Result<WebhookCreated, ClientError> {
        let path = ["v1", "workspaces", workspace.as_str(), "job_webhooks", "rotate"];
        self.once(keyed(self.to(Method::POST, &path).json(body), IdempotencyKey::Fresh)).await
    }

    /// Lets a disabled endpoint hear again.
    pub async fn enable_webhook(&self, id: WebhookId) -> Result<WebhookView, ClientError> {
        let id = id.to_string();
        self.post_bare(&["v1", "webhooks", &id, "enable"], IdempotencyKey::Fresh).await
    }

    /// Sends an event that says nothing.
    pub async fn test_webhook(&self, id: WebhookId) -> Result<WebhookView, ClientError> {
        let id = id.to_string();
        self.post_bare(&["v1", "webhooks", &id, "test"], IdempotencyKey::Fresh).await
    }

    /// Sends deliveries again: a part of them, see `next_cursor` of the answer.
    pub async fn redeliver_webhook(
        &self,
        id: WebhookId,
        body: &WebhookRedeliver,
    ) -> Result<WebhookRedelivered, ClientError> {
        let id = id.to_string();
        self.post(&["v1", "webhooks", &id, "redeliver"], body, IdempotencyKey::Fresh).await
    }

    /// A page of what became of deliveries, the newest event first.
    pub async fn webhook_deliveries(
        &self,
        id: WebhookId,
        query: &DeliveriesQuery,
    ) -> Result<Page<DeliveryView>, ClientError> {
        self.get(&["v1", "webhooks", &id.to_string(), "deliveries"], query).await
    }

    async fn once_about<A: DeserializeOwned>(
        &self,
        id: WebhookId,
        what: &str,
        body: &impl Serialize,
    ) -> Result<A, ClientError> {
        let request = self.to(Method::POST, &["v1", "webhooks", &id.to_string(), what]).json(body);
        self.once(keyed(request, IdempotencyKey::Fresh)).await
    }
}
