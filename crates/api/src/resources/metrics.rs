//! Figures for a monitoring system, in the text format of Prometheus.
//!
//! Names start with `reeve_` and end with their unit; what only grows ends with `_total`. Labels are names of pools and
//! tiers, never of workspaces: their number is bounded by the configuration.

use std::fmt::{Display, Write as _};

use actix_web::HttpResponse;
use actix_web::web::Data;
use reeve_actors::{FinishedJobs, PoolView, QueueView, TierView};
use reeve_journal::Written;

use crate::error::Answer;
use crate::state::ApiState;

/// Version 0.0.4 of the format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, description = "Figures in the text format of Prometheus", body = String)))]
pub(crate) async fn get(state: Data<ApiState>) -> Answer {
    let mut text = Text::default();
    process(&mut text, &state.engine.figures());
    let health = state.engine.journal_health();
    text.one("reeve_journal_depth_changes", "gauge", "Changes that wait for the journal", health.depth);
    let can_commit = u8::from(health.can_commit);
    text.one("reeve_journal_can_commit_boolean", "gauge", "1 while the store takes changes", can_commit);
    written(&mut text, health.written);
    let queue = state.engine.queue_stats().await;
    finished(&mut text, &queue);
    pools(&mut text, &queue);
    tiers(&mut text, &queue);
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text.0))
}

/// Name, kind and help of each figure of the process, by its word in the engine.
const PROCESS: [(&str, &str, &str, &str); 11] = [
    ("actors", "reeve_workspace_actors", "gauge", "Workspaces in memory"),
    ("actor_bytes", "reeve_workspace_actor_bytes", "gauge", "What they take, with their jobs, about"),
    ("leases", "reeve_live_leases", "gauge", "Leases that workers hold"),
    ("under_way", "reeve_requests_under_way", "gauge", "New work and looks that are not answered yet"),
    (
        "shed",
        "reeve_requests_shed_total",
        "counter",
        "New work and looks refused because too many were under way",
    ),
    (
        "rebuilds",
        "reeve_actor_rebuilds_total",
        "counter",
        "Workspaces built again after a failed commit or a bug",
    ),
    ("syncs", "reeve_queue_syncs_total", "counter", "Workspaces told to the queue anew"),
    ("give_backs", "reeve_queue_give_backs_total", "counter", "Reservations that did not become leases"),
    ("audits", "reeve_queue_audits_total", "counter", "Sweeps that compared the queue with the rows"),
    (
        "drifts",
        "reeve_queue_drifts_total",
        "counter",
        "Workspaces found to differ from their rows; must stay 0",
    ),
    ("drift", "reeve_queue_drift_workspaces", "gauge", "The same in the last sweep; must be 0"),
];

