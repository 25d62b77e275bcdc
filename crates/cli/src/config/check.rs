//! What a layer may name, and what values must be like beyond their kind.

use std::net::SocketAddr;

use config::{Config, FileFormat, Value, ValueKind};

use super::layers::{ConfigError, SHIPPED};
use super::{Settings, settings::TierEntry};

/// The table whose entries one may add to.
const TIERS: &str = "tiers";
/// Shortest time for which clients may repeat a request under its key.
const ANSWERS_HOURS_MIN: u32 = 24;
/// More rows in one change would keep live commands waiting.
const STEP_ROWS_MAX: u32 = 1_000;
/// Any shipped tier shows which keys a tier has.
const SAMPLE_TIER: &str = "free";

/// Refuses what is not in the shipped file.
pub(super) fn keys_are_known(origin: &str, layer: &Config) -> Result<(), ConfigError> {
    let shipped = Config::builder()
        .add_source(config::File::from_str(SHIPPED, FileFormat::Toml))
        .build()
        .map_err(|error| ConfigError::Value(error.to_string()))?;
    match stray(&layer.cache, &shipped.cache, "") {
        Some(key) => Err(ConfigError::Unknown { origin: origin.to_owned(), key }),
        None => Ok(()),
    }
}

/// The first key, in order of the alphabet, that the model does not have.
fn stray(found: &Value, model: &Value, path: &str) -> Option<String> {
    let ValueKind::Table(found) = &found.kind else { return None };
    let ValueKind::Table(model) = &model.kind else { return Some(path.to_owned()) };
    let mut names: Vec<&String> = found.keys().collect();
    names.sort();
    names.into_iter().find_map(|name| {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let sample = if path == TIERS { SAMPLE_TIER } else { name };
        match (found.get(name), model.get(sample)) {
            (Some(value), Some(of)) => stray(value, of, &key),
            _ => Some(key),
        }
    })
}

/// Refuses values that are of the right kind and yet make no sense.
pub(super) fn values_fit(settings: &Settings) -> Result<(), ConfigError> {
    let refuse = |key: &str, reason: String| Err(ConfigError::Value(format!("`{key}` {reason}")));
    if let Err(error) = settings.server.listen.parse::<SocketAddr>() {
        return refuse(
            "server.listen",
            format!("is `{}`: {error}; write 127.0.0.1:8080", settings.server.listen),
        );
    }
    if settings.server.tls.cert.is_empty() != settings.server.tls.key.is_empty() {
        return refuse("server.tls", "needs `cert` and `key`, or neither".to_owned());
    }
    if let Err(error) = settings.store() {
        return refuse("database.url", error.to_string());
    }
    if let Err(error) = settings.engine() {
        return refuse("tiers", error.to_string());
    }
    let floors: u64 = settings.tiers.values().map(|tier| u64::from(tier.floor_permille)).sum();
    if floors > 1_000 {
        return refuse(
            "tiers",
            format!("promise floors of {floors} parts per thousand together; at most 1000 exist"),
        );
    }
    if settings.leases.heartbeat_ms >= settings.leases.lease_ms {
        let lease_ms = settings.leases.lease_ms;
        return refuse(
            "leases.heartbeat_ms",
            format!("must be below `leases.lease_ms`, which is {lease_ms}"),
        );
    }
    // Clients may rely on a day (docs/operating.md).
    if settings.retention.answers_hours < ANSWERS_HOURS_MIN {
        return refuse("retention.answers_hours", format!("must be at least {ANSWERS_HOURS_MIN}"));
    }
    if settings.retention.step_rows > STEP_ROWS_MAX {
        return refuse("retention.step_rows", format!("must be at most {STEP_ROWS_MAX}"));
    }
    if let Err(error) = settings.webhooks.deliveries() {
        return refuse("webhooks.allow_addresses", format!("is wrong: {error}"));
    }
    match first_zero(settings) {
        Some(key) => refuse(&key, "must be above 0".to_owned()),
        None => Ok(()),
    }
}

/// The first setting that is zero and may not be.
fn first_zero(settings: &Settings) -> Option<String> {
    let counts = [
        ("server.connections_max", settings.server.connections_max as u64),
        ("integrations.stripe.tolerance_seconds", u64::from(settings.integrations.stripe.tolerance_seconds)),
        ("server.body_idle_seconds", settings.server.body_idle_seconds),
        ("server.keep_alive_seconds", settings.server.keep_alive_seconds),
        ("database.readers", u64::from(settings.database.readers)),
        ("queue.cost_ms_max", u64::from(settings.queue.cost_ms_max)),
        ("queue.cost_ms_default", u64::from(settings.queue.cost_ms_default)),
        ("leases.heartbeat_ms", settings.leases.heartbeat_ms),
        ("leases.lease_ack_ms", settings.leases.lease_ack_ms),
        ("retry.attempts_max", u64::from(settings.retry.attempts_max)),
        ("retry.poison_lapses_max", u64::from(settings.retry.poison_lapses_max)),
        ("timeouts.queue_ms", settings.timeouts.queue_ms),
        ("timeouts.run_ms", settings.timeouts.run_ms),
        ("engine.threads", settings.engine.threads as u64),
        ("engine.new_work_max", settings.engine.new_work_max as u64),
        ("engine.actors_max", settings.engine.actors_max as u64),
        ("engine.actors_bytes_max", settings.engine.actors_bytes_max as u64),
        ("engine.tick_ms", settings.engine.tick_ms),
        ("engine.audit_ms", settings.engine.audit_ms),
        ("webhooks.tries_max", settings.webhooks.tries_max as u64),
        ("webhooks.endpoint_tries_max", settings.webhooks.endpoint_tries_max as u64),
        ("webhooks.timeout_ms", settings.webhooks.timeout_ms),
        ("webhooks.outbox_days", u64::from(settings.webhooks.outbox_days)),
        ("webhooks.log_days", u64::from(settings.webhooks.log_days)),
        ("retention.step_rows", u64::from(settings.retention.step_rows)),
        ("retention.tick_ms", settings.retention.tick_ms),
    ];
    let plain = counts.into_iter().find(|(_, value)| *value == 0).map(|(key, _)| key.to_owned());
    plain.or_else(|| settings.tiers.iter().find_map(|(name, tier)| zero_in_tier(name, tier)))
}

fn zero_in_tier(name: &str, tier: &TierEntry) -> Option<String> {
    let counts = [
        ("weight", u64::from(tier.weight)),
        ("running_max", u64::from(tier.running_max)),
        ("queued_max", tier.queued_max),
    ];
    let zero = counts.into_iter().find(|(_, value)| *value == 0)?;
    Some(format!("tiers.{name}.{}", zero.0))
}
