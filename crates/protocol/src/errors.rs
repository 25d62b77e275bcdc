//! The table of error codes as people read it: when each comes, what to do, and which members it brings.
//!
//! Beside the codes themselves, so that a new one does not compile until somebody has written its line. The document
//! and `docs/errors.md` are made from it.

use crate::Code;

/// What a client's author should know of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// When it comes; a sentence.
    pub when: &'static str,
    /// What to do about it; a sentence.
    pub remedy: &'static str,
    /// Members of the problem that only this code brings, or that it brings at times.
    pub members: &'static [&'static str],
    /// Statuses it comes with beside [`Code::status`].
    pub other_statuses: &'static [u16],
}

const fn advice(when: &'static str, remedy: &'static str, members: &'static [&'static str]) -> Advice {
    Advice { when, remedy, members, other_statuses: &[] }
}

impl Code {
    /// What to know of it.
    pub const fn advice(self) -> Advice {
        match self {
            Self::InsufficientCredits => advice(
                "The lots that may pay for the action hold less than its price.",
                "Do one of `remedies`; `cheapest` has the cheapest in figures. The same request succeeds once there is enough.",
                &[
                    "required",
                    "available",
                    "missing",
                    "next_credit_at",
                    "next_credit_amount",
                    "remedies",
                    "cheapest",
                ],
            ),
            Self::NotEntitled => advice(
                "The plan, the catalog or the kind of server does not have this.",
                "Change the plan, or leave it: repeating does not help.",
                &[],
            ),
            Self::LimitReached => advice(
                "A member's limit or a purchase cap is used up.",
                "Wait until `resets_at`, raise the limit, or ask for less.",
                &["name", "limit", "used", "pending", "held", "resets_at"],
            ),
            Self::RefundRefused => advice(
                "The catalog does not give this purchase or subscription back: too late, used, or not paid for.",
                "Tell the customer; an admin's refund with a reason is not bound by the window.",
                &[],
            ),
            Self::PriceChanged => advice(
                "The price is above the request's `max_credits`.",
                "Show `credits` to the customer and ask again with a higher `max_credits`.",
                &["credits"],
            ),
            Self::InvalidRequest => Advice {
                when: "The body or a parameter is wrong: 400 when the body is not JSON at all, 408 when it came too \
                       slowly, 416 when a range lies outside the bytes, else 422.",
                remedy: "Correct what `errors` points at; the same request fails again.",
                members: &["errors", "unknown_pools", "known_pools"],
                other_statuses: &[400, 408, 416],
            },
            Self::NotFound => advice(
                "There is no such thing, or the key may not know of it; the two look the same on purpose.",
                "Check the id and the key.",
                &["unknown_pools", "known_pools"],
            ),
            Self::StaleLease => advice(
                "The attempt is over: the job is closed, or another attempt holds it.",
                "Drop this attempt and its outputs; they are not paid for.",
                &[],
            ),
            Self::Conflict => advice(
                "The state does not allow this now.",
                "Read the thing again and decide anew; `detail` says what stands in the way.",
                &[],
            ),
            Self::WorkspaceClosed => advice(
                "The workspace was closed: it takes no jobs, purchases or changes any more.",
                "Use another workspace; what is there can still be read.",
                &[],
            ),
            Self::Gone => advice(
                "It was there, and its age or an erasure took it away.",
                "Do not ask again; what was paid for it stays in the ledger.",
                &[],
            ),
            Self::IdempotencyMismatch => advice(
                "The `Idempotency-Key` was used with another method, path or body.",
                "Use a new key for a new request; a retry must be the very same request.",
                &[],
            ),
            Self::QueueFull => advice(
                "The workspace has as many jobs waiting as its tier allows.",
                "Wait `retry_after_seconds` and send the same request under the same key.",
                &["retry_after_seconds"],
            ),
            Self::RateLimited => advice(
                "Too many requests came with this key or from this address.",
                "Wait `retry_after_seconds` and send the same request under the same key.",
                &["retry_after_seconds"],
            ),
            Self::Overloaded => advice(
                "The server or its storage cannot take this now, or the outcome of the commit is not known.",
                "Wait `retry_after_seconds` and send the same request under the same key: it takes effect once.",
                &["retry_after_seconds"],
            ),
            Self::NotReady => advice(
                "The server starts, stops or stands by, its store takes no changes, or its disk is nearly full.",
                "Send requests elsewhere, or wait `retry_after_seconds`; `checks` says what does not hold.",
                &["checks", "retry_after_seconds"],
            ),
            Self::Unauthorized => advice(
                "There is no key, or it is unknown, expired or revoked.",
                "Send `Authorization: Bearer <key>` with a key of this server.",
                &[],
            ),
            Self::InvalidSignature => advice(
                "A provider's event is unsigned, signed with another secret, signed too long ago, or was changed on its way.",
                "Compare the endpoint's secret with the server's, and the two clocks.",
                &[],
            ),
            Self::Forbidden => advice(
                "The key is known, but its role may not call this.",
                "Use a key with one of the roles that the call lists.",
                &[],
            ),
            Self::PayloadTooLarge => {
                advice("The body is larger than this call takes.", "Send less; `detail` has the bound.", &[])
            }
            Self::UnsupportedMediaType => advice(
                "`Content-Type` names a type that this call does not take.",
                "Send one of the types that the call lists.",
                &[],
            ),
            Self::MethodNotAllowed => {
                advice("The path is known, the method is not.", "Use one of the methods in `Allow`.", &[])
            }
            Self::Internal => advice(
                "A mistake of the server; nothing is told of it but the request's id.",
                "Report it with `X-Request-Id`. A retry under the same key is safe.",
                &[],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Problem;

    #[test]
    fn every_member_of_the_table_is_one_of_a_problem() {
        let schema = serde_json::to_value(<Problem as utoipa::PartialSchema>::schema()).unwrap();
        for code in Code::ALL {
            for member in code.advice().members {
                assert!(schema["properties"].get(member).is_some(), "{code}: {member}");
            }
        }
    }

    #[test]
    fn every_member_that_is_not_of_all_problems_is_explained_by_some_code() {
        let schema = serde_json::to_value(<Problem as utoipa::PartialSchema>::schema()).unwrap();
        let common = ["type", "title", "status", "detail", "instance", "code"];
        let told: Vec<&str> = Code::ALL.iter().flat_map(|code| code.advice().members).copied().collect();
        for member in schema["properties"].as_object().unwrap().keys() {
            assert!(common.contains(&member.as_str()) || told.contains(&member.as_str()), "{member}");
        }
    }

    #[test]
    fn codes_that_may_be_retried_say_when() {
        for code in Code::ALL.iter().filter(|code| code.is_retryable()) {
            assert!(code.advice().members.contains(&"retry_after_seconds"), "{code}");
        }
    }
}
