//! Tests of the store from outside, in one program so that they share their fixtures.
//!
//! Those on PostgreSQL start a throwaway server from installed binaries, and say so when there are none.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod backup;
mod bare;
mod batches;
mod conformance;
mod opening;
mod postgres;
mod support;
mod upgrade;
mod verify;
