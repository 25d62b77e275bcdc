//! Purchases of credits; a payment is used once.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "purchases",
    columns: &[
        text("id"),
        text("workspace"),
        text("payment"),
        text("pack").or_null(),
        int("credits"),
        text("status"),
        text("lot").or_null(),
        int("created_at"),
    ],
    key: "id",
    storage: Storage::Heap,
    constraints: &["UNIQUE (payment)"],
    indexes: &["CREATE INDEX purchases_by_workspace ON purchases (workspace, id)"],
};

step!(TABLE);
