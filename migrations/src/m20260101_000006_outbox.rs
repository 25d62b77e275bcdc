//! What happened, for subscribers, in order of commit.

use crate::schema::{Storage, Table, int, serial, step, text};

const TABLE: Table = Table {
    name: "outbox",
    columns: &[serial("id"), text("workspace"), int("at"), text("kind"), text("job").or_null(), text("body")],
    key: "",
    storage: Storage::Heap,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
