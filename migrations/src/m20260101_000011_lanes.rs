//! One row for each writer: the number of its last transaction, and the epoch that fences a lost one.

use crate::schema::{Storage, Table, int, step};

const TABLE: Table = Table {
    name: "lanes",
    columns: &[int("lane"), int("epoch"), int("seq")],
    key: "lane",
    storage: Storage::Rewritten,
    constraints: &[],
    indexes: &[],
};

step!(TABLE);
