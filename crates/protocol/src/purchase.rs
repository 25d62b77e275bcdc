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
    /// The payment arrived and the credits are there.
    Paid,
    /// It was never paid.
    Failed,
    /// Given back whole.
    Refunded,
    /// Taken back by the payer's bank.
    ChargedBack,
}

/// `POST /v1/workspaces/{ws}/purchases`: exactly one of `pack` and `credits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurchaseCreate {
    /// A pack of the catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// A number of credits.
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
    /// The purchase.
    #[schema(value_type = schema::PurchaseId)]
    pub id: PurchaseId,
    /// Whose it is.
    #[schema(value_type = schema::WorkspaceId)]
    pub workspace: WorkspaceId,
    /// The pack that was bought; `null` for a number of credits.
    pub pack: Option<String>,
    /// What was bought.
    pub credits: Amount,
    /// The platform's reference of the payment.
    pub payment: String,
    /// Where it stands.
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
    /// When it was recorded.
    pub created_at: At,
    /// When the payment arrived; `null` until then.
    pub confirmed_at: Option<At>,
}

/// Who wants the money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundKind {
    /// The customer, within the catalog's window.
    Requested,
    /// The payer's bank; nobody is asked (X13).
    Chargeback,
    /// The platform, whatever the window.
    Admin,
}

/// `POST /v1/purchases/{id}/refund`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// Who wants the money back.
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
    /// Credits; never zero.
    pub amount: Amount,
    /// For the ledger; never empty.
    pub reason: String,
    /// Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
    /// Makes it a refund of this job: the sum per job is at most what the job settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    /// A scope of the catalog that given credits may pay for; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// What an adjustment did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentView {
    /// Credits given (above zero) or taken (below).
    pub amount: Amount,
    /// As it stands in the ledger.
    pub reason: String,
    /// The lot that it made; `null` when it took credits.
    #[schema(value_type = Option<schema::LotId>)]
    pub lot: Option<LotId>,
    /// The job that it makes good for.
    #[schema(value_type = Option<schema::JobId>)]
    pub job: Option<JobId>,
    /// When it was done.
    pub at: At,
    /// After it.
    pub balance: BalanceSummary,
}
