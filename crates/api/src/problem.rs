//! What refusals and failures of the engine are called on the wire.

use reeve_actors::Unavailable;
use reeve_artifacts::ArtifactError;
use reeve_journal::StoreError;
use reeve_protocol::{Amount, Cheapest, Code, FieldError, Problem, Remedy};
use reeve_workspace::{Refusal, WayOut};

use crate::error::ApiError;

/// How long a client shall wait while its tier's backlog is full, in seconds.
const QUEUE_FULL_SECONDS: u64 = 5;

/// The problem of a refusal. A job that is not live is a conflict here; callers that know better look first.
pub(crate) fn refused(refusal: &Refusal) -> ApiError {
    let detail = refusal.to_string();
    let new = |code| Problem::new(code, detail.clone());
    let problem = match refusal {
        Refusal::Invalid { findings } => {
            let errors =
                findings.iter().map(|finding| FieldError::new(&finding.pointer, &finding.detail)).collect();
            Problem::invalid(detail, errors)
        }
        Refusal::NoSuchWorkspace { .. } | Refusal::NoSuchPurchase { .. } | Refusal::NoSuchAddon { .. } => {
            new(Code::NotFound)
        }
        Refusal::WorkspaceExists { .. }
        | Refusal::NotLive { .. }
        | Refusal::Conflict { .. }
        | Refusal::NotYet { .. } => new(Code::Conflict),
        // Whose payment it is concerns nobody else.
        Refusal::PaymentUsed { payment, .. } => {
            Problem::new(Code::Conflict, format!("payment `{payment}` is already used for another purchase"))
        }
        Refusal::Closed { .. } => new(Code::WorkspaceClosed),
        Refusal::StaleLease { .. } => new(Code::StaleLease),
        Refusal::NotEntitled { .. } | Refusal::NotAllowed { .. } => new(Code::NotEntitled),
        Refusal::LimitReached { name, limit, used, pending, held, resets_at } => Problem {
            name: Some(name.clone()),
            limit: Some(Amount(*limit)),
            used: Some(Amount(*used)),
            pending: Some(Amount(*pending)),
            held: Some(Amount(*held)),
            resets_at: resets_at.map(Into::into),
            ..new(Code::LimitReached)
        },
        Refusal::RefundRefused { .. } => new(Code::RefundRefused),
        // The caller's own reads were overtaken; nothing is wrong with the request.
        Refusal::Moved { .. } => Problem::later(Code::Overloaded, detail, 1),
        Refusal::PriceChanged { credits } => {
            Problem { credits: Some(Amount(*credits)), ..new(Code::PriceChanged) }
        }
        Refusal::QueueFull { .. } => Problem::later(Code::QueueFull, detail, QUEUE_FULL_SECONDS),
        Refusal::InsufficientCredits {
            required,
            available,
            missing,
            next_credit_at,
            next_credit_amount,
            remedies,
            cheapest,
        } => Problem {
            required: Some(Amount(*required)),
            available: Some(Amount(*available)),
            missing: Some(Amount(*missing)),
            next_credit_at: next_credit_at.map(Into::into),
            next_credit_amount: next_credit_amount.map(Amount),
            remedies: Some(remedies.iter().copied().map(remedy).collect()),
            cheapest: cheapest.as_ref().map(way_out),
            ..new(Code::InsufficientCredits)
        },
    };
    problem.into()
}

const fn remedy(remedy: reeve_workspace::Remedy) -> Remedy {
    match remedy {
        reeve_workspace::Remedy::Wait => Remedy::Wait,
        reeve_workspace::Remedy::Purchase => Remedy::Purchase,
        reeve_workspace::Remedy::Upgrade => Remedy::Upgrade,
        reeve_workspace::Remedy::FewerOutputs => Remedy::FewerOutputs,
    }
}

fn way_out(way: &WayOut) -> Cheapest {
    match way {
        WayOut::FewerOutputs { outputs, credits } => Cheapest {
            outputs: Some(*outputs),
            credits: Some(Amount(*credits)),
            ..Cheapest::by(Remedy::FewerOutputs)
        },
        WayOut::Wait { until } => Cheapest { until: Some((*until).into()), ..Cheapest::by(Remedy::Wait) },
        WayOut::Purchase { pack, credits } => {
            Cheapest { pack: pack.clone(), credits: Some(Amount(*credits)), ..Cheapest::by(Remedy::Purchase) }
        }
        WayOut::Upgrade { plan } => Cheapest { plan: Some(plan.clone()), ..Cheapest::by(Remedy::Upgrade) },
    }
}

