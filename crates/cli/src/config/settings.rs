//! The settings as values. Their meaning and their shipped values stand in `config/default.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reeve_api::StripeSettings;
use reeve_jobs::{LeaseSettings, RetrySettings};
use reeve_store::{Database, OpenError, StoreSettings};
use serde::Deserialize;

use super::limits::LimitSettings;
use super::webhooks::WebhookSettings;

/// The database's file inside the data folder.
const DATABASE_FILE: &str = "reeve.db";

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Settings {
    pub server: ServerSettings,
    pub limits: LimitSettings,
    pub data: DataSettings,
    pub database: DatabaseSettings,
    pub log: LogSettings,
    pub telemetry: TelemetrySettings,
    pub catalogs: CatalogSettings,
    pub tiers: BTreeMap<String, TierEntry>,
    pub queue: QueueSettings,
    pub leases: LeaseSettings,
    pub retry: RetrySettings,
    pub timeouts: TimeoutSettings,
    pub engine: EngineTuning,
    pub cache: CacheSettings,
    pub retention: RetentionSettings,
    pub webhooks: WebhookSettings,
    pub integrations: IntegrationSettings,
}

/// What other services tell the server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct IntegrationSettings {
    pub stripe: StripeSettings,
}

/// How HTTP is served.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ServerSettings {
    pub listen: String,
    pub public_url: String,
    pub threads: usize,
    pub connections_max: usize,
    pub body_idle_seconds: u64,
    pub keep_alive_seconds: u64,
    pub unread_seconds_max: u32,
    pub stop_seconds_max: u64,
    pub metrics_open: bool,
    pub tls: TlsSettings,
}

/// The server's certificate; both empty: none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TlsSettings {
    pub cert: String,
    pub key: String,
}

/// Where files are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DataSettings {
    pub dir: PathBuf,
    /// With less room on its disk the server is not ready; 0: it does not matter.
    pub free_bytes_min: u64,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DatabaseSettings {
    pub url: String,
    pub readers: u32,
    /// On SQLite, changes of one batch from which on it is written ahead of the tables; 0 for never.
    pub ahead_changes_min: usize,
    pub answer_ms_max: u64,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct LogSettings {
    pub level: String,
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Human,
    Json,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TelemetrySettings {
    /// A collector's address; empty: none.
    pub otlp_url: String,
    pub service_name: String,
    pub sample_permille: u32,
}

/// Where catalogs come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CatalogSettings {
    pub dir: String,
}

/// One tier; its name is its key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct TierEntry {
    pub rank: u32,
    pub weight: u32,
    pub floor_permille: u32,
    pub express_permille: u32,
    pub running_max: u32,
    pub queued_max: u64,
}

/// What jobs cost in the queue's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct QueueSettings {
    pub cost_ms_max: u32,
    pub cost_ms_default: u32,
}

/// How long jobs may wait and run.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct TimeoutSettings {
    pub queue_ms: u64,
    pub run_ms: u64,
}

/// Threads and memory of the actors.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct EngineTuning {
    pub threads: usize,
    pub new_work_max: usize,
    pub actors_max: usize,
    pub actors_bytes_max: usize,
    pub tick_ms: u64,
    pub audit_ms: u64,
}

/// What is kept for how long.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct RetentionSettings {
    pub jobs_days: u32,
    pub outputs_days: u32,
    pub answers_hours: u32,
    pub files_grace_minutes: u32,
    pub step_rows: u32,
    pub tick_ms: u64,
}

impl TelemetrySettings {
    /// Whether spans could be sent to the address.
    pub(super) fn check_url(&self) -> Result<(), String> {
        if self.otlp_url.is_empty() {
            return Ok(());
        }
        let url = reqwest::Url::parse(&self.otlp_url).map_err(|e| format!("{e}; write http://HOST:4318"))?;
        match url.scheme() {
            "http" | "https" => Ok(()),
            _ => Err("it must begin with `http://` or `https://`".to_owned()),
        }
    }
}

impl RetentionSettings {
    /// What the upkeep takes.
    pub const fn upkeep(&self) -> reeve_upkeep::Settings {
        let Self { jobs_days, outputs_days, answers_hours, files_grace_minutes, step_rows, tick_ms } = *self;
        reeve_upkeep::Settings {
            jobs_days,
            outputs_days,
            answers_hours,
            files_grace_minutes,
            step_rows,
            tick_ms,
        }
    }
}

/// What is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct CacheSettings {
    pub intro_bytes_max: u64,
}

impl Settings {
    /// The folder of outputs and uploads, and of the database when none is named.
    pub fn data_dir(&self) -> &Path {
        &self.data.dir
    }

    /// The database as a person is told, without a password.
    pub fn database_shown(&self) -> String {
        match self.store().map(|store| store.database) {
            Ok(Database::Sqlite(path)) => path.display().to_string(),
            Ok(Database::Postgres(url)) => {
                url.rsplit_once('@').map_or("PostgreSQL", |(_, host)| host).to_owned()
            }
            Err(error) => error.to_string(),
        }
    }

    /// The SQLite file that would be made if it were opened; `None` when it exists, or is no file.
    pub fn database_missing(&self) -> Option<PathBuf> {
        match self.store().map(|store| store.database) {
            Ok(Database::Sqlite(path)) if !path.exists() => Some(path),
            _ => None,
        }
    }

    /// Which database to open.
    ///
    /// # Errors
    /// A URL of another scheme than those two.
    pub fn store(&self) -> Result<StoreSettings, OpenError> {
        let store = if self.database.url.is_empty() {
            StoreSettings::sqlite(self.data.dir.join(DATABASE_FILE))
        } else {
            StoreSettings::from_url(&self.database.url)?
        };
        let database = &self.database;
        let (readers, ahead_changes_min) = (database.readers.max(1), database.ahead_changes_min);
        let answer_max = Duration::from_millis(database.answer_ms_max);
        Ok(StoreSettings { readers, answer_max, ahead_changes_min, ..store })
    }

    /// Sections that a reload puts in force and that differ in `other`.
    pub fn reloadable_unlike(&self, other: &Self) -> Vec<String> {
        named([
            ("limits", self.limits != other.limits),
            ("tiers", self.tiers != other.tiers),
            ("queue", self.queue != other.queue),
            ("retry", self.retry != other.retry),
            ("timeouts", self.timeouts != other.timeouts),
            ("integrations", self.integrations != other.integrations),
        ])
    }

    /// Sections that only a restart puts in force and that differ in `other`.
    pub fn fixed_unlike(&self, other: &Self) -> Vec<String> {
        named([
            ("server", self.server != other.server),
            ("data", self.data != other.data),
            ("database", self.database != other.database),
            ("log", self.log != other.log),
            ("telemetry", self.telemetry != other.telemetry),
            ("catalogs", self.catalogs != other.catalogs),
            ("leases", self.leases != other.leases),
            ("engine", self.engine != other.engine),
            ("cache", self.cache != other.cache),
            ("retention", self.retention != other.retention),
            ("webhooks", self.webhooks != other.webhooks),
        ])
    }
}

fn named<const N: usize>(sections: [(&str, bool); N]) -> Vec<String> {
    sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}
