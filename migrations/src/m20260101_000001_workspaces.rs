//! Workspaces: version, figures and profile. Each change set rewrites one row.
//!
//! `next_due_at` has a partial index of its own; nothing else here is indexed, so that the row can be
//! rewritten in place.

use crate::schema::{Storage, Table, bytes, int, step, text};

const TABLE: Table = Table {
    name: "workspaces",
    columns: &[
        text("id"),
        int("version"),
        int("last_event_at"),
        int("next_due_at").or_null(),
        int("outward_at").or_null(),
        int("queued"),
        int("running"),
        int("available"),
        int("held"),
        int("debt"),
        int("admitted"),
        int("lots_made"),
        int("chain_seq"),
        bytes("chain_hash"),
        int("paused"),
        int("concurrency_max").or_null(),
        text("tier"),
        text("catalog"),
        text("plan"),
        text("tallies"),
        text("profile"),
    ],
    key: "id",
    storage: Storage::Rewritten,
    constraints: &["CHECK (version > 0)", "CHECK (held >= 0)", "CHECK (debt >= 0)"],
    indexes: &["CREATE INDEX workspaces_due ON workspaces (next_due_at) WHERE next_due_at IS NOT NULL"],
};

step!(TABLE);
