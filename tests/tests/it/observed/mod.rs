//! What somebody sees who watches a server: traces, request ids, readiness.

mod collector;
mod readiness;
mod request_ids;
mod traces;

pub use collector::Collector;
