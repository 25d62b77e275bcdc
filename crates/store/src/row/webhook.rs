//! Table `webhooks`: endpoints with their secrets.

use reeve_journal::{Disabled, EndpointHealth, EndpointRow, EndpointSecret, SECRET_BYTES, StoreError};
use reeve_types::Millis;
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::columns::{Columns, int, text};
use crate::journal::encode::Rows;

/// What is written of an endpoint; where it hears from is added once, when the row is made.
pub(crate) const COLUMNS: &Columns = &[
    text("id"),
    text("url"),
    text("events"),
    text("workspace"),
    int("of_jobs"),
    text("secrets"),
    int("created_at"),
    int("failing_since"),
    int("disabled_at"),
    text("disabled_why"),
];

/// How an endpoint does.
pub(crate) const HEALTH: &Columns =
    &[text("id"), int("failing_since"), int("disabled_at"), text("disabled_why")];

/// A secret as stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    key: String,
    until: Option<i64>,
}

impl From<&EndpointSecret> for Stored {
    fn from(secret: &EndpointSecret) -> Self {
        Self { key: hex::encode(secret.bytes), until: secret.until.map(Millis::value) }
    }
}

/// One endpoint.
pub(crate) fn write(rows: &mut Rows, row: &EndpointRow) {
    let secrets: Vec<Stored> = row.secrets.iter().map(Stored::from).collect();
    let disabled = row.disabled.as_ref();
    rows.row()
        .id(row.id)
        .text(&row.url)
        .json(&row.events)
        .opt_id(row.workspace.as_ref())
        .int(i64::from(row.of_jobs))
        .json(&secrets)
        .int(row.created_at.value())
        .opt_int(row.failing_since.map(Millis::value))
        .opt_int(disabled.map(|disabled| disabled.at.value()))
        .opt_text(disabled.map(|disabled| disabled.why.as_str()))
        .done(COLUMNS.len());
}

/// How one endpoint does.
pub(crate) fn write_health(rows: &mut Rows, health: &EndpointHealth) {
    let disabled = health.disabled.as_ref();
    rows.row()
        .id(health.id)
        .opt_int(health.failing_since.map(Millis::value))
        .opt_int(disabled.map(|disabled| disabled.at.value()))
        .opt_text(disabled.map(|disabled| disabled.why.as_str()))
        .done(HEALTH.len());
}

/// A stored endpoint.
pub(crate) fn read(cells: &Cells<'_>) -> Result<EndpointRow, StoreError> {
    let secrets: Vec<Stored> = cells.json("secrets")?;
    let secret = |Stored { key, until }: Stored| {
        let bytes = hex::decode(key).ok().and_then(|bytes| <[u8; SECRET_BYTES]>::try_from(bytes).ok());
        // Never with the text itself: the message ends up in logs.
        let bytes = bytes.ok_or_else(|| cells.damaged("secrets", "a secret has another length"))?;
        Ok(EndpointSecret { bytes, until: until.map(Millis::from_millis) })
    };
    let disabled = match cells.opt_millis("disabled_at")? {
        Some(at) => Some(Disabled { at, why: cells.opt_text("disabled_why")?.unwrap_or_default() }),
        None => None,
    };
    Ok(EndpointRow {
        id: cells.parse("id")?,
        url: cells.text("url")?,
        events: cells.json("events")?,
        workspace: cells.opt_parse("workspace")?,
        of_jobs: cells.flag("of_jobs")?,
        secrets: secrets.into_iter().map(secret).collect::<Result<_, StoreError>>()?,
        created_at: cells.millis("created_at")?,
        heard_from: cells.int("heard_from")?,
        failing_since: cells.opt_millis("failing_since")?,
        disabled,
    })
}
