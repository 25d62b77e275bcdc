//! Plan changes, renewals, add-ons, referrals and member limits.

use reeve_types::PlanName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, Interval};

/// `POST /v1/workspaces/{ws}/subscription` (X22).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionChange {
    #[schema(value_type = String)]
    pub plan: PlanName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allotment: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
}

/// How a renewal's payment went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    Paid,
    Failed,
}

/// `POST /v1/workspaces/{ws}/renewals` (KV-26).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalCreate {
    /// The platform's reference of the payment.
    pub payment: String,
    pub status: PaymentStatus,
}

/// `PUT /v1/workspaces/{ws}/addons/{addon}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddonPut {
    pub units: u32,
}

/// `POST /v1/workspaces/{ws}/referrals` (KA-04).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralCreate {
    /// The user who signed up.
    pub friend: String,
}

/// Over which time a member's limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberWindow {
    Day,
    Month,
    BillingMonth,
}

/// The most a member may spend in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberLimit {
    pub amount: Amount,
    pub window: MemberWindow,
}

/// `PUT /v1/workspaces/{ws}/members/{member}`; without `limit` the member has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPut {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<MemberLimit>,
}
