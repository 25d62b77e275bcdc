//! Lots, clustered by workspace: a rebuild reads one range. L1 is a constraint: its price is six additions.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "lots",
    columns: &[
        text("workspace"),
        text("id"),
        int("available"),
        int("held"),
        int("consumed"),
        int("expired"),
        int("forfeited"),
        int("clawed_back"),
        int("granted"),
        int("priority"),
        int("effective_at"),
        int("expires_at").or_null(),
        int("catalog_version"),
        text("class"),
        text("source"),
        text("scope").or_null(),
        text("payment").or_null(),
    ],
    key: "workspace, id",
    storage: Storage::ByKey,
    constraints: &[
        "CHECK (granted = available + held + consumed + expired + forfeited + clawed_back)",
        "CHECK (available >= 0 AND held >= 0 AND consumed >= 0 AND expired >= 0 AND forfeited >= 0 AND clawed_back >= 0)",
    ],
    indexes: &[],
};

step!(TABLE);
