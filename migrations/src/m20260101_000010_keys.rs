//! API keys; of a secret only the digest is kept.

use crate::schema::{Storage, Table, bytes, int, step, text};

const TABLE: Table = Table {
    name: "keys",
    columns: &[
        text("id"),
        text("role"),
        text("workspace").or_null(),
        text("name"),
        bytes("digest"),
        int("created_at"),
        int("revoked_at").or_null(),
    ],
    key: "id",
    storage: Storage::Heap,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
