//! Published catalogs, each version as its text; a row is never changed.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "catalogs",
    columns: &[text("name"), int("version"), int("published_at"), text("examples").or_null(), text("text")],
    key: "name, version",
    storage: Storage::Heap,
    constraints: &["CHECK (version > 0)"],
    indexes: &[],
};

step!(TABLE);
