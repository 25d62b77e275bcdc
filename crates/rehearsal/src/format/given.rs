//! What is there before anything happens: a workspace, its lots, and a catalog that differs in one setting.

use chrono_tz::Tz;
use reeve_credits::Interval;
use reeve_credits::catalog::{decimal, decimal_optional};
use reeve_types::{Credits, Millis, PlanName, SourceName, WorkspaceId};
use serde::de::{Deserialize, Deserializer, Error};

use super::{End, Instant};

/// The workspace that the steps are about. It is opened before the first step unless a step creates it.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// The catalog's default plan when left out.
    pub plan: Option<PlanName>,
    #[serde(deserialize_with = "decimal_optional")]
    pub allotment: Option<Credits>,
    pub interval: Interval,
    pub seats: u32,
    pub identity: Option<String>,
    pub user: Option<String>,
    pub workspace: Option<WorkspaceId>,
    pub timezone: Tz,
    /// When it is opened: RFC 3339.
    pub at: Instant,
    /// Where its months are counted from, when that was earlier; only with `lots`.
    pub anchor_at: Option<Instant>,
    /// Keys of once-only grants that somebody else already has.
    pub claimed: Vec<String>,
    /// Credits that an operator adds at once, for examples that only need some.
    #[serde(deserialize_with = "decimal_optional")]
    pub credits: Option<Credits>,
    /// The lots it has instead of those that the catalog grants to a new one.
    pub lots: Option<Vec<GivenLot>>,
    /// Settings in which the catalog of this example differs from the file.
    pub catalog: Option<Overlay>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            plan: None,
            allotment: None,
            interval: Interval::Month,
            seats: 1,
            identity: None,
            user: None,
            workspace: None,
            timezone: Tz::UTC,
            // An ordinary morning; examples for which the instant matters say theirs.
            at: Instant(Millis::from_millis(1_767_258_000_000)),
            anchor_at: None,
            claimed: Vec::new(),
            credits: None,
            lots: None,
            catalog: None,
        }
    }
}

/// A lot that is there from the start.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenLot {
    pub source: SourceName,
    #[serde(deserialize_with = "decimal")]
    pub amount: Credits,
    /// Never when left out.
    pub until: Option<End>,
    pub payment: Option<String>,
}

/// A part of a catalog that takes the place of what the file says: a table, or a text of TOML.
///
/// Tables are merged key by key and everything else is replaced. An array of tables is changed in place by a table
/// whose keys name its entries: by number from 0, or by their `name`, `at` or `kind`.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay(pub toml::Table);

impl<'de> Deserialize<'de> for Overlay {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(d)? {
            toml::Value::Table(table) => Ok(Self(table)),
            // Read as files are, with their bounds: it is a text within a text.
            toml::Value::String(text) => reeve_credits::catalog::read("catalog", &text)
                .map(Self)
                .map_err(|error| Error::custom(format_args!("the text is not TOML: {error}"))),
            other => Err(Error::custom(format_args!("a {} is not part of a catalog", other.type_str()))),
        }
    }
}