impl From<Unavailable> for ApiError {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Retry { after_seconds, .. } => {
                Problem::later(Code::Overloaded, unavailable.to_string(), after_seconds.into()).into()
            }
            Unavailable::KeyReused => Self::new(Code::IdempotencyMismatch, unavailable.to_string()),
            Unavailable::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Damaged { .. } => Self::internal(error),
        }
    }
}

impl From<ArtifactError> for ApiError {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Store(_) | ArtifactError::Folder { .. } => Self::unavailable(error),
            ArtifactError::Damaged { .. } => Self::internal(error),
        }
    }
}

/// The problem of a status that no handler of ours gave.
pub(crate) fn of_status(status: u16) -> Problem {
    let known = match status {
        400 => return Problem::malformed("the request cannot be read"),
        401 => Code::Unauthorized,
        403 => Code::Forbidden,
        404 => return Problem::new(Code::NotFound, "there is nothing at this path"),
        405 => Code::MethodNotAllowed,
        413 => Code::PayloadTooLarge,
        415 => Code::UnsupportedMediaType,
        503 => return Problem::later(Code::Overloaded, Code::Overloaded.title(), 1),
        500.. => Code::Internal,
        _ => Code::InvalidRequest,
    };
    Problem { status, ..Problem::new(known, known.title()) }
}

#[cfg(test)]
mod tests {
    use reeve_types::{Credits, JobId, LeaseId, Millis, WorkspaceId};

    use super::*;

    fn status_and_code(refusal: &Refusal) -> (u16, Code) {
        let error = refused(refusal);
        (error.problem().status, error.problem().code)
    }

    #[test]
    fn each_refusal_has_its_status_and_code() {
        let job = JobId::from_parts(Millis::from_millis(1), 1);
        let one = Credits::from_micros(1_000_000);
        let cases = [
            (Refusal::invalid("/a", "no"), 422, Code::InvalidRequest),
            (Refusal::NotLive { job }, 409, Code::Conflict),
            (Refusal::StaleLease { lease: LeaseId { job, attempt: 1 } }, 409, Code::StaleLease),
            (Refusal::Conflict { detail: String::new() }, 409, Code::Conflict),
            (Refusal::NotAllowed { detail: String::new() }, 403, Code::NotEntitled),
            (Refusal::PriceChanged { credits: one }, 409, Code::PriceChanged),
            (Refusal::RefundRefused { detail: String::new() }, 409, Code::RefundRefused),
            (Refusal::NoSuchAddon { addon: "x".to_owned(), hint: String::new() }, 404, Code::NotFound),
            (Refusal::Moved { seq: 1 }, 503, Code::Overloaded),
            (Refusal::QueueFull { queued: 1, queued_max: 1 }, 429, Code::QueueFull),
        ];
        for (refusal, status, code) in cases {
            assert_eq!(status_and_code(&refusal), (status, code), "{refusal}");
        }
    }

    #[test]
    fn kv_06_a_lack_of_credits_tells_the_ways_out() {
        let amount = Credits::from_micros(2_500_000);
        let refusal = Refusal::InsufficientCredits {
            required: amount,
            available: Credits::ZERO,
            missing: amount,
            next_credit_at: Some(Millis::from_millis(0)),
            next_credit_amount: Some(amount),
            remedies: vec![reeve_workspace::Remedy::Wait, reeve_workspace::Remedy::FewerOutputs],
            cheapest: Some(WayOut::Purchase { pack: None, credits: amount }),
        };
        let text = serde_json::to_value(refused(&refusal).problem()).unwrap_or_default();
        assert_eq!(text["missing"], serde_json::json!(2.5));
        assert_eq!(text["remedies"], serde_json::json!(["wait", "fewer_outputs"]));
        assert_eq!(text["cheapest"], serde_json::json!({"kind": "purchase", "credits": 2.5}));
        assert_eq!(text["status"], 402);
    }

    #[test]
    fn a_used_payment_does_not_tell_whose_it_is() {
        let Ok(by) = WorkspaceId::new("secret-tenant") else { return };
        let error = refused(&Refusal::PaymentUsed { payment: "p1".to_owned(), by });
        assert!(!error.to_string().contains("secret-tenant"));
        assert_eq!(error.problem().status, 409);
    }

    #[test]
    fn a_status_from_elsewhere_keeps_its_number() {
        for status in [400, 401, 403, 404, 405, 408, 413, 415, 416, 417, 431, 500, 501, 503] {
            assert_eq!(of_status(status).status, status);
        }
    }
}
