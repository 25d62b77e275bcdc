//! Names of the headers that carry part of the contract, and the media types of its bodies.

/// Names a request that changes something, so that it may be repeated safely.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// `true` on an answer that is the first answer again.
pub const IDEMPOTENT_REPLAY: &str = "Idempotent-Replay";
/// Names one request in answers, ledger rows and logs.
pub const REQUEST_ID: &str = "X-Request-Id";
/// A place in a trace (W3C Trace Context): taken from requests, and passed on to the worker with the lease.
pub const TRACEPARENT: &str = "traceparent";
/// The digest of an uploaded body: `sha-256=:<base64>:`.
pub const CONTENT_DIGEST: &str = "Content-Digest";
/// Where an event stream resumes.
pub const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Seconds to wait before a retry.
pub const RETRY_AFTER: &str = "Retry-After";

/// Media type of problem details (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Media type of an event stream.
pub const EVENT_STREAM: &str = "text/event-stream";

/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