fn process(text: &mut Text, figures: &[(&'static str, u64)]) {
    for (word, name, kind, help) in PROCESS {
        let value = figures.iter().find(|(known, _)| *known == word).map_or(0, |(_, value)| *value);
        text.one(name, kind, help, value);
    }
}

fn written(text: &mut Text, written: Written) {
    let mut each = |name, help, value: u64| text.one(name, "counter", help, value);
    each("reeve_journal_commits_total", "Transactions committed", written.commits);
    each("reeve_journal_statements_total", "Statements sent, BEGIN and COMMIT apart", written.statements);
    each("reeve_journal_rows_total", "Rows in those statements", written.rows);
    each("reeve_journal_row_bytes_total", "Size of those rows as they were sent", written.bytes);
}

fn finished(text: &mut Text, queue: &QueueView) {
    let name = "reeve_jobs_finished_total";
    text.head(name, "counter", "Jobs that ended, each under one outcome");
    let FinishedJobs { since: _, succeeded, failed, content_filtered, cancelled, expired } = queue.finished;
    let outcomes = [
        ("succeeded", succeeded),
        ("failed", failed),
        ("content_filtered", content_filtered),
        ("cancelled", cancelled),
        ("expired", expired),
    ];
    for (outcome, count) in outcomes {
        text.line(name, &[("outcome", outcome)], count);
    }
}

fn pools(text: &mut Text, queue: &QueueView) {
    let mut each = |name, kind, help, value: fn(&PoolView) -> f64| {
        text.head(name, kind, help);
        for pool in &queue.pools {
            text.line(name, &[("pool", pool.name.as_str())], value(pool));
        }
    };
    each("reeve_pool_workers", "gauge", "Worker processes that serve the pool", |pool| pool.workers as f64);
    each("reeve_pool_open_slots", "gauge", "Slots that wait for a job", |pool| pool.slots_open.into());
    each("reeve_pool_running_jobs", "gauge", "Jobs leased or reserved", |pool| pool.running as f64);
    each("reeve_pool_paused_boolean", "gauge", "1 while paused", |pool| u8::from(pool.paused).into());
    each(
        "reeve_pool_idle_while_eligible_seconds_total",
        "counter",
        "Time in which a slot was open and a job could have had it; must stay 0",
        |pool| seconds(pool.idle_eligible_ms),
    );
    eta(text, queue);
}

fn eta(text: &mut Text, queue: &QueueView) {
    let name = "reeve_eta_error_seconds";
    text.head(name, "summary", "Distance between the start foretold at admission and the real one");
    for pool in &queue.pools {
        let of = pool.name.as_str();
        for (quantile, ms) in ["0.5", "0.9"].into_iter().zip(pool.eta_errors.off_ms.unwrap_or_default()) {
            text.line(name, &[("pool", of), ("quantile", quantile)], seconds(ms));
        }
        text.line("reeve_eta_error_seconds_count", &[("pool", of)], pool.eta_errors.count as f64);
    }
    let name = "reeve_eta_error_ratio";
    text.head(name, "gauge", "Real wait over the wait foretold at admission");
    for pool in &queue.pools {
        let Some(late) = pool.eta_errors.late_permille else { continue };
        for (quantile, permille) in ["0.1", "0.5", "0.9"].into_iter().zip(late) {
            let labels = [("pool", pool.name.as_str()), ("quantile", quantile)];
            text.line(name, &labels, permille as f64 / 1_000.0);
        }
    }
}

fn tiers(text: &mut Text, queue: &QueueView) {
    let mut each = |name, kind, help, value: fn(&TierView) -> f64| {
        text.head(name, kind, help);
        for (pool, tier) in
            queue.pools.iter().flat_map(|pool| pool.tiers.iter().map(move |tier| (pool, tier)))
        {
            text.line(name, &[("pool", pool.name.as_str()), ("tier", tier.name.as_str())], value(tier));
        }
    };
    each("reeve_queue_depth_jobs", "gauge", "Jobs that wait", |tier| tier.depth as f64);
    each("reeve_queue_running_jobs", "gauge", "Jobs leased or reserved", |tier| tier.running as f64);
    each("reeve_queue_oldest_wait_seconds", "gauge", "Age of the oldest job that could start", |tier| {
        seconds(tier.oldest_wait_ms.unwrap_or(0))
    });
    each(
        "reeve_queue_floor_lag_seconds",
        "gauge",
        "Service owed by the tier's floor, in slot-seconds",
        |tier| seconds(tier.floor_lag_ms),
    );
    each("reeve_queue_service_seconds_total", "counter", "Service charged, in slot-seconds", |tier| {
        seconds(tier.served_ms)
    });
    jain(text, queue);
    waits(text, queue);
}

fn jain(text: &mut Text, queue: &QueueView) {
    let name = "reeve_queue_jain_ratio";
    text.head(name, "gauge", "Evenness of service over the tier's workspaces in the last minute; 1 is even");
    for (pool, tier) in queue.pools.iter().flat_map(|pool| pool.tiers.iter().map(move |tier| (pool, tier))) {
        let Some(jain) = tier.jain else { continue };
        let labels = [("pool", pool.name.as_str()), ("tier", tier.name.as_str())];
        text.line(name, &labels, f64::from(jain.permille) / 1_000.0);
    }
}

fn waits(text: &mut Text, queue: &QueueView) {
    let name = "reeve_queue_wait_seconds";
    text.head(name, "summary", "Wait for the first attempt; quantiles of the latest starts");
    for (pool, tier) in queue.pools.iter().flat_map(|pool| pool.tiers.iter().map(move |tier| (pool, tier))) {
        let [pool, tier_name] = [("pool", pool.name.as_str()), ("tier", tier.name.as_str())];
        if let Some(waits) = tier.waits {
            text.line(name, &[pool, tier_name, ("quantile", "0.5")], seconds(waits.p50_ms));
            text.line(name, &[pool, tier_name, ("quantile", "0.99")], seconds(waits.p99_ms));
        }
        let (sum_ms, count) = tier.waits.map_or((0, 0), |waits| (waits.sum_ms, waits.count));
        text.line("reeve_queue_wait_seconds_sum", &[pool, tier_name], seconds(sum_ms));
        text.line("reeve_queue_wait_seconds_count", &[pool, tier_name], count as f64);
    }
    let name = "reeve_queue_waiting_jobs";
    text.head(name, "gauge", "Jobs that wait, by what for");
    for (pool, tier) in queue.pools.iter().flat_map(|pool| pool.tiers.iter().map(move |tier| (pool, tier))) {
        for (reason, count) in tier.waiting {
            let labels = [("pool", pool.name.as_str()), ("tier", tier.name.as_str()), ("reason", reason)];
            text.line(name, &labels, count as f64);
        }
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// A page of the format under way.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (n, (label, of)) in labels.iter().enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(of));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_lines_end() {
        let mut text = Text::default();
        text.one("reeve_x_jobs", "gauge", "What it is", 3);
        text.line("reeve_y_seconds", &[("pool", "a\"b\\c\nd"), ("tier", "t")], 0.25);
        let expected = "# HELP reeve_x_jobs What it is\n# TYPE reeve_x_jobs gauge\nreeve_x_jobs 3\n\
                        reeve_y_seconds{pool=\"a\\\"b\\\\c\\nd\",tier=\"t\"} 0.25\n";
        assert_eq!(text.0, expected);
    }
}
