//! Workspaces that come with the balance another system kept, in bulk.

use reeve_types::{CatalogName, PlanName, SourceName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, Interval, Metadata, Owner, Problem, schema};

/// One workspace of `POST /v1/workspaces/import`. Nothing is granted by the catalog; `lots` is what it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRow {
    /// The workspace; your own account's id is a good one.
    #[schema(value_type = schema::WorkspaceId)]
    pub id: WorkspaceId,
    /// The catalog that it lives by.
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// The catalog's default plan when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PlanName>)]
    pub plan: Option<PlanName>,
    /// Credits a month, for plans that let one choose; the plan's smallest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allotment: Option<Amount>,
    /// How often it pays; `month` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Seats; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// An IANA zone such as `Europe/Berlin`; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The person whose account it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the platform notes on it; passed back unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// Where its months are counted from; now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_at: Option<At>,
    /// What it has.
    #[serde(default)]
    pub lots: Vec<ImportLot>,
}

/// A lot as the other system had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportLot {
    /// A source of the catalog.
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// Credits that are left of it; above zero.
    pub amount: Amount,
    /// Now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<At>,
    /// Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
    /// The payment that bought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// It exists now.
    Imported,
    /// The very same row was imported before.
    Exists,
    /// Nothing of it was done.
    Refused,
}

/// One row's answer, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportResult {
    /// `null` when the row has none that can be read.
    pub id: Option<String>,
    /// What became of it.
    pub status: ImportStatus,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// The answer to `POST /v1/workspaces/import`. Sending the same rows again is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImportAnswer {
    /// One answer for each row.
    pub data: Vec<ImportResult>,
    /// Rows that were imported now.
    pub imported: u64,
    /// Rows that were there before.
    pub existing: u64,
    /// Rows that were refused.
    pub refused: u64,
}
