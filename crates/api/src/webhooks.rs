//! What delivers webhooks. Given by the composition root, since deliveries know nothing of HTTP resources.

use futures_util::future::BoxFuture;
use reeve_protocol::{
    DeliveriesQuery, DeliveryView, Page, Problem, WebhookCreate, WebhookCreated, WebhookRedeliver,
    WebhookRedelivered, WebhookRotate, WebhookView,
};
use reeve_types::{WebhookId, WorkspaceId};

use crate::error::ApiError;

impl From<Box<Problem>> for ApiError {
    fn from(problem: Box<Problem>) -> Self {
        (*problem).into()
    }
}

/// An answer under way.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, Box<Problem>>>;

/// Figures of the deliveries for monitoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookFigures {
    /// Rows of the outbox that were not looked through yet.
    pub outbox_rows: u64,
    /// Deliveries that wait.
    pub waiting: u64,
    /// Age of the oldest event that waits, in milliseconds.
    pub oldest_ms: u64,
    /// Tries by how they ended: taken, to be repeated, given up.
    pub tries: [(&'static str, u64); 3],
    /// Endpoints that were disabled by their answers.
    pub disabled: u64,
}

impl Default for WebhookFigures {
    /// Nothing yet, under the words that there are.
    fn default() -> Self {
        let tries = [("delivered", 0), ("retried", 0), ("given_up", 0)];
        Self { outbox_rows: 0, waiting: 0, oldest_ms: 0, tries, disabled: 0 }
    }
}

/// Endpoints and their deliveries. Each change is whole, whatever becomes of the request that asked for it.
pub trait WebhookPort: Send + Sync + 'static {
    /// Registers an endpoint.
    fn create(&self, body: WebhookCreate) -> Asked<'_, WebhookCreated>;
    /// Every endpoint.
    fn list(&self) -> Asked<'_, Vec<WebhookView>>;
    /// One endpoint.
    fn get(&self, id: WebhookId) -> Asked<'_, WebhookView>;
    /// Removes an endpoint and its deliveries.
    fn delete(&self, id: WebhookId) -> Asked<'_, ()>;
    /// A new secret; the old one signs too for a while.
    fn rotate(&self, id: WebhookId, body: WebhookRotate) -> Asked<'_, WebhookCreated>;
    /// A new secret for the addresses that jobs of a workspace name.
    fn rotate_of_jobs(&self, workspace: WorkspaceId, body: WebhookRotate) -> Asked<'_, WebhookCreated>;
    /// Lets a disabled endpoint hear again.
    fn enable(&self, id: WebhookId) -> Asked<'_, WebhookView>;
    /// Sends an event that says nothing.
    fn test(&self, id: WebhookId) -> Asked<'_, WebhookView>;
    /// Sends deliveries again.
    fn redeliver(&self, id: WebhookId, body: WebhookRedeliver) -> Asked<'_, WebhookRedelivered>;
    /// Deliveries of an endpoint, the newest event first.
    fn deliveries(&self, id: WebhookId, query: DeliveriesQuery) -> Asked<'_, Page<DeliveryView>>;
    /// Whether a text may be an address of deliveries, as far as the text tells.
    ///
    /// # Errors
    /// Why not, naming `pointer`.
    fn check_url(&self, pointer: &str, url: &str) -> Result<(), Box<Problem>>;
    /// Figures for monitoring.
    fn figures(&self) -> WebhookFigures;
}
