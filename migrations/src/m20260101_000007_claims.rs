//! Facts unique over the whole store, and who has them.

use crate::schema::{Storage, Table, step, text};

const TABLE: Table = Table {
    name: "claims",
    columns: &[text("scope"), text("key"), text("workspace")],
    key: "scope, key",
    storage: Storage::ByKey,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
