//! An example of every problem, as a client would see it.

use reeve_protocol::{Amount, At, Cheapest, Code, FieldError, Problem, Remedy};
use reeve_types::{Credits, Millis};

use super::facts::Refusal;
use crate::resources::health;

/// An instant of the examples: 2026-03-02T00:00:00Z.
const SOON: At = At(Millis::from_millis(1_772_409_600_000));

fn credits(whole: i64) -> Option<Amount> {
    Some(Amount(Credits::from_micros(whole * 1_000_000)))
}

/// The problem that a status comes with.
pub(crate) fn example((status, code): Refusal) -> Problem {
    let plain = Problem { status, ..Problem::new(code, detail(status, code)) }.at("/v1/workspaces/acme/jobs");
    match code {
        Code::InsufficientCredits => Problem {
            required: credits(32),
            available: credits(20),
            missing: credits(12),
            next_credit_at: Some(SOON),
            next_credit_amount: credits(1_000),
            remedies: Some(vec![Remedy::Wait, Remedy::Purchase, Remedy::Upgrade, Remedy::FewerOutputs]),
            cheapest: Some(Cheapest {
                outputs: Some(2),
                credits: credits(16),
                ..Cheapest::by(Remedy::FewerOutputs)
            }),
            ..plain
        },
        Code::LimitReached => Problem {
            name: Some("member".to_owned()),
            limit: credits(100),
            used: credits(80),
            pending: credits(0),
            held: credits(8),
            resets_at: Some(SOON),
            ..plain
        },
        Code::PriceChanged => Problem { credits: credits(32), ..plain },
        Code::InvalidRequest if status == 422 => {
            Problem { errors: Some(vec![FieldError::new("/params/outputs", "must be 1 to 16")]), ..plain }
        }
        Code::NotReady => {
            let loading = Some(detail(status, code).to_owned());
            let checks = [("running", None), ("database", None), ("loaded", loading)];
            let checks = checks.map(|(name, fault)| health::check(name, fault)).to_vec();
            Problem { checks: Some(checks), retry_after_seconds: Some(1), ..plain }
        }
        _ if code.is_retryable() => Problem { retry_after_seconds: Some(1), ..plain },
        _ => plain,
    }
}

const fn detail(status: u16, code: Code) -> &'static str {
    match (code, status) {
        (Code::InvalidRequest, 400) => "the body is not JSON: expected value at line 1 column 1",
        (Code::InvalidRequest, 408) => "the body came too slowly",
        (Code::InvalidRequest, 416) => "the range lies outside the 68 bytes",
        (Code::InvalidRequest, _) => "`/params/outputs`: must be 1 to 16",
        (Code::InsufficientCredits, _) => "32 credits are needed, 20 are available, 12 are missing",
        (Code::NotEntitled, _) => "plan `free` may not use `model.train`; it needs pro or enterprise",
        (Code::LimitReached, _) => "limit `member` is 100: 80 used, 8 held, 0 pending",
        (Code::PriceChanged, _) => "it costs 32 credits, more than `max_credits`",
        (Code::NotFound, _) => "there is no such workspace",
        (Code::StaleLease, _) => {
            "lease `lease_0000000000000000000000000000000100000001` is not live; drop this attempt"
        }
        (Code::IdempotencyMismatch, _) => "this idempotency key was used for another request; use a new one",
        (Code::QueueFull, _) => "the workspace has 50 jobs waiting, and its tier allows 50",
        (Code::Unauthorized, _) => "send a key that is known here: `Authorization: Bearer <key>`",
        (Code::Forbidden, _) => "a key with role `worker` may not call this",
        (Code::PayloadTooLarge, _) => "this body may have 1048576 bytes",
        (Code::UnsupportedMediaType, _) => "send the body as `application/json`",
        (Code::Overloaded, _) => "the server is at its limit; try again",
        (Code::NotReady, _) => "the server is still loading what is stored",
        (other, _) => other.title(),
    }
}
