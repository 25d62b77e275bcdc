//! Facts unique over the whole store, and who has them. A row goes when its owner gives the fact up.

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
