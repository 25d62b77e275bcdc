//! From what the house holds to what the wire shows. No view decides anything.

pub(crate) mod catalog;
pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod ledger;
pub(crate) mod lot;
pub(crate) mod workspace;
