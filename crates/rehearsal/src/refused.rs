//! Refusals as the API shows them: a stable code and its figures.

use reeve_types::{Credits, Millis, PlanName};
use reeve_workspace::{Refusal, Remedy, WayOut};

/// A refusal with all that an example may ask of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refused {
    /// As the API names it.
    pub code: &'static str,
    pub detail: String,
    pub pointers: Vec<String>,
    pub plans: Vec<PlanName>,
    pub credits: Option<Credits>,
    pub required: Option<Credits>,
    pub available: Option<Credits>,
    pub missing: Option<Credits>,
    pub remedies: Vec<&'static str>,
    pub cheapest: Option<String>,
    pub next_credit: Option<(Millis, Credits)>,
    pub limit: Option<Credits>,
    pub used: Option<Credits>,
    pub pending: Option<Credits>,
    pub resets_at: Option<Millis>,
}

impl Refused {
    /// A lease message for a job that another report has closed already.
    pub fn stale(job: &str) -> Self {
        Self {
            code: "stale_lease",
            detail: format!("job `{job}` was closed by another report"),
            ..Self::default()
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let of = |code| Self { code, detail: detail.clone(), ..Self::default() };
        match refusal {
            Refusal::Invalid { findings } => Self {
                detail: findings.iter().map(|finding| finding.detail.as_str()).collect::<Vec<_>>().join("; "),
                pointers: findings.into_iter().map(|finding| finding.pointer).collect(),
                ..of("invalid_request")
            },
            Refusal::NoSuchWorkspace { .. }
            | Refusal::NoSuchPurchase { .. }
            | Refusal::NoSuchAddon { .. } => of("not_found"),
            Refusal::WorkspaceExists { .. }
            | Refusal::NotLive { .. }
            | Refusal::Conflict { .. }
            | Refusal::Moved { .. }
            | Refusal::NotYet { .. }
            | Refusal::PaymentUsed { .. } => of("conflict"),
            Refusal::Closed { .. } => of("workspace_closed"),
            Refusal::StaleLease { .. } => of("stale_lease"),
            Refusal::NotEntitled { plans, .. } => Self { plans, ..of("not_entitled") },
            Refusal::NotAllowed { .. } => of("not_entitled"),
            Refusal::LimitReached { limit, used, pending, resets_at, .. } => Self {
                limit: Some(limit),
                used: Some(used),
                pending: Some(pending),
                resets_at,
                ..of("limit_reached")
            },
            Refusal::RefundRefused { .. } => of("refund_refused"),
            Refusal::PriceChanged { credits } => Self { credits: Some(credits), ..of("price_changed") },
            Refusal::QueueFull { .. } => of("queue_full"),
            Refusal::InsufficientCredits {
                required,
                available,
                missing,
                next_credit_at,
                next_credit_amount,
                remedies,
                cheapest,
            } => Self {
                required: Some(required),
                available: Some(available),
                missing: Some(missing),
                remedies: remedies.into_iter().map(remedy).collect(),
                cheapest: cheapest.map(way_out),
                next_credit: next_credit_at.zip(next_credit_amount),
                ..of("insufficient_credits")
            },
        }
    }
}

const fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Wait => "wait",
        Remedy::Purchase => "purchase",
        Remedy::Upgrade => "upgrade",
        Remedy::FewerOutputs => "fewer_outputs",
    }
}

fn way_out(way_out: WayOut) -> String {
    match way_out {
        WayOut::FewerOutputs { outputs, .. } => format!("fewer_outputs {outputs}"),
        WayOut::Wait { until } => format!("wait {until}"),
        WayOut::Purchase { pack: Some(pack), .. } => format!("purchase {pack}"),
        WayOut::Purchase { pack: None, credits } => format!("purchase {credits}"),
        WayOut::Upgrade { plan } => format!("upgrade {plan}"),
    }
}
