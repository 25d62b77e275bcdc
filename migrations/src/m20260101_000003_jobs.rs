//! Jobs. Ids sort by time, so admissions append; `live` says not final.
//!
//! Two indexes: (workspace, live, id) serves a rebuild (live = 1) and lists (two ranges merged); the partial
//! one on live jobs serves the queue at start. A lease changes neither, since `live` stays 1: only
//! admission and close pay for them.

use crate::schema::{Storage, Table, int, step, text};

const TABLE: Table = Table {
    name: "jobs",
    columns: &[
        text("id"),
        text("workspace"),
        int("live"),
        text("status"),
        text("pool"),
        text("action"),
        int("work_ms").or_null(),
        int("priority"),
        int("admitted_at"),
        int("admitted_n"),
        int("not_before").or_null(),
        int("attempt"),
        int("attempts_lost"),
        int("lapses"),
        int("attempts_max"),
        int("outputs_count"),
        int("queue_deadline_at"),
        int("run_timeout_ms"),
        int("created_at"),
        int("started_at").or_null(),
        int("lease_granted_at").or_null(),
        int("lease_run_deadline_at").or_null(),
        int("lease_unknown_until").or_null(),
        text("lease_worker").or_null(),
        text("lease_session").or_null(),
        int("settled"),
        int("released"),
        int("finished_at").or_null(),
        int("closed_by").or_null(),
        text("tier"),
        text("member").or_null(),
        text("error_code").or_null(),
        text("error_message").or_null(),
        text("hold"),
        text("quote"),
        text("outputs").or_null(),
        text("params"),
        text("metadata").or_null(),
        text("webhook").or_null(),
    ],
    key: "id",
    storage: Storage::Rewritten,
    constraints: &[
        // A list of three would be made a table of its own by SQLite, for each row that is written.
        "CHECK ((live = 1) = (status = 'queued' OR status = 'running' OR status = 'cancelling'))",
        // J1: exactly the jobs that run have a lease.
        "CHECK ((status IN ('running', 'cancelling')) = (lease_worker IS NOT NULL))",
        "CHECK (settled >= 0 AND released >= 0)",
    ],
    indexes: &[
        "CREATE INDEX jobs_by_workspace ON jobs (workspace, live, id)",
        "CREATE INDEX jobs_live ON jobs (id) WHERE live = 1",
    ],
};

step!(TABLE);
