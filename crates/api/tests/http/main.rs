//! The API over a real socket: an engine on an in-memory journal, a local artifact store, a real HTTP client.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod access;
mod bend;
mod catalogs;
mod credits;
mod errors;
mod flow;
mod hostile;
mod hostile_rest;
mod hostile_words;
mod hostile_workers;
mod imports;
mod readiness;
mod retries;
mod server;
mod streams;
mod subscriptions;
