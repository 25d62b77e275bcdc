//! Ports to durable storage: what an actor may ask of a store, and what it may rely on.
//!
//! - [`Journal`]: change sets in, outcomes out. Group commit, versions and claims are the adapter's work.
//! - [`Reader`]: everything that is read, apart from the writer.
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

pub use change::{CatalogRow, ChangeSet, KeyRow, PlatformChange, Role};
pub use insight::{DAY_MS, LotSums, PastBalance, PastLot, USAGE_ROWS_MAX, UsageFilter, UsageKey, UsageRow};
pub use memory::{Fault, MemoryJournal};
pub use outcome::{AbortReason, CommitOutcome, Journal, JournalHealth, Overloaded, Room, Urgency, Written};
pub use reader::{
    FactsRow, JobFilter, JobRecord, KEY_HASHES_MAX, LeasedRow, LedgerFilter, Loaded, Page, QueuedRow, Read,
    Reader, StoreError, StoredAnswer, WorkspaceRecord, key_hash,
};
