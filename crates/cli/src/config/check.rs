//! What a layer may name, and what values must be like beyond their kind.

use std::net::SocketAddr;

use config::{Config, FileFormat, Value, ValueKind};
use reeve_types::nearest;

use super::layers::{ConfigError, SHIPPED};
use super::{Settings, settings::TierEntry};

/// The table whose entries one may add to.
const TIERS: &str = "tiers";
/// Shortest time for which clients may repeat a request under its key.
const ANSWERS_HOURS_MIN: u32 = 24;
/// More rows in one change would keep live commands waiting.
const STEP_ROWS_MAX: u32 = 1_000;
/// All of them.
const SAMPLE_PERMILLE_MAX: u32 = 1_000;
/// Any shipped tier shows which keys a tier has.
const SAMPLE_TIER: &str = "free";

/// Refuses what is not in the shipped file.
pub(super) fn keys_are_known(origin: &str, layer: &Config) -> Result<(), ConfigError> {
    strays(origin, layer)?.into_iter().next().map_or(Ok(()), Err)
}

/// All that is not in the shipped file, in order of the alphabet, each as the error that it is.
pub(super) fn strays(origin: &str, layer: &Config) -> Result<Vec<ConfigError>, ConfigError> {
    let shipped = shipped_layer()?;
    let mut keys = Vec::new();
    collect_strays(&layer.cache, &shipped.cache, "", &mut keys);
    let known = names(&shipped);
    let error = |key: String| {
        let hint = meant(&key, &known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        ConfigError::Unknown { origin: origin.to_owned(), key, hint }
    };
    Ok(keys.into_iter().map(error).collect())
}

fn shipped_layer() -> Result<Config, ConfigError> {
    Config::builder()
        .add_source(config::File::from_str(SHIPPED, FileFormat::Toml))
        .build()
        .map_err(|error| ConfigError::Value(error.to_string()))
}

/// Every key of the shipped file, in full.
pub(super) fn known_keys() -> Result<Vec<String>, ConfigError> {
    shipped_layer().map(|shipped| names(&shipped))
}

fn names(layer: &Config) -> Vec<String> {
    fn add(value: &Value, path: &str, found: &mut Vec<String>) {
        let ValueKind::Table(table) = &value.kind else { return };
        for (name, value) in table {
            let key = joined(path, name);
            add(value, &key, found);
            found.push(key);
        }
    }
    let mut found = Vec::new();
    add(&layer.cache, "", &mut found);
    found.sort();
    found
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The keys that the model does not have, in order of the alphabet.
fn collect_strays(found: &Value, model: &Value, path: &str, strays: &mut Vec<String>) {
    let ValueKind::Table(found) = &found.kind else { return };
    let ValueKind::Table(model) = &model.kind else { return strays.push(path.to_owned()) };
    let mut names: Vec<&String> = found.keys().collect();
    names.sort();
    for name in names {
        let key = joined(path, name);
        let sample = if path == TIERS { SAMPLE_TIER } else { name };
        match (found.get(name), model.get(sample)) {
            (Some(value), Some(of)) => collect_strays(value, of, &key, strays),
            _ => strays.push(key),
        }
    }
}

/// The key that somebody may have meant: one of the same table, else one of this name in another, else a near one.
fn meant(key: &str, known: &[String]) -> Option<String> {
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    let of_tier = table.strip_prefix(TIERS).is_some_and(|rest| rest.starts_with('.'));
    let model = if of_tier { format!("{TIERS}.{SAMPLE_TIER}") } else { table.to_owned() };
    let split = |known: &'_ String| {
        let (table, name) = known.rsplit_once('.').unwrap_or(("", known));
        (table.to_owned(), name.to_owned())
    };
    let all: Vec<(String, String)> = known.iter().map(split).collect();
    let beside = all.iter().filter(|(table, _)| *table == model).map(|(_, name)| name.as_str());
    if let Some(near) = nearest(name, beside) {
        return Some(joined(table, near));
    }
    let elsewhere = all.iter().position(|(_, other)| other == name);
    let near = || nearest(key, known.iter().map(String::as_str)).map(str::to_owned);
    elsewhere.and_then(|n| known.get(n).cloned()).or_else(near)
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
    let telemetry = &settings.telemetry;
    if let Err(error) = telemetry.check_url() {
        return refuse("telemetry.otlp_url", format!("is `{}`: {error}", telemetry.otlp_url));
    }
    if telemetry.sample_permille > SAMPLE_PERMILLE_MAX {
        return refuse("telemetry.sample_permille", format!("must be at most {SAMPLE_PERMILLE_MAX}"));
    }
    if telemetry.service_name.trim().is_empty() {
        return refuse("telemetry.service_name", "must not be empty".to_owned());
    }
    if let Err(error) = settings.webhooks.deliveries() {
        return refuse("webhooks.allow_addresses", format!("is wrong: {error}"));
    }
    if let Err(error) = settings.limits.bounds() {
        return refuse("limits.trusted_proxies", format!("is wrong: {error}"));
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
        ("server.unread_seconds_max", u64::from(settings.server.unread_seconds_max)),
        ("database.readers", u64::from(settings.database.readers)),
        ("database.answer_ms_max", settings.database.answer_ms_max),
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
