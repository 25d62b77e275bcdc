//! What goes wrong around the queue: workers that die, hang, come late or lie about who they are, a server that is
//! killed full of work, and requests that make no sense. Charged once, nothing lost, and a clear answer.
//!
//! `leases` and `kill_rounds` have the single cases that are not repeated here: a silent worker, a lease that a
//! heartbeat drops, repeated completions, a lease over a restart, kills with submits in flight.

mod restart;
mod workers;
mod wrong_input;

use serde_json::Value;

use crate::fixture::{Books, Tenant, image, micros};

/// Leases that lapse soon enough for a test and late enough for a busy machine.
const SHORT_LEASES: [(&str, &str); 4] = [
    ("REEVE__LEASES__LEASE_MS", "2000"),
    ("REEVE__LEASES__HEARTBEAT_MS", "1000"),
    ("REEVE__LEASES__LEASE_ACK_MS", "2000"),
    ("REEVE__RETRY__BACKOFF_MS", "100"),
];

/// What an image costs, in micro-credits.
const IMAGE: i64 = 8_000_000;

/// One output that takes a worker this long.
fn slow(ms: u64) -> Value {
    let mut body = image(1);
    body["params"]["sketch"] = serde_json::json!({"slow_ms": ms});
    body
}

/// The end of a job: this status on this attempt, and the ledger says the same, once.
async fn check_end(tenant: &Tenant, job: &str, (status, attempt, images): (&str, u32, i64)) -> Books {
    let view = tenant.job(job).await;
    assert_eq!((&view["status"], &view["attempt"]), (&status.into(), &attempt.into()), "{view:#}");
    assert_eq!(micros(&view["credits"]["settled"]), images * IMAGE, "{view:#}");
    let books = tenant.books().await;
    books.check_final(&view);
    books
}
