//! Row <-> domain: for each table its columns, how a row is written and how it is read back.
//!
//! Used by the journal (write) and the readers (read). Both stand side by side, so that a column cannot
//! be added to one alone. Reading never panics: a value that we could not have written is reported.

pub(crate) mod answer;
pub(crate) mod catalog;
pub(crate) mod cells;
pub(crate) mod claim;
pub(crate) mod columns;
pub(crate) mod delivery;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod lot;
pub(crate) mod member;
pub(crate) mod outbox;
pub(crate) mod packed;
pub(crate) mod promotion;
pub(crate) mod purchase;
pub(crate) mod upload;
pub(crate) mod webhook;
pub(crate) mod workspace;
