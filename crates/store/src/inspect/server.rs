//! A PostgreSQL database, looked at by a session of its own.

use reeve_types::{Clock, Millis};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use super::{ClockReading, Inspection, Schema, newest_at, text};
use crate::open::OpenError;
use crate::postgres::session::holder;
use crate::settings::StoreSettings;
use crate::steps::{peek, standing};

const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text";
/// Each without which a commit that was acknowledged may be lost, or half there.
const SETTINGS: [&str; 3] = ["fsync", "full_page_writes", "synchronous_commit"];
/// The server sets this one for its own session.
const SET_BY_SERVER: &str = "synchronous_commit";

pub(super) async fn inspect(settings: &StoreSettings, clock: &dyn Clock) -> Result<Inspection, OpenError> {
    let standing = standing(settings).await?;
    let (db, database) = peek(&settings.database).await?;
    let looked = look(&db, &database, clock).await;
    let (bytes, schema) = (standing.bytes, Schema::from(standing));
    let newest_at = newest_at(&db, &schema).await;
    // Nothing was written, so nothing is lost when it does not close cleanly.
    let _ = db.close().await;
    Ok(Inspection { bytes, schema, newest_at, ..looked? })
}

async fn look(db: &DatabaseConnection, database: &str, clock: &dyn Clock) -> Result<Inspection, OpenError> {
    let version = text(db, "SHOW server_version", database).await?;
    if text(db, "SELECT pg_is_in_recovery()::text", database).await? == "true" {
        let detail = "it is a replica that only reads; name the primary".to_owned();
        return Err(OpenError::CannotOpen { database: database.to_owned(), detail });
    }
    let mut settings = Vec::new();
    for name in SETTINGS {
        settings.push((name, text(db, &format!("SHOW {name}"), database).await?));
    }
    let off = settings.iter().filter(|(name, value)| value == "off" && *name != SET_BY_SERVER);
    let unsafe_settings = off.map(|(name, _)| format!("`{name}` is off: a power cut loses data")).collect();
    Ok(Inspection {
        program: format!("PostgreSQL {}", version.split_whitespace().next().unwrap_or_default()),
        holder: holder(db).await.map(|by| by.trim_start_matches(" by ").to_owned()),
        unsafe_settings,
        settings,
        clock: reading(db, clock).await,
        ..Inspection::default()
    })
}

/// The second of two looks: the first one may have waited for the session to wake up.
async fn reading(db: &DatabaseConnection, clock: &dyn Clock) -> Option<ClockReading> {
    let mut last = None;
    for _ in 0..2 {
        let before = clock.now();
        let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, NOW)).await.ok()??;
        let after = clock.now();
        let database = row.try_get_by_index::<String>(0).ok()?.parse().ok().map(Millis::from_millis)?;
        last = Some(ClockReading { before, database, after });
    }
    last
}
