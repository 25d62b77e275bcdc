//! What a phase cost: readings of the server, the journal and this process before and after it.

use serde::Serialize;

use super::http::{Connection, Target};
use super::process::{self, Usage};
use super::server::Server;

/// How everything stood at one instant; `None` for what cannot be known from here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    server: Option<Usage>,
    own: Option<Usage>,
    journal: Option<Written>,
    data_bytes: Option<u64>,
}

/// What the journal wrote since its server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Written {
    commits: u64,
    statements: u64,
    rows: u64,
    row_bytes: u64,
}

/// What one job of a phase cost; `null` for what cannot be known from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct PerJob {
    /// Transactions, which many jobs share.
    pub(super) commits: Option<f64>,
    pub(super) statements: Option<f64>,
    pub(super) rows: Option<f64>,
    /// Of those rows, as they went to the database.
    pub(super) row_bytes: Option<f64>,
    /// What the server sent to the disk.
    pub(super) disk_bytes: Option<f64>,
    /// Growth of its folder, logs of the database included.
    pub(super) stored_bytes: Option<f64>,
    pub(super) server_cpu_us: Option<f64>,
    /// Of this process: the server's share of the machine is less by it.
    pub(super) generator_cpu_us: Option<f64>,
}

impl Reading {
    /// Reads what there is to read; nothing of it may fail a run.
    pub(super) async fn take(server: &Server, target: &Target) -> Self {
        let mut connection = Connection::new(target.addr);
        // A list over all waits until the tables have everything, so that no phase leaves rows to the next one.
        let _ = connection.call(&target.request("GET", "/v1/jobs?limit=1", &server.admin_key, "")).await;
        let request = target.request("GET", "/metrics", &server.admin_key, "");
        let journal = match connection.call(&request).await {
            Ok(answer) if answer.status == 200 => std::str::from_utf8(answer.body).ok().and_then(written),
            _ => None,
        };
        Self {
            server: server.usage(),
            own: process::usage(std::process::id()),
            journal,
            data_bytes: server.data_bytes(),
        }
    }

    /// What each of so many jobs cost since an earlier reading.
    pub(super) fn per_job(&self, before: &Self, jobs: u64) -> PerJob {
        let each = |of: fn(&Self) -> Option<u64>| {
            Some(of(self)?.saturating_sub(of(before)?) as f64 / jobs.max(1) as f64)
        };
        PerJob {
            commits: each(|at| Some(at.journal?.commits)),
            statements: each(|at| Some(at.journal?.statements)),
            rows: each(|at| Some(at.journal?.rows)),
            row_bytes: each(|at| Some(at.journal?.row_bytes)),
            disk_bytes: each(|at| Some(at.server?.disk_bytes)),
            stored_bytes: each(|at| at.data_bytes),
            server_cpu_us: each(|at| Some(at.server?.cpu_ms * 1_000)),
            generator_cpu_us: each(|at| Some(at.own?.cpu_ms * 1_000)),
        }
    }

    /// Processor time of both ends since an earlier reading, in seconds.
    pub(super) fn cpu_seconds(&self, before: &Self) -> (Option<f64>, Option<f64>) {
        let spent = |after: Option<Usage>, before: Option<Usage>| {
            Some(after?.cpu_ms.saturating_sub(before?.cpu_ms) as f64 / 1_000.0)
        };
        (spent(self.server, before.server), spent(self.own, before.own))
    }
}

/// The journal's counters in the text of `/metrics`; `None` when it has no such lines.
fn written(metrics: &str) -> Option<Written> {
    let value = |name: &str| {
        let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
        lines.find_map(|rest| rest.strip_prefix(' ')?.trim().parse().ok())
    };
    Some(Written {
        commits: value("reeve_journal_commits_total")?,
        statements: value("reeve_journal_statements_total")?,
        rows: value("reeve_journal_rows_total")?,
        row_bytes: value("reeve_journal_row_bytes_total")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_are_found_in_the_metrics() {
        let text = "# TYPE reeve_journal_commits_total counter\nreeve_journal_commits_total 7\n\
                    reeve_journal_statements_total 70\nreeve_journal_rows_total 300\n\
                    reeve_journal_row_bytes_total 9000\n";
        let wanted = Written { commits: 7, statements: 70, rows: 300, row_bytes: 9_000 };
        assert_eq!(written(text), Some(wanted));
        assert_eq!(written("reeve_journal_commits_total 7\n"), None, "an older server has not all of them");
    }

    #[test]
    fn what_one_side_does_not_tell_is_not_made_up() {
        let usage = |cpu_ms| Some(Usage { cpu_ms, rss_peak_bytes: 0, disk_bytes: 0 });
        let before = Reading { own: usage(10), ..Reading::default() };
        let after = Reading { own: usage(30), server: usage(5), data_bytes: Some(9), ..before };
        let per_job = after.per_job(&before, 10);
        assert_eq!((per_job.generator_cpu_us, per_job.server_cpu_us), (Some(2_000.0), None));
        assert_eq!((per_job.commits, per_job.stored_bytes), (None, None));
        assert_eq!(after.cpu_seconds(&before), (None, Some(0.02)));
    }
}
