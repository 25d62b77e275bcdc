//! Reconciliation: payments against credits, charges against deliveries, day by day.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Amount, At};

/// Query of `GET /v1/reconciliation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReconciliationQuery {
    /// First instant that counts, or first date (`2026-01-31`, in UTC); thirty days before `to` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// First instant or date that counts no longer; now when absent. At most 400 days after `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The figures of a day, or of all days together. Credits of one side come from other rows than those of the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledSums {
    /// Confirmed payments: how many, and the credits that their purchases are about.
    pub payments: u64,
    /// Credits that the purchases of those payments are about.
    pub paid: Amount,
    /// Credits that the ledger granted for them.
    pub granted_paid: Amount,
    /// `paid` less `granted_paid`: anything but 0 is money that became no credits, or credits without money.
    pub payments_difference: Amount,
    /// All other grants.
    pub granted_other: Amount,
    /// Settled, by the ledger.
    pub settled: Amount,
    /// Outputs that landed: how many, and what they were charged by their jobs' own rows.
    pub delivered: u64,
    /// Credits that those outputs were charged, by their jobs' own rows.
    pub charged: Amount,
    /// `settled` less `charged`: anything but 0 is a charge without a delivery.
    pub deliveries_difference: Amount,
    /// Pinned for jobs that were admitted.
    pub held: Amount,
    /// Given back by jobs that ended.
    pub released: Amount,
    /// Lost because their time was over.
    pub expired: Amount,
    /// Lost at boundaries and changes of plan.
    pub forfeited: Amount,
    /// Taken back with refunds and chargebacks.
    pub clawed_back: Amount,
    /// Given back after won disputes.
    pub restored: Amount,
    /// Taken by operators.
    pub taken: Amount,
    /// Debt made less debt paid.
    pub debt: Amount,
}

/// One day in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledDay {
    /// Such as `2026-01-31`.
    pub day: String,
    /// Its figures.
    pub sums: ReconciledSums,
}

/// `GET /v1/reconciliation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciliationView {
    /// First instant that counts.
    pub from: At,
    /// First instant that counts no longer.
    pub to: At,
    /// True when no day has a difference.
    pub ok: bool,
    /// Days on which anything happened, in order.
    pub days: Vec<ReconciledDay>,
    /// All days together.
    pub total: ReconciledSums,
}
