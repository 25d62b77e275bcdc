//! Durable bytes of attempts under way; they become outputs only with the close (X21).

use crate::schema::{Storage, Table, bytes, int, step, text};

const TABLE: Table = Table {
    name: "uploads",
    columns: &[text("job"), int("attempt"), int("idx"), int("size"), bytes("sha256"), text("content_type")],
    key: "job, attempt, idx",
    storage: Storage::ByKey,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
