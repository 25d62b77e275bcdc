//! Why a command is refused: the user's side, never the environment's.

use reeve_types::{Credits, JobId, LeaseId, Millis, PlanName, WorkspaceId};

/// What is wrong with one input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    /// JSON pointer into the request body.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// A way out of an empty balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Credits come by themselves.
    Wait,
    /// Credits can be bought.
    Purchase,
    /// A higher plan comes with enough.
    Upgrade,
    /// Fewer versions can be paid now.
    FewerOutputs,
}

/// The cheapest way out of an empty balance, in figures.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WayOut {
    /// So many outputs can be paid now.
    FewerOutputs {
        /// How many.
        outputs: u32,
        /// What they cost.
        credits: Credits,
    },
    /// Enough comes by itself.
    Wait {
        /// When enough is there.
        until: Millis,
    },
    /// The smallest purchase that covers what is missing.
    Purchase {
        /// The pack, where packs are sold.
        pack: Option<String>,
        /// What it gives.
        credits: Credits,
    },
    /// The lowest plan above that comes with enough.
    Upgrade {
        /// The plan.
        plan: PlanName,
    },
}

/// A closed list, in the order in which reasons are checked. Stored with idempotency keys, so that a
/// repeated request gets the same refusal.
#[derive(Clone, Debug, PartialEq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "refusal")]
pub enum Refusal {
    /// The request is not valid (422).
    #[error("the request is not valid")]
    Invalid {
        /// All that is wrong with it.
        findings: Vec<Finding>,
    },
    /// There is no such workspace (404).
    #[error("workspace `{workspace}` does not exist")]
    NoSuchWorkspace {
        /// The id that was asked for.
        workspace: WorkspaceId,
    },
    /// The id is taken (409).
    #[error("workspace `{workspace}` exists already; read it, or choose another id")]
    WorkspaceExists {
        /// The id that was asked for.
        workspace: WorkspaceId,
    },
    /// Closed, or never was: the stored row tells which.
    #[error("job `{job}` is not live")]
    NotLive {
        /// The job that was asked for.
        job: JobId,
    },
    /// Another attempt holds the job now (409, J1).
    #[error("lease `{lease}` is not the live one; drop this attempt")]
    StaleLease {
        /// The lease of the message.
        lease: LeaseId,
    },
    /// The state does not allow this (409).
    #[error("{detail}")]
    Conflict {
        /// Why, for people.
        detail: String,
    },
    /// Nothing begins in a closed workspace (409).
    #[error("workspace `{workspace}` is closed; nothing begins in it any more")]
    Closed {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// The plan does not have this (403, KV-30).
    #[error("plan `{plan}` may not use `{what}`{}", may(.plans))]
    NotEntitled {
        /// The action, or the action with the value that the plan lacks.
        what: String,
        /// The workspace's plan.
        plan: PlanName,
        /// Plans that have it.
        plans: Vec<PlanName>,
    },
    /// A rule of the catalog forbids it (403).
    #[error("{detail}")]
    NotAllowed {
        /// Which, for people.
        detail: String,
    },
    /// There is no such purchase in this workspace (404).
    #[error("there is no purchase `{purchase}` here")]
    NoSuchPurchase {
        /// The id that was asked for.
        purchase: reeve_types::PurchaseId,
    },
    /// The catalog has no such add-on (422).
    #[error("`{addon}` is not an add-on of this catalog{hint}")]
    NoSuchAddon {
        /// The name that was asked for.
        addon: String,
        /// What may have been meant, as [`reeve_types::did_you_mean`] says it; refusals stored before lack it.
        #[serde(default)]
        hint: String,
    },
    /// A ceiling of the catalog or of a member.
    #[error("limit `{name}` is {limit}: {used} used, {held} held, {pending} pending")]
    LimitReached {
        /// How the catalog calls the limit.
        name: String,
        /// The ceiling, in credits; a count for limits of jobs.
        limit: Credits,
        /// What counts against it.
        used: Credits,
        /// Of purchases that are not paid yet.
        pending: Credits,
        /// Of jobs under way.
        held: Credits,
        /// When it starts anew; `None` for what has no window.
        resets_at: Option<Millis>,
    },
    /// A purchase or subscription that its catalog does not give back (409).
    #[error("{detail}")]
    RefundRefused {
        /// Why, for people.
        detail: String,
    },
    /// The price is above what the request allows (409).
    #[error("it costs {credits} credits, more than `max_credits`")]
    PriceChanged {
        /// The price now.
        credits: Credits,
    },
    /// The lots that may pay have too little (402, KV-06).
    #[error("{required} credits are needed, {available} are available, {missing} are missing")]
    InsufficientCredits {
        /// The price.
        required: Credits,
        /// What those lots have.
        available: Credits,
        /// The difference.
        missing: Credits,
        /// When credits come by themselves.
        next_credit_at: Option<Millis>,
        /// How many.
        next_credit_amount: Option<Credits>,
        /// All ways out.
        remedies: Vec<Remedy>,
        /// The cheapest of them, in figures.
        cheapest: Option<WayOut>,
    },
    /// The tier's bound of waiting jobs is reached (429).
    #[error("the workspace has {queued} jobs waiting, and its tier allows {queued_max}")]
    QueueFull {
        /// How many wait.
        queued: u64,
        /// How many may.
        queued_max: u64,
    },
    /// What the caller had read of the ledger is no longer all of it: to be read again, never shown.
    #[error("the ledger moved on to row {seq}; try again")]
    Moved {
        /// Sequence number of the last row now.
        seq: u64,
    },
    /// Something that comes before it was not told yet: told again later, it may be taken. Never remembered.
    #[error("{detail}")]
    NotYet {
        /// What is missing, for people.
        detail: String,
    },
    /// The payment became credits elsewhere (409, KV-08).
    #[error("payment `{payment}` is already used by workspace `{by}`")]
    PaymentUsed {
        /// The platform's reference of it.
        payment: String,
        /// The workspace that has them.
        by: WorkspaceId,
    },
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
