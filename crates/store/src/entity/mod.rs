//! sea-orm entities: the reads that are not hot are built from them, and so are the keys.
//!
//! Rows are decoded by `row`, not into the models: a bad cell must be reported with its column and id,
//! which a failing model does not say.

pub(crate) mod answers;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod lots;
pub(crate) mod purchases;
pub(crate) mod uploads;
pub(crate) mod workspaces;
