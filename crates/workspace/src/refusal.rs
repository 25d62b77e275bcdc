//! Why a command is refused: the user's side, never the environment's.

use reeve_types::{Credits, JobId, LeaseId, Millis, PlanName, WorkspaceId};

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// JSON pointer into the request body.
    pub pointer: String,
    pub detail: String,
}

/// A way out of an empty balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    Wait,
    Purchase,
    Upgrade,
    FewerOutputs,
}

/// The cheapest way out of an empty balance, in figures.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WayOut {
    /// So many outputs can be paid now.
    FewerOutputs { outputs: u32, credits: Credits },
    /// Enough comes by itself.
    Wait { until: Millis },
    /// The smallest purchase that covers what is missing.
    Purchase { pack: Option<String>, credits: Credits },
    /// The lowest plan above that comes with enough.
    Upgrade { plan: PlanName },
}

/// A closed list, in the order in which reasons are checked. Stored with idempotency keys, so that a
/// repeated request gets the same refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "refusal")]
pub enum Refusal {
    #[error("the request is not valid")]
    Invalid { findings: Vec<Finding> },
    #[error("workspace `{workspace}` does not exist")]
    NoSuchWorkspace { workspace: WorkspaceId },
    #[error("workspace `{workspace}` exists already; read it, or choose another id")]
    WorkspaceExists { workspace: WorkspaceId },
    /// Closed, or never was: the stored row tells which.
    #[error("job `{job}` is not live")]
    NotLive { job: JobId },
    #[error("lease `{lease}` is not the live one; drop this attempt")]
    StaleLease { lease: LeaseId },
    #[error("{detail}")]
    Conflict { detail: String },
    #[error("workspace `{workspace}` is closed; nothing begins in it any more")]
    Closed { workspace: WorkspaceId },
    #[error("plan `{plan}` may not use `{what}`{}", may(.plans))]
    NotEntitled { what: String, plan: PlanName, plans: Vec<PlanName> },
    #[error("{detail}")]
    NotAllowed { detail: String },
    #[error("there is no purchase `{purchase}` here")]
    NoSuchPurchase { purchase: reeve_types::PurchaseId },
    #[error("`{addon}` is not an add-on of this catalog")]
    NoSuchAddon { addon: String },
    /// A ceiling of the catalog or of a member.
    #[error("limit `{name}` is {limit}: {used} used, {held} held, {pending} pending")]
    LimitReached {
        name: String,
        limit: Credits,
        used: Credits,
        pending: Credits,
        held: Credits,
        resets_at: Option<Millis>,
    },
    /// A purchase or subscription that its catalog does not give back (409).
    #[error("{detail}")]
    RefundRefused { detail: String },
    #[error("it costs {credits} credits, more than `max_credits`")]
    PriceChanged { credits: Credits },
    #[error("{required} credits are needed, {available} are available, {missing} are missing")]
    InsufficientCredits {
        required: Credits,
        available: Credits,
        missing: Credits,
        next_credit_at: Option<Millis>,
        next_credit_amount: Option<Credits>,
        remedies: Vec<Remedy>,
        cheapest: Option<WayOut>,
    },
    #[error("the workspace has {queued} jobs waiting, and its tier allows {queued_max}")]
    QueueFull { queued: u64, queued_max: u64 },
    /// What the caller had read of the ledger is no longer all of it: to be read again, never shown.
    #[error("the ledger moved on to row {seq}; try again")]
    Moved { seq: u64 },
    /// Something that comes before it was not told yet: told again later, it may be taken. Never remembered.
    #[error("{detail}")]
    NotYet { detail: String },
    #[error("payment `{payment}` is already used by workspace `{by}`")]
    PaymentUsed { payment: String, by: WorkspaceId },
}

impl Refusal {
    /// One wrong input.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid { findings: vec![Finding { pointer: pointer.to_owned(), detail: detail.into() }] }
    }

    /// A refusal that may be remembered with its idempotency key. A full queue is not: the same key
    /// shall run again once there is room.
    pub const fn is_lasting(&self) -> bool {
        !matches!(self, Self::QueueFull { .. } | Self::Moved { .. } | Self::NotYet { .. })
    }
}

fn may(plans: &[PlanName]) -> String {
    if plans.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = plans.iter().map(PlanName::as_str).collect();
    format!("; it needs {}", names.join(" or "))
}
