//! What workers call: lease, heartbeat, progress, upload, complete, fail.

pub(crate) mod completion;
pub(crate) mod handed;
pub(crate) mod heartbeat;
pub(crate) mod inputs;
pub(crate) mod leases;
pub(crate) mod progress;
pub(crate) mod uploads;

use reeve_protocol::Code;
use reeve_types::LeaseId;

use crate::error::ApiError;

/// Longest session id, in characters.
pub(crate) const SESSION_CHARS_MAX: usize = 128;

/// The attempt is over: drop it.
pub(crate) fn stale(lease: LeaseId) -> ApiError {
    ApiError::new(Code::StaleLease, format!("lease `{lease}` is not live; drop this attempt"))
}
