//! Rule kind `alert`: which notices are sent, once per crossing (KF-04).

use reeve_types::Credits;
use serde::Deserialize;

use super::decimal;

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// For `low`: below so many hundredths of the last full balance.
    pub percent: Option<u8>,
    /// For `low`: below so many credits.
    #[serde(default, deserialize_with = "decimal::optional")]
    pub below: Option<Credits>,
    /// For `expiring`, `renewal` and `trim_ahead`: how long before, in hours.
    pub lead_hours: Option<u32>,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Available credits fell below a threshold.
    Low,
    /// Nothing is available any more.
    Exhausted,
    /// A lot's rest is about to expire.
    Expiring,
    /// A paid term is about to renew.
    Renewal,
    /// A boundary is about to forfeit credits.
    TrimAhead,
}
