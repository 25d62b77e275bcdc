//! Rule kind `change`: what a change of plan, seats or add-ons does, and when (X22, X23).

use serde::Deserialize;

/// All transitions of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// To a plan of higher rank, or a longer term.
    pub upgrade: PlanChange,
    /// To a plan of lower rank, or a shorter term.
    pub downgrade: PlanChange,
    /// To the catalog's default plan.
    pub cancel: PlanChange,
    /// More seats, or fewer.
    #[serde(default)]
    pub seats: SeatChange,
    /// Units of add-ons that end.
    #[serde(default)]
    pub addon: AddonChange,
}

/// One transition between plans. What a cancel or downgrade trims is a `carry` rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanChange {
    /// When it takes effect.
    pub when: When,
    /// What becomes of the billing anchor.
    #[serde(default)]
    pub anchor: Anchor,
    /// What is granted with it.
    #[serde(default)]
    pub grant: GrantOnChange,
    /// What becomes of the lots that the old plan gave.
    #[serde(default)]
    pub existing: Existing,
    /// Units of add-ons are granted again at the new plan's size (AS, X22).
    #[serde(default)]
    pub regrant_units: bool,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// With the request.
    Now,
    /// At the end of the billing period.
    PeriodEnd,
    /// The end of the paid term: the year's, where the workspace pays by the year (KV-25).
    TermEnd,
}

/// What becomes of the billing anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Boundaries stay where they are.
    #[default]
    Keep,
    /// The change starts a new billing cycle (KV-20).
    Reset,
}

/// What is granted with the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantOnChange {
    /// Nothing until the next boundary.
    #[default]
    None,
    /// The new allotment.
    Full,
    /// The new allotment less the old one (KR-16).
    Difference,
    /// The difference, by the days that are left.
    Prorated,
}

/// What becomes of the lots that the old plan gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Existing {
    /// They live on until their own end.
    #[default]
    Keep,
    /// Base and unit lots end with the change (X22).
    Expire,
}

/// Seats added and removed (AS-12).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeatChange {
    /// When seats that are added count.
    pub added: When,
    /// When seats that are removed cease to.
    pub removed: When,
    /// Whether a seat that is added late gives fewer credits.
    pub prorate: Prorate,
}

impl Default for SeatChange {
    fn default() -> Self {
        Self { added: When::Now, removed: When::PeriodEnd, prorate: Prorate::None }
    }
}

/// Whether a seat added late gives fewer credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prorate {
    /// As many as a whole period.
    #[default]
    None,
    /// By the days that are left.
    Days,
}

/// Add-ons cancelled, alone or with the plan (AS-08, AS-09).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddonChange {
    /// When the units end.
    pub cancel: When,
    /// A cancelled plan takes the add-ons with it.
    pub ends_with_plan: bool,
}

impl Default for AddonChange {
    fn default() -> Self {
        Self { cancel: When::PeriodEnd, ends_with_plan: true }
    }
}
