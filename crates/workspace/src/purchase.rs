//! Purchases: a payment and the lot it became, and how both can be undone.

use std::sync::Arc;

use reeve_types::{Credits, LotId, Millis, PurchaseId, SourceName};

/// How far a purchase got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseStatus {
    /// Recorded, not paid: no credits yet, but it counts to the cap (KV-09).
    Pending,
    /// The payment arrived and the credits are there.
    Paid,
    /// Never paid.
    Failed,
    /// Given back whole.
    Refunded,
    /// Taken back by the payer's bank.
    ChargedBack,
}

impl PurchaseStatus {
    /// Every status, for parsing and tables.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Paid, Self::Failed, Self::Refunded, Self::ChargedBack];

    /// The stored and shown word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::ChargedBack => "charged_back",
        }
    }

    /// The status of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A purchase, and the lot it became. All of a workspace's are in memory: a refund may name the oldest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PurchaseRow {
    /// The purchase.
    pub id: PurchaseId,
    /// The platform's reference of the payment.
    pub payment: Arc<str>,
    /// The pack that was bought; `None` for a number of credits.
    pub pack: Option<Arc<str>>,
    /// What was bought.
    pub credits: Credits,
    /// The source that grants it.
    pub source: SourceName,
    /// How far it got.
    pub status: PurchaseStatus,
    /// `None` while nothing is granted.
    pub lot: Option<LotId>,
    /// What its reversals took from its lots, the promotional one too.
    pub clawed_back: Credits,
    /// What they could not take, because it was used: now debt, or lost.
    pub unrecovered: Credits,
    /// Purchased credits given back so far; a partial refund leaves the purchase `paid`.
    pub reversed: Credits,
    /// A chargeback was won back: once at most.
    pub restored: bool,
    /// When it was recorded.
    pub created_at: Millis,
    /// When the payment arrived.
    pub confirmed_at: Option<Millis>,
}

/// What disputes took of a purchase, apart from what was given back of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Disputed {
    /// Purchased credits that they are about.
    pub credits: Credits,
    /// What they could not take, because it was used.
    pub unrecovered: Credits,
    /// What they took, by lot.
    pub lots: Vec<(LotId, Credits)>,
}
