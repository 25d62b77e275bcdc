//! Plan changes, renewals, add-ons, referrals and member limits.

use reeve_types::{LotId, MemberId, PlanName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, Interval, schema};

/// `POST /v1/workspaces/{ws}/subscription` (X22).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionChange {
    /// The plan that is wanted.
    #[schema(value_type = schema::PlanName)]
    pub plan: PlanName,
    /// Credits a month, for plans that let one choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allotment: Option<Amount>,
    /// How often it is paid; as now when absent, where the plan is sold for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// Seats; as many as now when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
}

/// `GET /v1/workspaces/{ws}/subscription/refund_proposal`: what a refund now would be (KF-08, KF-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefundProposalView {
    /// Months of the paid term that have not begun; all of them when the payment can go back whole.
    pub unused_months: u32,
    /// Months of that term.
    pub of_months: u32,
    /// Credits that would go with it.
    pub credits_to_retire: Amount,
    /// The payment's window is open and nothing of it is used.
    pub in_full: bool,
}

/// `POST /v1/workspaces/{ws}/subscription/refund`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRefund {
    /// The platform's reference of the payment that goes back.
    pub payment: String,
    /// For the ledger.
    pub reason: String,
}

/// How a renewal's payment went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// It arrived.
    Paid,
    /// It did not.
    Failed,
}

/// `POST /v1/workspaces/{ws}/renewals` (KV-26).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalCreate {
    /// The platform's reference of the payment.
    pub payment: String,
    /// How it went.
    pub status: PaymentStatus,
}

/// `PUT /v1/workspaces/{ws}/addons/{addon}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddonPut {
    /// Units wanted in all; fewer than now end when the catalog says.
    pub units: u32,
}

/// `POST /v1/workspaces/{ws}/referrals` (KA-04).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferralCreate {
    /// The user who signed up.
    pub friend: String,
}

/// What a referral gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReferralView {
    /// The user who signed up.
    pub friend: String,
    /// The lot that it made.
    #[schema(value_type = Option<schema::LotId>)]
    pub lot: Option<LotId>,
}

/// Over which time a member's limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberWindow {
    /// A local date of the workspace's zone.
    Day,
    /// A calendar month in UTC.
    Month,
    /// From one monthly anniversary of the anchor to the next.
    BillingMonth,
}

/// The most a member may spend in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberLimit {
    /// Most credits, those of jobs under way counted.
    pub amount: Amount,
    /// Over which time.
    pub window: MemberWindow,
}

/// `PUT /v1/workspaces/{ws}/members/{member}`; without `limit` the member has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberPut {
    /// The ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<MemberLimit>,
}

/// A member who has, or had, a limit, and what counts to it in the present window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// The member.
    #[schema(value_type = schema::MemberId)]
    pub member: MemberId,
    /// The ceiling; `null` when there is none.
    pub limit: Option<MemberLimit>,
    /// Settled in the window.
    pub used: Amount,
    /// By jobs under way.
    pub held: Amount,
    /// When the window ends; `null` without a limit.
    pub resets_at: Option<At>,
}
