//! sea-orm entities: the reads that are not hot are built from them, and so are the
//! platform's own records.
//!
//! Rows are decoded by `row`, not into the models: a bad cell must be reported with its column and id,
//! which a failing model does not say.

pub(crate) mod answers;
pub(crate) mod catalogs;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod lots;
pub(crate) mod members;
pub(crate) mod promotions;
pub(crate) mod purchases;
pub(crate) mod uploads;
pub(crate) mod workspaces;
