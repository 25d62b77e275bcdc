//! The ledger, clustered by workspace and sequence: append-only, gapless, read by ranges.
//!
//! No index by job: it would cost each job some 90 bytes in three places of the tree, for a filter that
//! can scan the range of one workspace.

use crate::schema::{Storage, Table, bytes, int, step, text};

const TABLE: Table = Table {
    name: "ledger",
    columns: &[
        text("workspace"),
        int("seq"),
        int("at"),
        text("kind"),
        int("amount"),
        int("available_after"),
        int("held_after"),
        text("lot"),
        text("source"),
        text("job").or_null(),
        int("attempt").or_null(),
        int("output").or_null(),
        text("action").or_null(),
        text("member").or_null(),
        text("reason").or_null(),
        text("actor").or_null(),
        text("request").or_null(),
        bytes("hash"),
    ],
    key: "workspace, seq",
    storage: Storage::ByKey,
    constraints: &["CHECK (seq > 0)", "CHECK (amount >= 0)"],
    indexes: &[],
};

/// The same in order of arrival, under a name of its own until the rows are in it: a later step makes it.
pub(crate) const APPENDED: Table = Table { name: "ledger_appended", storage: Storage::Heap, ..TABLE };

step!(TABLE);
