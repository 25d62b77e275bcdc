//! What the journal keeps for webhooks: endpoints, deliveries, and how far the outbox was looked through.
//!
//! Written by the one writer as any other change of the platform, read apart from it. The rows of the outbox get
//! their ids in the order in which they commit: one lane writes, one transaction at a time, so a cursor over ids
//! misses nothing, on PostgreSQL too.

use std::fmt;

use reeve_types::{JobId, Millis, WebhookId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::reader::{Page, Read};

/// Bytes of a signing secret.
pub const SECRET_BYTES: usize = 32;

/// A secret that signs deliveries. Kept as it is, since signing needs it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSecret {
    pub bytes: [u8; SECRET_BYTES],
    /// Signs until then; `None` for the one in force.
    pub until: Option<Millis>,
}

impl fmt::Debug for EndpointSecret {
    /// Without the secret: debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSecret").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Why an endpoint hears nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disabled {
    pub at: Millis,
    pub why: String,
}

/// An address that hears of what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    pub id: WebhookId,
    /// Empty when each job names its own.
    pub url: String,
    /// Kinds it hears; empty for all.
    pub events: Vec<String>,
    /// The one workspace it hears of; `None` for all.
    pub workspace: Option<WorkspaceId>,
    /// Made for the addresses that jobs of its workspace name.
    pub of_jobs: bool,
    /// The one in force first.
    pub secrets: Vec<EndpointSecret>,
    pub created_at: Millis,
    /// Hears outbox rows after this one. Given by the store when the row is made; what is written here is not kept.
    pub heard_from: i64,
    /// The first failed try since the last one that succeeded.
    pub failing_since: Option<Millis>,
    pub disabled: Option<Disabled>,
}

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    pub id: i64,
    /// `None` for what belongs to none.
    pub workspace: Option<WorkspaceId>,
    pub at: Millis,
    pub kind: String,
    pub job: Option<JobId>,
    /// JSON text.
    pub body: String,
    /// The address that its job names.
    pub job_url: Option<String>,
}

/// Where the outbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxState {
    /// The newest row, 0 when there never was one.
    pub newest: i64,
    /// Everything up to this row was looked through.
    pub cursor: i64,
    /// Whether any job names an address of its own.
    pub job_urls: bool,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried, or tried again.
    Pending,
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }
}

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    pub webhook: WebhookId,
    /// Id of the outbox row.
    pub event: i64,
    /// When it happened.
    pub created_at: Millis,
    pub kind: String,
    /// Where to, when it is not the endpoint's own address.
    pub url: Option<String>,
    pub state: DeliveryState,
    /// When it is tried next; `None` once it is delivered or given up.
    pub due_at: Option<Millis>,
    /// Tries since it was made, or asked for again.
    pub attempts: u32,
    /// How often it was asked for again. Counted by the store.
    pub asked: u32,
    pub last: Option<Attempt>,
}

impl DeliveryRow {
    /// A delivery that was never tried.
    pub fn new(webhook: WebhookId, event: &OutboxEvent, url: Option<String>, due_at: Millis) -> Self {
        Self {
            webhook,
            event: event.id,
            created_at: event.at,
            kind: event.kind.clone(),
            url,
            state: DeliveryState::Pending,
            due_at: Some(due_at),
            attempts: 0,
            asked: 0,
            last: None,
        }
    }
}

/// The last try of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub at: Millis,
    pub took_ms: u32,
    /// The status it was answered with, if it was.
    pub status: Option<u16>,
    /// Why it did not succeed.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub response: Option<String>,
}

/// A delivery with the event it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    pub delivery: DeliveryRow,
    /// `None` when the row of the outbox was pruned.
    pub event: Option<OutboxEvent>,
}

/// Which deliveries of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub state: Option<DeliveryState>,
    /// Of events at or after this instant.
    pub since: Option<Millis>,
}

/// What waits, over all endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub count: u64,
    /// The oldest event that waits.
    pub oldest_at: Option<Millis>,
    /// The lowest outbox id that a delivery still needs.
    pub lowest_event: Option<i64>,
}

/// The oldest rows there are: whether pruning is worth a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    pub outbox_at: Option<Millis>,
    pub outbox_id: Option<i64>,
    pub delivery_at: Option<Millis>,
}

/// What pruning removes, at most so many rows of each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prune {
    /// Rows of the outbox up to this id ...
    pub outbox_upto: i64,
    /// ... that happened before this.
    pub outbox_before: Millis,
    pub deliveries_before: Millis,
    pub count_max: u32,
}

/// How an endpoint does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    pub id: WebhookId,
    pub failing_since: Option<Millis>,
    pub disabled: Option<Disabled>,
}

/// A part of the courier's work, in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookStep {
    /// Endpoints for the addresses of jobs; one that exists stays as it is.
    pub endpoints: Vec<EndpointRow>,
    /// One that exists stays as it is.
    pub deliveries: Vec<DeliveryRow>,
    /// These are tried anew, whether they exist or not.
    pub again: Vec<DeliveryRow>,
    /// Deliveries at their new values. One that is gone stays gone, and one that was asked for again meanwhile is not
    /// touched: a try that began before says nothing of the one that is wanted.
    pub attempts: Vec<DeliveryRow>,
    pub health: Vec<EndpointHealth>,
    /// The outbox is looked through up to here. Never moves back.
    pub cursor: Option<i64>,
    pub prune: Option<Prune>,
}

impl WebhookStep {
    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A change of what webhooks keep. Each may be sent again after an unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookChange {
    /// An endpoint at its latest values.
    Put(EndpointRow),
    /// An endpoint, and at most `count_max` of its deliveries. Sent again until none is left.
    Delete {
        id: WebhookId,
        count_max: u32,
    },
    /// An event for one endpoint alone, written to the outbox. Sent again after an unknown outcome it may be there
    /// twice, which at least once allows.
    Tell {
        kind: String,
        workspace: Option<WorkspaceId>,
        at: Millis,
        body: String,
    },
    Step(Box<WebhookStep>),
}

/// What is read for webhooks.
pub trait WebhookReader: Send + Sync + 'static {
    /// Endpoints that were registered, in order of id; those of job addresses are not among them.
    fn endpoints(&self) -> Read<'_, Vec<EndpointRow>>;
    /// One endpoint, of either sort.
    fn endpoint(&self, id: WebhookId) -> Read<'_, Option<EndpointRow>>;
    /// Where the outbox stands.
    fn outbox_state(&self) -> Read<'_, OutboxState>;
    /// Rows of the outbox after one, in order of id; `job_urls` asks for the addresses that their jobs name.
    fn outbox(&self, after: i64, job_urls: bool, count_max: u32) -> Read<'_, Vec<OutboxEvent>>;
    /// Endpoints that have a delivery that waits, in order of id.
    fn waiting(&self) -> Read<'_, Vec<WebhookId>>;
    /// Deliveries of an endpoint that wait, in order of due time and event.
    fn next_due(&self, id: WebhookId, count_max: u32) -> Read<'_, Vec<DueDelivery>>;
    /// Deliveries of an endpoint, the newest event first; the cursor of a page is an event's id.
    fn deliveries<'a>(
        &'a self,
        id: WebhookId,
        filter: &'a DeliveryFilter,
        page: &'a Page,
    ) -> Read<'a, Vec<DeliveryRow>>;
    /// One delivery.
    fn delivery(&self, id: WebhookId, event: i64) -> Read<'_, Option<DueDelivery>>;
    /// What waits, over all endpoints.
    fn backlog(&self) -> Read<'_, Backlog>;
    /// The oldest rows.
    fn oldest(&self) -> Read<'_, Oldest>;
}
