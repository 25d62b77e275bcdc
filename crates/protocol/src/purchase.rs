//! Credits that come by payment or by an administrator's hand.

use reeve_types::{JobId, LotId, PurchaseId, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Amount, At, BalanceSummary, schema};

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    /// The payment is not confirmed: no credits yet (KV-08).
    Pending,
    Paid,
    Failed,
    Refunded,
    /// Taken back by the payer's bank.
    ChargedBack,
}

/// `POST /v1/workspaces/{ws}/purchases`: exactly one of `pack` and `credits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseCreate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Amount>,
    /// The platform's reference of the payment; the same one never grants twice.
    pub payment: String,
    /// `paid` when absent; else only `pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PurchaseStatus>,
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PurchaseView {
    #[schema(value_type = schema::PurchaseId)]
    pub id: PurchaseId,
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    pub pack: Option<String>,
    pub credits: Amount,
    pub payment: String,
    pub status: PurchaseStatus,
    /// `null` until paid.
    #[schema(value_type = Option<schema::LotId>)]
    pub lot: Option<LotId>,
    /// Purchased credits that were given back; below `credits` the purchase stays `paid`.
    pub refunded: Amount,
    /// What that took from its lots, a promotional one too.
    pub clawed_back: Amount,
    /// What it could not take back, because it was spent.
    pub unrecovered: Amount,
    /// A dispute about it was won.
    pub restored: bool,
    pub created_at: At,
    pub confirmed_at: Option<At>,
}

/// Who wants the money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundKind {
    /// The customer, within the catalog's window.
    Requested,
    Chargeback,
    /// The platform, whatever the window.
    Admin,
}

/// `POST /v1/purchases/{id}/refund`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    pub kind: RefundKind,
    /// Needed with kind `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A part of the purchase; all of it when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Amount>,
}

/// `POST /v1/workspaces/{ws}/adjustments`: credits given (above zero) or taken (below).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentCreate {
    pub amount: Amount,
    pub reason: String,
    /// Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
    /// Makes it a refund of this job: the sum per job is at most what the job settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// What an adjustment did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentView {
    pub amount: Amount,
    pub reason: String,
    /// The lot that it made; `null` when it took credits.
    #[schema(value_type = Option<schema::LotId>)]
    pub lot: Option<LotId>,
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    pub at: At,
    /// After it.
    pub balance: BalanceSummary,
}
