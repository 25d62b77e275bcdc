//! Remembered answers of idempotency keys. Not clustered: keys are random and bodies large, so rows
//! append and only the slim key index is written at random places.

use crate::schema::{Storage, Table, bytes, int, step, text};

const TABLE: Table = Table {
    name: "answers",
    columns: &[text("workspace"), text("key"), int("at"), bytes("fingerprint"), text("body")],
    key: "workspace, key",
    storage: Storage::Heap,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
