//! The journal: one task owns the writer and packs change sets of many workspaces into one transaction.
//!
//! - `handle`: the port; never blocks, refuses when full.
//! - `work`: a change set on its way, and who waits for it.
//! - `queue`: what waits, and which of it goes together.
//! - `plan`: a batch as rows, coalesced to last values.
//! - `writer`: one transaction, and what to do when it does not succeed.
//! - `hot`: the same for the usual batch of SQLite, row by row in the journal's own thread.
//! - `ahead`, `catch_up`: under load such a batch is one row, and comes into the tables later.
//! - `teller`: callers hear of a batch of PostgreSQL while the next one is under way.
//! - `lane`: the session that may write, and what a lost one left behind.
//! - `platform`, `webhooks`: what belongs to no workspace, each change a transaction of its own.
//! - `statements`, `encode`, `encoded`: constant texts and their one parameter.

pub(crate) mod ahead;
mod at_once;
pub(crate) mod bare;
mod catch_up;
#[cfg(test)]
#[path = "../../tests/suite/support/desk.rs"]
#[expect(dead_code, reason = "shared with the tests of the whole store, which use more of it")]
pub(crate) mod desk;
mod driver;
pub(crate) mod encode;
mod encoded;
mod handle;
pub(crate) mod hot;
mod inbox;
mod lane;
mod offenders;
mod plan;
mod platform;
mod queue;
mod statements;
mod teller;
mod tidy;
mod trail;
mod transaction;
mod webhooks;
mod weight;
mod work;
mod writer;
mod written;

pub(crate) use ahead::Scope;
pub(crate) use driver::{Setup, start};
pub(crate) use handle::Handle;
pub(crate) use lane::{Connect, Reached, take_lane};

/// Most change sets in one transaction: beyond it, a batch gains nothing and delays its first.
pub(crate) const BATCH_COUNT_MAX: usize = 1_024;
/// Most bytes of one transaction, roughly: bounds the memory of a batch and the growth of the WAL.
pub(crate) const BATCH_BYTES_MAX: usize = 4 << 20;
/// Longest that a batch waits for more under load. A lone request never waits.
pub(crate) const BATCH_AGE_MS_MAX: u64 = 1;

/// Change sets that may wait in all; only urgent ones may use the last half.
pub(crate) const QUEUE_COUNT_MAX: usize = 16_384;
/// Change sets beyond which new work is refused.
pub(crate) const QUEUE_SUBMITS_MAX: usize = QUEUE_COUNT_MAX / 2;
/// Bytes that may wait in all, roughly; only urgent change sets may use the last quarter.
pub(crate) const QUEUE_BYTES_MAX: usize = 128 << 20;
/// Bytes beyond which new work is refused.
pub(crate) const QUEUE_SUBMIT_BYTES_MAX: usize = QUEUE_BYTES_MAX / 4 * 3;
