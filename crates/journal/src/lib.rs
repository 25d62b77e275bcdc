//! Ports to durable storage: what an actor may ask of a store, and what it may rely on.
//!
//! - [`Journal`]: change sets in, outcomes out. Group commit, versions and claims are the adapter's work.
//! - [`Reader`]: everything that is read, apart from the writer.
//! - [`WebhookReader`]: the same for endpoints, deliveries and the outbox.
//! - [`conformance`]: the promises, as tests that every adapter passes.
//! - [`MemoryJournal`]: an adapter without a disk that can be told to abort or to answer "unknown".
//!
//! Nothing here knows sea-orm, SQL or actix.

mod change;
pub mod conformance;
mod insight;
mod memory;
mod outcome;
mod reader;
mod reconcile;
mod tidy;
mod webhooks;

pub use change::{CatalogRow, ChangeSet, KeyRow, PlatformChange, Role};
pub use insight::{DAY_MS, LotSums, PastBalance, PastLot, USAGE_ROWS_MAX, UsageFilter, UsageKey, UsageRow};
pub use memory::{Fault, MemoryJournal};
pub use outcome::{AbortReason, CommitOutcome, Journal, JournalHealth, Overloaded, Room, Urgency, Written};
pub use reader::{
    FactsRow, ID_LEAD_MS_MAX, JOBS_LOOKED_AT_MAX, JobFilter, JobRecord, JobsFound, KEY_HASHES_MAX, LeasedRow,
    LedgerFilter, Loaded, Page, QueuedRow, Read, Reader, StoreError, StoredAnswer, WorkspaceRecord, key_hash,
};
pub use reconcile::{DaySpan, DaySums, Days, Reconciled};
pub use tidy::{AgedJob, EndingRow, Shed, ShedJob, Tidy};
pub use webhooks::{
    Attempt, Backlog, DeliveryFilter, DeliveryRow, DeliveryState, Disabled, DueDelivery, EndpointHealth,
    EndpointRow, EndpointSecret, Oldest, OutboxEvent, OutboxState, Prune, SECRET_BYTES, WebhookChange,
    WebhookReader, WebhookStep,
};
