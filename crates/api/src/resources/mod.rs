//! What customers and operators call, one file per resource.

pub(crate) mod assets;
pub(crate) mod balance;
pub(crate) mod catalogs;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod outputs;
pub(crate) mod purchases;
pub(crate) mod queue;
pub(crate) mod quotes;
pub(crate) mod receipt;
pub(crate) mod verify;
pub(crate) mod workspaces;
