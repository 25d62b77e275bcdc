//! The layers: shipped file, a file of one's own, variables of the environment.

use std::path::{Path, PathBuf};

use config::Map;
use config::{Config, Environment, File, FileFormat};
use reeve_types::nearest;

use super::{Settings, check};

/// The lowest layer, built in.
pub(super) const SHIPPED: &str = include_str!("../../../../config/default.toml");

/// What the variables of the environment start with; the parts of a key are joined by the same sign.
const PREFIX: &str = "REEVE";
const SEPARATOR: &str = "__";
/// Both together.
const OURS: &str = "REEVE__";
/// How the variables are called in errors.
const ENVIRONMENT: &str = "the environment";
/// Variables that are no settings: whom to call, and secrets.
const READ_BY_NAME: [&str; 6] =
    ["REEVE_URL", "REEVE_KEY", "REEVE_CA", "REEVE_ADMIN_KEY", "REEVE_WORKER_KEY", "REEVE_STRIPE_SECRET"];
/// Read by builds and tests of the program.
const FOR_TESTS: [&str; 8] = [
    "REEVE_BLESS",
    "REEVE_BUILD_",
    "REEVE_FAULT",
    "REEVE_FUZZ_",
    "REEVE_LONG",
    "REEVE_OVERLOAD_",
    "REEVE_STORM_",
    "REEVE_TEST_",
];

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the file `{path}` cannot be read: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{origin}: {reason}")]
    Syntax { origin: String, reason: String },
    #[error("{origin}: `{key}` is no setting{hint}; see config/default.toml for all that there are")]
    Unknown { origin: String, key: String, hint: String },
    /// A value of the wrong kind, or out of its bounds.
    #[error("{0}")]
    Value(String),
}

/// The settings of all layers together, checked.
///
/// # Errors
/// The first thing that is wrong, with the file or variable and the key.
pub fn load(file: Option<&Path>) -> Result<Settings, ConfigError> {
    from_layers(file, variables())
}

/// The variables of the environment that are texts: one of another program's that is none is no concern of ours.
fn variables() -> Map<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
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
        let (origin, layer) = file_layer(path)?;
        check::keys_are_known(&origin, &layer)?;
        layers = layers.add_source(File::from(path).format(FileFormat::Toml));
    }
    let environment = environment(variables);
    let layer = Config::builder().add_source(environment.clone()).build().map_err(value)?;
    check::keys_are_known(ENVIRONMENT, &layer)?;
    let settings: Settings =
        layers.add_source(environment).build().map_err(value)?.try_deserialize().map_err(value)?;
    check::values_fit(&settings)?;
    Ok(settings)
}

/// A file of one's own, and how it is called in errors.
fn file_layer(path: &Path) -> Result<(String, Config), ConfigError> {
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
    let origin = path.display().to_string();
    let parsed = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
    match parsed {
        Ok(layer) => Ok((origin, layer)),
        Err(error) => Err(ConfigError::Syntax { origin, reason: error.to_string().trim_end().to_owned() }),
    }
}

fn environment(variables: Map<String, String>) -> Environment {
    let ours = variables.into_iter().filter(|(name, _)| name.starts_with(OURS)).collect();
    Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR).source(Some(ours))
}

/// What was read, and all that is wrong with it.
pub struct Survey {
    /// Names of variables that are settings, in order of the alphabet.
    pub variables: Vec<String>,
    /// Keys that are none, beyond the first of which [`load`] does not get.
    pub strays: Vec<ConfigError>,
    /// Variables that look as if they were meant for this program, which does not read them; each with a near one that it
    /// does read.
    pub unread: Vec<(String, Option<String>)>,
    pub settings: Result<Settings, ConfigError>,
}

/// Reads all layers and keeps what is wrong, instead of ending at the first of it: for `reeve doctor`.
pub fn survey(file: Option<&Path>) -> Survey {
    survey_of(file, variables())
}

