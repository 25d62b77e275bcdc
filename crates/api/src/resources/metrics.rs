//! Figures for a monitoring system, in the text format of Prometheus.
//!
//! Names start with `reeve_` and end with their unit; what only grows ends with `_total`. Labels are names of pools and
//! tiers, never of workspaces: their number is bounded by the configuration.

mod text;

use actix_web::HttpResponse;
use actix_web::web::{self, Data};
use reeve_actors::{FinishedJobs, PoolView, QueueView, TierView};
use reeve_journal::JournalHealth;

use crate::disk;
use crate::error::Answer;
use crate::integrations::stripe::{Counts, Outcome};
use crate::state::ApiState;

use text::Text;

/// Version 0.0.4 of the format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, description = "Figures in the text format of Prometheus", body = String)))]
pub(crate) async fn get(state: Data<ApiState>) -> Answer {
    let mut text = Text::default();
    build(&mut text, state.settings.build_commit);
    process(&mut text, &state.engine.figures());
    lapses(&mut text, state.engine.lapses());
    limited(&mut text, state.limited());
    stripe(&mut text, &state.stripe.counts);
    journal(&mut text, state.engine.journal_health());
    webhooks(&mut text, &state);
    upkeep(&mut text, &state);
    disk(&mut text, &state).await;
    let queue = state.engine.queue_stats().await;
    finished(&mut text, &queue);
    pools(&mut text, &queue);
    tiers(&mut text, &queue);
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text.into_page()))
}

/// Name, kind and help of each figure of the process, by its word in the engine.
const PROCESS: [(&str, &str, &str, &str); 12] = [
    ("actors", "reeve_workspace_actors", "gauge", "Workspaces in memory"),
    ("actor_bytes", "reeve_workspace_actor_bytes", "gauge", "What they take, with their jobs, about"),
    ("leases", "reeve_live_leases", "gauge", "Leases that workers hold"),
    (
        "leases_expiring",
        "reeve_expiring_leases",
        "gauge",
        "Leases that lapse within one heartbeat's time unless their worker is heard of",
    ),
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

fn stripe(text: &mut Text, counts: &Counts) {
    let name = "reeve_stripe_events_total";
    text.head(name, "counter", "Events of Stripe, by what became of them");
    for outcome in Outcome::ALL {
        text.line(name, &[("outcome", outcome.as_str())], counts.get(outcome));
    }
}

fn build(text: &mut Text, commit: &str) {
    let name = "reeve_build_info";
    text.head(name, "gauge", "Always 1; version and commit of the program");
    text.line(name, &[("version", env!("CARGO_PKG_VERSION")), ("commit", commit)], 1);
}

fn webhooks(text: &mut Text, state: &ApiState) {
    let figures = state.webhooks.as_ref().map(|webhooks| webhooks.figures()).unwrap_or_default();
    let rows = "Rows of the outbox that webhooks did not look through yet";
    text.one("reeve_webhook_outbox_rows", "gauge", rows, figures.outbox_rows);
    text.one("reeve_webhook_waiting_deliveries", "gauge", "Deliveries that wait", figures.waiting);
    let age = "Age of the oldest event that a webhook was not told of yet";
    text.one("reeve_webhook_oldest_seconds", "gauge", age, seconds(figures.oldest_ms));
    let name = "reeve_webhook_tries_total";
    text.head(name, "counter", "Tries of deliveries, by how they ended");
    for (result, count) in figures.tries {
        text.line(name, &[("result", result)], count);
    }
    let disabled = "Endpoints that were disabled by their answers";
    text.one("reeve_webhook_disabled_total", "counter", disabled, figures.disabled);
}

/// Left out where nobody keeps the store up, as in tests of the API alone.
fn upkeep(text: &mut Text, state: &ApiState) {
    let Some(figures) = state.upkeep.as_ref().map(|upkeep| upkeep.figures()) else { return };
    let name = "reeve_upkeep_rounds_total";
    text.head(name, "counter", "Rounds of the upkeep, by part and how they ended");
    for part in &figures.parts {
        for (result, count) in [("done", part.done), ("failed", part.failed)] {
            text.line(name, &[("part", part.name), ("result", result)], count);
        }
    }
    let name = "reeve_upkeep_age_seconds";
    text.head(name, "gauge", "Since a part of the upkeep last ended well, or since the start");
    for part in &figures.parts {
        text.line(name, &[("part", part.name)], seconds(part.age_ms));
    }
    let name = "reeve_upkeep_removed_total";
    text.head(name, "counter", "What the upkeep took away");
    for (what, count) in figures.removed {
        text.line(name, &[("what", what)], count);
    }
}

fn lapses(text: &mut Text, lapses: [(&'static str, u64); 3]) {
    let name = "reeve_lease_lapses_total";
    text.head(name, "counter", "Leases that lapsed, by why");
    for (cause, count) in lapses {
        text.line(name, &[("cause", cause)], count);
    }
}

fn limited(text: &mut Text, (by_key, by_address): (u64, u64)) {
    let name = "reeve_requests_limited_total";
    text.head(
        name,
        "counter",
        "Requests answered 429: their key, or keys unknown from their address, too often",
    );
    for (by, count) in [("key", by_key), ("address", by_address)] {
        text.line(name, &[("by", by)], count);
    }
}

/// Left out where it cannot be told, so that nobody takes that for a full disk.
async fn disk(text: &mut Text, state: &ApiState) {
    let Some(dir) = state.settings.data_dir.clone() else { return };
    match web::block(move || disk::room(&dir)).await {
        Ok(Ok(room)) => {
            let mut each = |name, help, value: u64| text.one(name, "gauge", help, value);
            each("reeve_data_disk_size_bytes", "Size of the data folder's disk", room.size_bytes);
            each("reeve_data_disk_free_bytes", "What the server may still write to it", room.free_bytes);
        }
        Ok(Err(error)) => tracing::warn!(%error, "the disk of the data folder cannot be looked at"),
        Err(error) => tracing::warn!(%error, "the disk of the data folder cannot be looked at"),
    }
}

fn journal(text: &mut Text, health: JournalHealth) {
    text.one("reeve_journal_depth_changes", "gauge", "Changes that wait for the journal", health.depth);
    let age = seconds(health.oldest_age_ms);
    text.one("reeve_journal_oldest_seconds", "gauge", "Age of the oldest change without an outcome", age);
    let can_commit = u8::from(health.can_commit);
    text.one("reeve_journal_can_commit_boolean", "gauge", "1 while the store takes changes", can_commit);
    let written = health.written;
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
