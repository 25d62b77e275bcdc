//! The words every other crate speaks: ids, amounts of credits, instants, limits.
//!
//! Pure: no clock, no randomness, no I/O. Everything here is a value; what has a rule of its own
//! (a price, a lot, a job) lives in the crate that owns the rule.
#![deny(missing_docs)]

mod credits;
mod hex;
mod id;
mod name;
mod near;
mod object;
mod prefix;
mod time;

pub use credits::{AmountError, Credits};
pub use hex::Hex;
pub use id::{AssetId, IdError, JobId, KeyId, LeaseId, LotId, PurchaseId, WebhookId};
pub use name::{
    ActionName, CatalogName, MemberId, NameError, PlanName, PoolName, SourceName, TierName, WorkerName,
    WorkspaceId,
};
pub use near::{did_you_mean, did_you_mean_of, nearest};
pub use object::ObjectText;
pub use prefix::{Prefix, PrefixError};
pub use time::{Clock, Millis};

/// Bounds that several crates must agree on.
pub mod limits {
    /// Most outputs one job may ask for (X25).
    pub const OUTPUTS_MAX: u32 = 16;
    /// Longest requested length of a video, in seconds (X25).
    pub const SECONDS_MAX: u32 = 600;
    /// Highest price or grant of one command, in whole credits: beyond it the input is a mistake.
    pub const CREDITS_MAX: i64 = 1_000_000_000_000;
    /// Most leases one worker request may ask for.
    pub const SLOTS_MAX: u32 = 1_000;
    /// Longest long poll, in seconds.
    pub const WAIT_SECONDS_MAX: u64 = 60;
    /// Largest JSON body, in bytes.
    pub const BODY_BYTES_MAX: usize = 1 << 20;
    /// Largest output or asset, in bytes.
    pub const UPLOAD_BYTES_MAX: usize = 1 << 30;
}
