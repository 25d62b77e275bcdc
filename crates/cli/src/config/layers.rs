//! The layers: shipped file, a file of one's own, variables of the environment.

use std::path::{Path, PathBuf};

use config::Map;
use config::{Config, Environment, File, FileFormat};

use super::{Settings, check};

/// The lowest layer, built in.
pub(super) const SHIPPED: &str = include_str!("../../../../config/default.toml");

/// What the variables of the environment start with; the parts of a key are joined by the same sign.
const PREFIX: &str = "REEVE";
const SEPARATOR: &str = "__";

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the file `{path}` cannot be read: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{origin}: {reason}")]
    Syntax { origin: String, reason: String },
    #[error("{origin}: `{key}` is no setting; see config/default.toml for all that there are")]
    Unknown { origin: String, key: String },
    /// A value of the wrong kind, or out of its bounds.
    #[error("{0}")]
    Value(String),
}

/// The settings of all layers together, checked.
///
/// # Errors
/// The first thing that is wrong, with the file or variable and the key.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    from_layers(file, std::env::vars().collect())
}

/// The shipped settings alone, whatever stands in the environment.
///
/// # Errors
/// Never with the file that is built in; the type says otherwise.
pub fn shipped() -> Result<Settings, ConfigError> {
    from_layers(None, Map::default())
}

fn from_layers(file: Option<&Path>, variables: Map<String, String>) -> Result<Settings, ConfigError> {
    let mut layers = Config::builder().add_source(File::from_str(SHIPPED, FileFormat::Toml));
    if let Some(path) = file {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
        let origin = path.display().to_string();
        let parsed = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
        let layer = parsed
            .map_err(|error| ConfigError::Syntax { origin: origin.clone(), reason: error.to_string() })?;
        check::keys_are_known(&origin, &layer)?;
        layers = layers.add_source(File::from(path).format(FileFormat::Toml));
    }
    let ours = variables.into_iter().filter(|(name, _)| name.starts_with("REEVE__")).collect();
    let environment =
        Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR).source(Some(ours));
    let layer = Config::builder().add_source(environment.clone()).build().map_err(value)?;
    check::keys_are_known("the environment", &layer)?;
    let settings: Settings =
        layers.add_source(environment).build().map_err(value)?.try_deserialize().map_err(value)?;
    check::values_fit(&settings)?;
    Ok(settings)
}

fn value(error: config::ConfigError) -> ConfigError {
    ConfigError::Value(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn with(file: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let mut written = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        written.write_all(file.as_bytes()).unwrap();
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        from_layers(Some(written.path()), variables).map_err(|error| error.to_string())
    }

    #[test]
    fn shipped_settings_are_the_engines_defaults_and_four_tiers_in_order() {
        let settings = from_layers(None, Map::default()).unwrap();
        let engine = settings.engine().unwrap();
        let names: Vec<&str> = engine.tiers.iter().map(|tier| tier.name.as_str()).collect();
        assert_eq!(names, ["free", "standard", "pro", "instant"]);
        let shipped = reeve_actors::EngineSettings { tiers: engine.tiers.clone(), ..Default::default() };
        assert_eq!(engine, shipped);
    }

    #[test]
    fn a_variable_wins_over_the_file_and_the_file_over_what_is_shipped() {
        let file = "[server]\nlisten = \"127.0.0.1:1\"\nthreads = 3\n[tiers.free]\nweight = 7\n";
        let settings =
            with(file, &[("REEVE__SERVER__LISTEN", "127.0.0.1:2"), ("REEVE__QUEUE__COST_MS_MAX", "5000")]);
        let settings = settings.unwrap();
        assert_eq!((settings.server.listen.as_str(), settings.server.threads), ("127.0.0.1:2", 3));
        assert_eq!(settings.queue.cost_ms_max, 5_000);
        let free = &settings.tiers["free"];
        assert_eq!((free.weight, free.queued_max), (7, 200));
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_its_file() {
        let refused = with("[server]\nlissten = \"x\"\n", &[]).unwrap_err();
        assert!(refused.contains(".toml: `server.lissten` is no setting"), "{refused}");
        let refused = with("[tiers.free]\nwait = 1\n", &[]).unwrap_err();
        assert!(refused.contains("`tiers.free.wait`"), "{refused}");
        let refused = with("", &[("REEVE__SERVER__PORT", "1")]).unwrap_err();
        assert!(refused.contains("the environment: `server.port`"), "{refused}");
        assert!(with("[server\n", &[]).is_err());
    }

    #[test]
    fn a_new_tier_needs_all_of_its_values() {
        let whole = "rank = 9\nweight = 1\nfloor_permille = 0\nexpress_permille = 0\nrunning_max = 1\nqueued_max = 1\n";
        assert_eq!(with(&format!("[tiers.vip]\n{whole}"), &[]).unwrap().tiers.len(), 5);
        let refused = with("[tiers.vip]\nrank = 9\n", &[]).unwrap_err();
        assert!(refused.contains("tiers.vip.weight"), "{refused}");
    }

    #[test]
    fn a_bad_value_names_its_key_and_why() {
        for (file, key) in [
            ("[leases]\nlease_ms = \"soon\"\n", "leases.lease_ms"),
            ("[leases]\nlease_ms = -1\n", "leases.lease_ms"),
            ("[leases]\nheartbeat_ms = 40000\n", "leases.heartbeat_ms"),
            ("[server]\nlisten = \"nowhere\"\n", "server.listen"),
            ("[log]\nformat = \"xml\"\n", "log.format"),
            ("[database]\nurl = \"mysql://h/d\"\n", "database.url"),
            ("[tiers.free]\nfloor_permille = 900\n", "tiers"),
            ("[queue]\ncost_ms_max = 0\n", "queue.cost_ms_max"),
            ("[webhooks]\nallow_addresses = [\"10.0.0.0/33\"]\n", "webhooks.allow_addresses"),
            ("[webhooks]\ntimeout_ms = 0\n", "webhooks.timeout_ms"),
            ("[retention]\nanswers_hours = 23\n", "retention.answers_hours"),
            ("[retention]\nstep_rows = 0\n", "retention.step_rows"),
            ("[retention]\nstep_rows = 1001\n", "retention.step_rows"),
            ("[server.tls]\ncert = \"cert.pem\"\n", "server.tls"),
            ("[limits]\nworkspace_per_second = -1\n", "limits.workspace_per_second"),
        ] {
            let refused = with(file, &[]).unwrap_err();
            assert!(refused.contains(&format!("`{key}`")), "{refused}");
        }
    }
}
