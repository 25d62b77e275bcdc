//! Members who have, or had, a limit of their own; a rebuild reads the range of a workspace.
//!
//! The columns are not called `amount` and `window`, as the second one is a reserved word of PostgreSQL.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "members",
    columns: &[
        text("workspace"),
        text("member"),
        int("limit_amount").or_null(),
        text("limit_window").or_null(),
        int("window_start"),
        int("settled"),
        int("seat_from").or_null(),
        int("seat_settled").or_null(),
    ],
    key: "workspace, member",
    storage: Storage::ByKey,
    constraints: &[
        "CHECK ((limit_amount IS NULL) = (limit_window IS NULL))",
        "CHECK ((seat_from IS NULL) = (seat_settled IS NULL))",
    ],
    indexes: &[],
};

step!(TABLE);