fn survey_of(file: Option<&Path>, all: Map<String, String>) -> Survey {
    let mut variables: Vec<String> = all.keys().filter(|name| name.starts_with(OURS)).cloned().collect();
    variables.sort();
    let in_file = file.and_then(|path| file_layer(path).ok());
    let in_environment = Config::builder().add_source(environment(all.clone())).build().ok();
    let layers = in_file.into_iter().chain(in_environment.map(|layer| (ENVIRONMENT.to_owned(), layer)));
    let strays =
        layers.flat_map(|(origin, layer)| check::strays(&origin, &layer).unwrap_or_default()).collect();
    let unread = unread(&all);
    Survey { variables, strays, unread, settings: from_layers(file, all) }
}

/// Variables with our prefix that nothing reads.
fn unread(all: &Map<String, String>) -> Vec<(String, Option<String>)> {
    let mut readable: Vec<String> = check::known_keys().unwrap_or_default();
    readable
        .iter_mut()
        .for_each(|key| *key = format!("{OURS}{}", key.replace('.', SEPARATOR)).to_uppercase());
    readable.extend(READ_BY_NAME.map(str::to_owned));
    let ours = |name: &&String| name.starts_with("REEVE_") && !name.starts_with(OURS);
    let for_tests = |name: &str| FOR_TESTS.iter().any(|prefix| name.starts_with(prefix));
    let mut strangers: Vec<&String> = all.keys().filter(ours).collect();
    strangers.retain(|name| !READ_BY_NAME.contains(&name.as_str()) && !for_tests(name));
    strangers.sort();
    let near = |name: &&String| nearest(name, readable.iter().map(String::as_str)).map(str::to_owned);
    strangers.into_iter().map(|name| (name.clone(), near(&name))).collect()
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
    fn an_address_for_traces_that_cannot_be_one_is_refused() {
        for wrong in ["collector:4318", "127.0.0.1:4318", "grpc://c:4317", "http://"] {
            let refused = with(&format!("[telemetry]\notlp_url = \"{wrong}\"\n"), &[]).unwrap_err();
            assert!(refused.contains("`telemetry.otlp_url`"), "{wrong}: {refused}");
        }
        assert!(with("[telemetry]\notlp_url = \"https://c.example/otlp\"\n", &[]).is_ok());
        let refused = with("", &[("REEVE__TELEMETRY__SAMPLE_PERMILLE", "1001")]).unwrap_err();
        assert!(refused.contains("`telemetry.sample_permille` must be at most 1000"), "{refused}");
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
    fn a_slip_of_the_pen_is_told_with_the_key_that_was_meant() {
        for (file, meant) in [
            ("[server]\nlissten = \"x\"\n", "did you mean `server.listen`?"),
            ("[tiers.free]\nweigth = 1\n", "did you mean `tiers.free.weight`?"),
            ("[tiers.mine]\nweigth = 1\n", "did you mean `tiers.mine.weight`?"),
            ("[server]\nheartbeat_ms = 1\n", "did you mean `leases.heartbeat_ms`?"),
            ("[databse]\nurl = \"\"\n", "did you mean `database`?"),
        ] {
            let refused = with(file, &[]).unwrap_err();
            assert!(refused.contains(meant), "{refused}");
        }
        let refused = with("[tiers.free]\nnonsense = 1\n", &[]).unwrap_err();
        assert!(!refused.contains("did you mean"), "{refused}");
    }

    #[test]
    fn a_survey_has_all_that_is_wrong_and_what_nobody_reads() {
        let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
        file.write_all(b"[server]\nlissten = \"x\"\n[log]\nlevle = \"info\"\n").unwrap();
        let variables = ["REEVE__SERVER__PORT", "REEVE_SERVER_LISTEN", "REEVE_KEY", "PATH"];
        let variables = variables.map(|name| (name.to_owned(), "1".to_owned())).into_iter().collect();
        let survey = survey_of(Some(file.path()), variables);
        assert_eq!(survey.variables, ["REEVE__SERVER__PORT"]);
        assert_eq!(survey.strays.len(), 3);
        let unread = ("REEVE_SERVER_LISTEN".to_owned(), Some("REEVE__SERVER__LISTEN".to_owned()));
        assert_eq!(survey.unread, [unread]);
        assert!(survey.settings.is_err());
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
