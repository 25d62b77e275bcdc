//! Workspaces: create, view, patch.

use std::collections::BTreeMap;

use reeve_types::{CatalogName, PlanName, TierName, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, BalanceSummary, Metadata, Patch, schema};

/// How often a plan is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// By the month.
    Month,
    /// By the year.
    Year,
}

/// The person whose account a workspace belongs to; the subject of once-per-user grants (X14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The platform's id of the user.
    pub user: String,
    /// How the platform verified the user: `google`, `google_workspace`, `password` or another text (KV-03).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// `POST /v1/workspaces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceCreate {
    /// Chosen by the caller, else derived from the idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::WorkspaceId>)]
    pub id: Option<WorkspaceId>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The catalog that it lives by.
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// A plan of the catalog; its default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PlanName>)]
    pub plan: Option<PlanName>,
    /// Credits per period, for plans that let one choose.
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
    /// What the platform notes on it; passed back unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
}

impl WorkspaceCreate {
    /// A workspace on a catalog's default plan, everything else left to the server.
    pub const fn on(catalog: CatalogName) -> Self {
        Self {
            id: None,
            name: None,
            catalog,
            plan: None,
            allotment: None,
            interval: None,
            seats: None,
            timezone: None,
            owner: None,
            metadata: None,
        }
    }
}

/// `PATCH /v1/workspaces/{ws}`. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspacePatch {
    /// For people; `null` takes it away.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<String>)]
    pub name: Patch<String>,
    /// From the next local date not yet granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Moves to this version of its catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_version: Option<u32>,
    /// `null`: back to the plan's own bound.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<u32>)]
    pub max_concurrent: Patch<u32>,
    /// Only on the plan `enterprise` (KV-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allotment: Option<Amount>,
    /// What the platform notes on it; `null` takes it away.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Patch<Metadata>,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionStatus {
    /// Paid, or free.
    Active,
    /// Cancelled, running until the period's end (X24).
    Canceling,
    /// The term's payment is missing (KV-26).
    PastDue,
    /// For good: nothing begins in it any more.
    Closed,
}

/// What a scheduled change does when its time comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledKind {
    /// Another subscription.
    Change,
    /// The end of it.
    Cancel,
}

/// A change of the subscription that waits for the period's end (X22).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduledChange {
    /// What it does.
    pub kind: ScheduledKind,
    /// When it does.
    pub at: At,
    /// For a cancel: the plan that a cancelled workspace falls to (X24).
    #[schema(value_type = schema::PlanName)]
    pub plan: PlanName,
    /// Credits a month from then on.
    pub allotment: Option<Amount>,
    /// How often it is paid from then on.
    pub interval: Option<Interval>,
    /// Seats from then on.
    pub seats: Option<u32>,
}

/// Units of an add-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddonUnits {
    /// Units now.
    pub units: u32,
    /// Units from the next period on; `null` is as many as now, 0 is cancelled.
    pub next_units: Option<u32>,
}

/// A trial that runs: what it lends on top of the plan (KV-24).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialView {
    /// The plan whose tier and entitlements are lent.
    #[schema(value_type = schema::PlanName)]
    pub plan: PlanName,
    /// First instant at which they are not any more.
    pub until: At,
}

/// A term whose payment is missing (KV-26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastDueView {
    /// The boundary whose payment is missing.
    pub since: At,
    /// When it becomes a cancel.
    pub until: At,
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceView {
    /// The workspace.
    #[schema(value_type = schema::WorkspaceId)]
    pub id: WorkspaceId,
    /// For people.
    pub name: Option<String>,
    /// The catalog that it lives by.
    #[schema(value_type = schema::CatalogName)]
    pub catalog: CatalogName,
    /// The version of it.
    pub catalog_version: u32,
    /// The plan that it subscribes to.
    #[schema(value_type = schema::PlanName)]
    pub plan: PlanName,
    /// Credits a month; `null` on a plan without an allotment.
    pub allotment: Option<Amount>,
    /// How often it pays.
    pub interval: Option<Interval>,
    /// Seats.
    pub seats: u32,
    /// Where the subscription stands.
    pub status: SubscriptionStatus,
    /// The IANA zone of its local dates.
    pub timezone: String,
    /// Where its months are counted from (X18).
    pub anchor_at: At,
    /// First instant of the billing period.
    pub period_start: Option<At>,
    /// First instant of the next one.
    pub period_end: Option<At>,
    /// The end of what was paid for: the year on yearly billing (KV-25).
    pub term_end: Option<At>,
    /// What waits for a boundary; `null` when nothing does.
    pub scheduled_change: Option<ScheduledChange>,
    /// Set while a term is not paid.
    pub past_due: Option<PastDueView>,
    /// Set while a trial runs.
    pub trial: Option<TrialView>,
    /// By name; those that were never bought are left out.
    pub addons: BTreeMap<String, AddonUnits>,
    /// The queue tier of its jobs.
    #[schema(value_type = schema::TierName)]
    pub tier: TierName,
    /// Most jobs of this workspace that run at once; `null` is unbounded.
    pub max_concurrent: Option<u32>,
    /// While true, none of its jobs starts.
    #[serde(default)]
    pub paused: bool,
    /// What it has.
    pub balance: BalanceSummary,
    /// What the platform noted on it.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Metadata>,
    /// When it was opened.
    pub created_at: At,
    /// `null` while it is open.
    #[serde(default)]
    pub closed_at: Option<At>,
    /// True once it was asked to be erased: name, owner, metadata, prompts and files go, figures stay.
    #[serde(default)]
    pub erased: bool,
    /// When all of that was gone; `null` until then.
    #[serde(default)]
    pub erased_at: Option<At>,
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_patch_tells_absent_from_null() {
        let patch: WorkspacePatch = serde_json::from_str(r#"{"max_concurrent":null,"name":"a"}"#).unwrap();
        assert_eq!(patch.max_concurrent, Patch::Clear);
        assert_eq!(patch.name, Patch::Set("a".into()));
        assert_eq!(patch.metadata, Patch::Keep);
        assert_eq!(serde_json::to_string(&patch).unwrap(), r#"{"name":"a","max_concurrent":null}"#);
    }

    #[test]
    fn only_what_was_said_is_sent() {
        let create = WorkspaceCreate::on(CatalogName::new("kive").unwrap());
        assert_eq!(serde_json::to_string(&create).unwrap(), r#"{"catalog":"kive"}"#);
    }
}
