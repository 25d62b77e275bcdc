//! Promotions that run, ran or will run on a catalog (KV-27).

use crate::schema::{Storage, Table, step, text};

const TABLE: Table = Table {
    name: "promotions",
    columns: &[text("id"), text("catalog"), text("body")],
    key: "id",
    storage: Storage::Heap,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
