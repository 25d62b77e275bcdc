//! Purchases of credits; a payment is used once, whatever became of it.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "purchases",
    columns: &[
        text("id"),
        text("workspace"),
        text("payment"),
        text("pack").or_null(),
        int("credits"),
        text("source"),
        text("status"),
        text("lot").or_null(),
        int("clawed_back"),
        int("unrecovered"),
        int("reversed"),
        int("restored"),
        int("created_at"),
        int("confirmed_at").or_null(),
    ],
    key: "id",
    storage: Storage::Heap,
    constraints: &["UNIQUE (payment)"],
    indexes: &["CREATE INDEX purchases_by_workspace ON purchases (workspace, id)"],
};

step!(TABLE);
