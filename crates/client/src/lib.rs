//! A typed client of the HTTP API, and the loop that a worker runs.
//!
//! For the command line, for workers in Rust and for tests. [`Client`] has one method per call; each
//! that changes something sends an idempotency key and repeats itself over a broken connection or a
//! 503 without doing anything twice. [`worker`] leases jobs, keeps them alive, performs them through a
//! [`worker::Performer`] and delivers the results.
#![deny(missing_docs)]

mod body;
mod catalogs;
mod client;
mod credits;
mod entropy;
mod error;
mod events;
mod jobs;
mod leases;
mod life;
mod operate;
mod retry;
mod sse;
mod subscriptions;
mod task;
mod trust;
mod webhooks;
mod workspaces;

pub mod worker;

pub use body::{Download, Upload};
pub use client::{Client, ClientSettings, IdempotencyKey};
pub use error::ClientError;
pub use events::EventFeed;
pub use operate::WorkerOrder;
pub use retry::RetryPolicy;
pub use sse::{Frame, SseError, SseParser};
pub use trust::Trust;

/// The worker in Rust of the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/writing-a-worker.md")]
struct Guide;
