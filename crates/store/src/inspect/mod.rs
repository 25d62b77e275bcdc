//! What can be told of a database without opening it as a server does: for `reeve doctor`.
//!
//! Called by the composition root. Guarantees: no row is written, no step of the schema applied and no lock kept, and a
//! server may run meanwhile. Each database has a file of its own here.

mod file;
mod server;

use reeve_types::{Clock, Millis};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::open::{OpenError, cannot_open};
use crate::read::newest_at as workspaces_newest_at;
use crate::settings::{Database, StoreSettings};
use crate::steps::Standing;

/// What a database says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The database's program and its version, such as `SQLite 3.50.4`.
    pub program: String,
    pub schema: Schema,
    /// Who writes to it now, for people; `None`: nobody.
    pub holder: Option<String>,
    /// Settings that decide what survives a power cut, as name and value.
    pub settings: Vec<(&'static str, String)>,
    /// Those of them that may lose what was acknowledged, for people.
    pub unsafe_settings: Vec<String>,
    /// Size of the data with their log, in bytes.
    pub bytes: u64,
    /// What the database takes for the time, where it has a clock of its own.
    pub clock: Option<ClockReading>,
    /// The newest instant that any workspace has seen, where the schema is up to date.
    pub newest_at: Option<Millis>,
}

/// Steps of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Steps that are applied.
    pub applied: usize,
    /// Steps of this program that are not.
    pub pending: Vec<String>,
}

impl From<Standing> for Schema {
    fn from(standing: Standing) -> Self {
        let pending = standing.pending.into_iter().map(|step| step.name.to_owned()).collect();
        Self { applied: standing.applied.len(), pending }
    }
}

/// The database's clock, read between two looks at ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    pub before: Millis,
    pub database: Millis,
    pub after: Millis,
}

impl ClockReading {
    /// Milliseconds that the database's clock is ahead of ours, and half of what reading it took.
    pub const fn offset_ms(self) -> (i64, i64) {
        let half = self.after.since(self.before) / 2;
        (self.database.since(self.before) - half, half)
    }
}

/// Looks at a database; `None` where there is none yet and a server would make it.
///
/// # Errors
/// See [`OpenError`]: what would keep a server from opening it, but for another process that has it.
pub async fn inspect(settings: &StoreSettings, clock: &dyn Clock) -> Result<Option<Inspection>, OpenError> {
    match &settings.database {
        Database::Sqlite(path) => file::inspect(path, settings).await,
        Database::Postgres(_) => server::inspect(settings, clock).await.map(Some),
    }
}

/// The newest instant that is stored; a schema that is older may keep it elsewhere.
async fn newest_at(db: &DatabaseConnection, schema: &Schema) -> Option<Millis> {
    if schema.pending.is_empty() { workspaces_newest_at(db).await.ok()? } else { None }
}

/// The only text that a query has for an answer.
async fn text(db: &impl ConnectionTrait, sql: &str, database: &str) -> Result<String, OpenError> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
    let row = row.map_err(|error| cannot_open(database, &error))?;
    Ok(row.and_then(|row| row.try_get_by_index::<String>(0).ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_of_a_clock_is_taken_from_the_middle_of_the_look() {
        let at = Millis::from_millis;
        let reading = ClockReading { before: at(1_000), database: at(1_510), after: at(1_020) };
        assert_eq!(reading.offset_ms(), (500, 10));
        let behind = ClockReading { database: at(900), ..reading };
        assert_eq!(behind.offset_ms().0, -110);
    }
}
